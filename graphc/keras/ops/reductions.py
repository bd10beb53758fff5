"""``keras.ops.numpy``: sums, means, extrema and running sums along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import reduction
from graphc.keras.ops.promotion import as_bool, convert, floats, promoted, summable, widened
from graphc_ir.dtypes import int8, int32
from graphc_ir.errors import ShapeError
from graphc_ir.ops import cumulative
from graphc_ir.ops import reduction as ir
from graphc_ir.ops.base import Operand, dtype_of, normalize_axes, normalize_axis, rank_of, shape_of
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add, cast, div, maximum, minimum, mul, sub
from graphc_ir.ops.logsumexp import reduce_logsumexp
from graphc_ir.ops.movement import reshape

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "cumprod", "cumsum", "logsumexp",
    "max", "mean", "min", "prod", "ptp", "std", "sum", "var",
]  # fmt: skip


def _mean(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The mean over the axes; 16-bit floats are summed as float32."""
    return cast(ir.reduce_mean(widened(x), axis, keepdims), dtype_of(x))


def _variance(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The variance over the axes, divided by the count."""
    found = ir.reduce_variance(widened(x), axis, keepdims)
    return found if dtype_of(x).is_complex else cast(found, dtype_of(x))


def _deviation(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The standard deviation over the axes, divided by the count."""
    found = ir.reduce_std(widened(x), axis, keepdims)
    return found if dtype_of(x).is_complex else cast(found, dtype_of(x))


def _largest(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The largest element over the axes."""
    return (ir.reduce_any if dtype_of(x).is_bool else ir.reduce_max)(x, axis, keepdims)


def _smallest(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The smallest element over the axes."""
    return (ir.reduce_all if dtype_of(x).is_bool else ir.reduce_min)(x, axis, keepdims)


def _range(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The largest element minus the smallest, over the axes."""
    return sub(_largest(x, axis, keepdims), _smallest(x, axis, keepdims))


def _to_sum(x: Any) -> Operand:
    return summable(convert(x))


sum = reduction("sum", ir.reduce_sum, _to_sum)
mean = reduction("mean", _mean, floats)
var = reduction("var", _variance, floats)
std = reduction("std", _deviation, floats)
all = reduction("all", ir.reduce_all, as_bool)
any = reduction("any", ir.reduce_any, as_bool)
amax = reduction("amax", _largest, convert)
amin = reduction("amin", _smallest, convert)
ptp = reduction("ptp", _range, convert)
logsumexp = reduction("logsumexp", reduce_logsumexp, floats, module="math")


def _from(initial: Any, choose: Callable[[Any, Any], Any], found: Operand) -> Any:
    return found if initial is None else choose(found, cast(initial, dtype_of(found)))


@operation("numpy")
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The largest element over the axes, and at least ``initial``."""
    return _from(initial, maximum, _largest(convert(x), axis, keepdims))


@operation("numpy")
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The smallest element over the axes, and at most ``initial``."""
    return _from(initial, minimum, _smallest(convert(x), axis, keepdims))


@operation("numpy")
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over the axes, computed in ``dtype`` if one is given."""
    factors = summable(convert(x)) if dtype is None else convert(x, dtype)
    return ir.reduce_prod(factors, axis, keepdims)


@operation("numpy")
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """How many elements are not zero over the axes, int32."""
    return ir.count_nonzero(convert(x), axis, False, int32)


@operation("numpy", "x weights")
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The mean over the axes, weighted by ``weights``: of the shape of ``x``, or a vector along one axis.

    Raises ShapeError for weights of another shape.
    """
    if weights is None:
        return _mean(floats(x), axis, False)
    value, weight = promoted(x, weights, at_least=(float,))
    spread = _along(weight, value, axis)
    total = ir.reduce_sum(mul(value, spread), axis)
    return div(total, ir.reduce_sum(spread, axis))


def _along(weight: Operand, x: Operand, axis: Any) -> Operand:
    """The weights in the shape of ``x``."""
    shape = shape_of(x)
    if rank_of(weight) == len(shape):
        return add(weight, zeros_like(x))
    axes = normalize_axes(axis, len(shape))
    if len(axes) != 1 or rank_of(weight) != 1:
        raise ShapeError(f"average: got weights of shape {tuple(shape_of(weight))} for x of shape {tuple(shape)} and "
                         f"axis={axis}; expected the shape of x, or a vector along one axis")  # fmt: skip
    sizes = tuple(shape_of(weight)[0] if i == axes[0] else 1 for i in range(len(shape)))
    return add(reshape(weight, sizes), zeros_like(x))


# --- where the extrema are -------------------------------------------------------------------------------------------


def _position(find: Callable[..., Any], x: Any, axis: int | None, keepdims: bool) -> Any:
    value = convert(x)
    value = cast(value, int8) if dtype_of(value).is_bool else value
    rank = rank_of(value)
    if axis is None:
        found = find(reshape(value, (-1,)), 0, int32)
        return reshape(found, (1,) * rank) if keepdims else found
    place = normalize_axis(axis, rank)
    found = find(value, place, int32)
    if not keepdims:
        return found
    return reshape(found, tuple(1 if i == place else d for i, d in enumerate(shape_of(value))))


@operation("numpy")
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the largest element along an axis, int32; of the flattened tensor without one."""
    return _position(ir.argmax, x, axis, keepdims)


@operation("numpy")
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the smallest element along an axis, int32; of the flattened tensor without one."""
    return _position(ir.argmin, x, axis, keepdims)


# --- running sums ----------------------------------------------------------------------------------------------------


def _running(compute: Callable[..., Any], x: Any, axis: int | None, dtype: Any) -> Any:
    value = convert(x, dtype)
    value = cast(value, int32) if dtype_of(value).is_bool else value
    return compute(reshape(value, (-1,)), 0) if axis is None else compute(value, axis)


@operation("numpy")
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running sum along an axis; of the flattened tensor without one."""
    return _running(cumulative.cumsum, x, axis, dtype)


@operation("numpy")
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running product along an axis; of the flattened tensor without one."""
    return _running(cumulative.cumprod, x, axis, dtype)
