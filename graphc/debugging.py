"""``tf.debugging``: assertions about tensors.

With values at hand they are checked at once. While a function is traced, what its types tell (rank, dtype, sizes) is
checked; conditions on values are not part of the graph and pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from graphc.mode import mode
from graphc.tensor import SymbolicTensor, Tensor
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import lift

__all__ = [
    "Assert",
    "assert_all_finite",
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_integer",
    "assert_less",
    "assert_less_equal",
    "assert_near",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_proper_iterable",
    "assert_rank",
    "assert_rank_at_least",
    "assert_rank_in",
    "assert_same_float_dtype",
    "assert_scalar",
    "assert_shapes",
    "assert_type",
    "check_numerics",
    "disable_check_numerics",
    "disable_traceback_filtering",
    "enable_check_numerics",
    "enable_traceback_filtering",
    "get_log_device_placement",
    "is_numeric_tensor",
    "is_traceback_filtering_enabled",
    "set_log_device_placement",
]


def _value(x: Any) -> Any | None:
    """The array behind ``x``; None while it has no value yet."""
    tensor = lift(x)
    if not isinstance(tensor, SymbolicTensor):
        return np.asarray(tensor._array)
    return mode.tracer.static_value(tensor)


def _compare(relation: str, holds: Callable[[Any, Any], Any]) -> Callable[..., None]:
    def check(
        x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
    ) -> None:
        a, b = _value(x), _value(y)
        if a is None or b is None or np.all(holds(a, b)):
            return
        wrong = np.argwhere(~np.broadcast_to(holds(a, b), np.broadcast_shapes(a.shape, b.shape)))[0]
        where = f" at index {tuple(int(i) for i in wrong)}" if len(wrong) else ""
        raise ArgumentError(f"{message + ': ' if message else ''}expected x {relation} y element by element; it fails"
                            f"{where}: x = {_short(a)}, y = {_short(b)}")  # fmt: skip

    check.__doc__ = f"Raises ArgumentError unless ``x {relation} y`` for every (broadcast) element."
    return check


def _against_zero(relation: str, holds: Callable[[Any], Any]) -> Callable[..., None]:
    def check(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> None:
        a = _value(x)
        if a is not None and not np.all(holds(a)):
            raise ArgumentError(
                f"{message + ': ' if message else ''}expected x {relation} 0 everywhere, got {_short(a)}"
            )

    check.__doc__ = f"Raises ArgumentError unless ``x {relation} 0`` for every element."
    return check


def _short(array: Any) -> str:
    return np.array2string(array, threshold=8, separator=", ")


assert_equal = _compare("==", np.equal)
assert_none_equal = _compare("!=", np.not_equal)
assert_less = _compare("<", np.less)
assert_less_equal = _compare("<=", np.less_equal)
assert_greater = _compare(">", np.greater)
assert_greater_equal = _compare(">=", np.greater_equal)
assert_positive = _against_zero(">", lambda a: a > 0)
assert_negative = _against_zero("<", lambda a: a < 0)
assert_non_negative = _against_zero(">=", lambda a: a >= 0)
assert_non_positive = _against_zero("<=", lambda a: a <= 0)


def Assert(condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None) -> None:
    """Raises ArgumentError that shows ``data`` unless the condition holds."""
    value = _value(condition)
    if value is not None and not np.all(value):
        shown = ", ".join(str(getattr(lift(d), "_array", d)) for d in data)
        raise ArgumentError(f"assertion failed: {shown}")


def assert_near(
    x: Any, y: Any, rtol: float | None = None, atol: float | None = None, message: str | None = None,
    summarize: int | None = None, name: str | None = None,
) -> None:  # fmt: skip
    """Raises ArgumentError unless ``|x - y| <= atol + rtol * |y|``; both default to 10 machine epsilons."""
    a, b = _value(x), _value(y)
    if a is None or b is None:
        return
    epsilon = 10 * float(np.finfo(a.dtype).eps)
    relative, absolute = epsilon if rtol is None else rtol, epsilon if atol is None else atol
    if not np.allclose(a, b, relative, absolute):
        worst = float(np.max(np.abs(a - b)))
        raise ArgumentError(f"{message + ': ' if message else ''}x and y differ by {worst:g}; allowed are "
                            f"atol={absolute:g} + rtol={relative:g} * |y|")  # fmt: skip


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Any:
    """The tensor itself; raises ArgumentError when it holds NaN or infinity."""
    value = _value(x)
    if value is not None and not np.all(np.isfinite(value)):
        bad = int(np.sum(~np.isfinite(value)))
        raise ArgumentError(f"{message}: {bad} of {value.size} elements are NaN or infinite")
    return lift(x)


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Any:
    """The tensor itself; raises ArgumentError when it holds NaN or infinity."""
    return assert_all_finite(tensor, message)


def assert_rank(x: Any, rank: int, message: str | None = None, name: str | None = None) -> None:
    """Raises ShapeError unless ``x`` has this rank."""
    assert_rank_in(x, [rank], message)


def assert_rank_in(x: Any, ranks: Sequence[int], message: str | None = None, name: str | None = None) -> None:
    """Raises ShapeError unless the rank of ``x`` is one of ``ranks``."""
    kind = lift(x).type
    if kind.rank not in [int(r) for r in ranks]:
        raise ShapeError(f"{message + ': ' if message else ''}expected rank {' or '.join(map(str, ranks))}, got {kind}")


def assert_rank_at_least(x: Any, rank: int, message: str | None = None, name: str | None = None) -> None:
    """Raises ShapeError unless ``x`` has at least this rank."""
    kind = lift(x).type
    if kind.rank < rank:
        raise ShapeError(f"{message + ': ' if message else ''}expected rank {rank} or more, got {kind}")


def assert_scalar(tensor: Any, message: str | None = None, name: str | None = None) -> Any:
    """The tensor itself; raises ShapeError unless it has rank 0."""
    assert_rank(tensor, 0, message)
    return tensor


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> None:
    """Raises DTypeError unless the tensor has this dtype."""
    dtype = lift(tensor).dtype
    if dtype != tf_type:
        raise DTypeError(f"{message + ': ' if message else ''}expected dtype {tf_type!r}, got {dtype!r}")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> None:
    """Raises DTypeError unless ``x`` holds integers."""
    dtype = lift(x).dtype
    if not dtype.is_integer:
        raise DTypeError(f"{message + ': ' if message else ''}expected integers, got {dtype!r}")


def assert_same_float_dtype(tensors: Sequence[Any] | None = None, dtype: Any = None) -> Any:
    """The common floating dtype. Raises DTypeError when there is none."""
    found = [lift(t).dtype for t in tensors or []]
    wanted = dtype if dtype is not None else (found[0] if found else "float32")
    if any(d != wanted or not d.is_floating for d in found):
        raise DTypeError(f"expected tensors of one floating dtype ({wanted!r}), got {found}")
    return found[0] if found else wanted


def assert_shapes(
    shapes: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> None:
    """Raises ShapeError unless tensors have the given symbolic shapes: ``[(x, ("N", 3)), (y, ("N",))]``.

    Equal letters must stand for equal sizes, None and ``"."`` fit any size.
    """
    sizes: dict[str, Any] = {}
    for tensor, expected in shapes.items() if isinstance(shapes, dict) else shapes:
        have = lift(tensor).type
        wanted = tuple(expected) if not isinstance(expected, int) else (expected,)
        if have.rank != len(wanted):
            raise ShapeError(f"{message + ': ' if message else ''}expected shape {wanted}, got {have}")
        for size, symbol in zip(have.shape, wanted, strict=True):
            _check_size(size, symbol, sizes, have, message)


def _check_size(size: Any, symbol: Any, sizes: dict[str, Any], have: Any, message: str | None) -> None:
    if symbol is None or symbol == ".":
        return
    expected = sizes.setdefault(symbol, size) if isinstance(symbol, str) else symbol
    if expected != size:
        raise ShapeError(
            f"{message + ': ' if message else ''}size {symbol!r} is {expected} elsewhere, but {size} in {have}"
        )


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether this is a tensor of numbers."""
    return hasattr(tensor, "dtype") and bool(lift(tensor).dtype.is_numeric)


def assert_proper_iterable(values: Any) -> None:
    """Raises TypeError for tensors, arrays, strings and what cannot be iterated: functions want a list of tensors."""
    if isinstance(values, (Tensor, Variable, np.ndarray, str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"expected a list or tuple of tensors, got {type(values).__name__}")


# --- switches of TensorFlow ------------------------------------------------------------------------------------------


def enable_check_numerics(stack_height_limit: int = 30, path_length_limit: int = 50) -> None:
    """Raises ArgumentError: not every op is watched."""
    raise ArgumentError("graphc does not watch all ops for NaN and infinity; put tf.debugging.check_numerics(x, "
                        "message) where they may appear, or use keras.callbacks.TerminateOnNaN")  # fmt: skip


def disable_check_numerics() -> None:
    """Does nothing: no op is watched."""


def enable_traceback_filtering() -> None:
    """Accepted for TensorFlow code, without effect: errors name the user's line, and tracebacks are whole."""


def disable_traceback_filtering() -> None:
    """Does nothing: tracebacks are whole."""


def is_traceback_filtering_enabled() -> bool:
    """False: tracebacks are whole."""
    return False


def get_log_device_placement() -> bool:
    """False: see :func:`set_log_device_placement`."""
    return False


def set_log_device_placement(enabled: bool) -> None:
    """Accepted for TensorFlow code, without effect: ``get_concrete_function(...).device`` says it."""
