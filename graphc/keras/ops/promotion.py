"""How ``keras.ops`` finds the dtype of a result: Keras's promotion rule, and the conversions that follow it.

Tensors of different dtypes meet in the narrowest dtype that holds the values of both. Between kinds: bool gives way to
integers, integers to floats of whatever width, floats to complex numbers. Signed and unsigned integers meet in the
smallest signed dtype that holds both; there is none for uint64, which meets signed integers in the default float
dtype. float16 and bfloat16 meet in float32. Python's ints and floats are weak: they decide the kind, never the width.
Where floats are needed, ints and bools become the default float dtype.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from graphc.conversion import as_tensor
from graphc.keras.config import floatx, standardize_dtype
from graphc_ir.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint64,
)
from graphc_ir.ops.base import Operand, current, dtype_of, lift, to_array
from graphc_ir.ops.elementwise import cast

__all__ = [
    "as_bool", "as_index", "convert", "convert_all", "floats", "is_number", "no_bool", "promoted", "result_type",
    "summable", "widened",
]  # fmt: skip

_WEAK: Final = (int, float)


def result_type(*dtypes: Any) -> str:
    """The name of the dtype in which tensors of these dtypes meet.

    The Python classes ``int`` and ``float`` stand for Python numbers; None for the default float dtype, which is also
    the result without arguments. Raises DTypeError for a name that is no dtype.
    """
    strong = {as_dtype(standardize_dtype(d)) for d in dtypes if not _is_weak(d)}
    kinds: set[Any] = {d for d in dtypes if _is_weak(d)}
    return (_join(strong, kinds) if dtypes else as_dtype(floatx())).name


def _is_weak(dtype: Any) -> bool:
    # ``in`` would ask for equality, and a DType equals the Python class of its kind.
    return any(dtype is weak for weak in _WEAK)


def _join(strong: set[DType], weak: set[Any]) -> DType:
    if any(d.is_complex for d in strong):
        return complex128 if strong & {complex128, float64} else complex64
    floating = {d for d in strong if d.is_floating}
    if floating:
        return float32 if floating == {float16, bfloat16} else max(floating, key=lambda d: d.size)
    integers = {d for d in strong if d.is_integer}
    if float in weak or _has_no_common_integer(integers):
        return as_dtype(floatx())
    return _join_integers(integers) if integers else int32 if weak else bool_


def _has_no_common_integer(integers: set[DType]) -> bool:
    return uint64 in integers and any(not d.is_unsigned for d in integers)


def _join_integers(integers: set[DType]) -> DType:
    signed = max((d.size for d in integers if not d.is_unsigned), default=0)
    unsigned = max((d.size for d in integers if d.is_unsigned), default=0)
    if not signed or not unsigned:
        return max(integers, key=lambda d: d.size)
    return next(d for d in (int8, int16, int32, int64) if d.size >= signed and d.size > unsigned)


# --- conversion ------------------------------------------------------------------------------------------------------


def is_number(x: Any) -> bool:
    """Whether ``x`` is a Python int or float, whose dtype follows that of its partner."""
    return type(x) in _WEAK


def convert(x: Any, dtype: Any = None) -> Operand:
    """Anything as a tensor, cast to ``dtype`` if one is given.

    Python floats and NumPy's float64 arrays become the default float dtype: float64 must be asked for.
    """
    tensor = as_tensor(x)
    if tensor is None:
        tensor = current().constant(_as_array(x, dtype))
    return tensor if dtype is None else cast(tensor, standardize_dtype(dtype))


def _as_array(x: Any, dtype: Any) -> Any:
    array = to_array(x)
    if dtype is not None:
        return array.astype(as_dtype(standardize_dtype(dtype)).np)
    is_plain = not isinstance(x, (np.ndarray, np.generic))
    if array.dtype == np.float64 or (array.dtype == np.float32 and is_plain):
        return array.astype(as_dtype(floatx()).np)
    return array


def promoted(*values: Any, at_least: tuple[Any, ...] = ()) -> list[Operand]:
    """The values as tensors of their common dtype, which is also joined with the dtypes ``at_least``."""
    tensors = [x if is_number(x) else convert(x) for x in values]
    dtypes = [type(t) if is_number(t) else dtype_of(t) for t in tensors]
    wanted = as_dtype(result_type(*dtypes, *at_least))
    return [lift(t, wanted) if is_number(t) else cast(t, wanted) for t in tensors]


def convert_all(values: Iterable[Any]) -> list[Operand]:
    """A sequence (or a tensor, along its first axis) as tensors of their common dtype."""
    return promoted(*values)


def floats(x: Any) -> Operand:
    """A tensor of floats or complex numbers; ints and bools become the default float dtype."""
    tensor = convert(x)
    return tensor if dtype_of(tensor).is_differentiable else cast(tensor, floatx())


def no_bool(x: Any) -> Operand:
    """A tensor of numbers; bools become int32."""
    tensor = convert(x)
    return cast(tensor, int32) if dtype_of(tensor).is_bool else tensor


def as_bool(x: Any) -> Operand:
    """Whether each element is not zero."""
    tensor = convert(x)
    return cast(tensor, bool_)


def as_index(x: Any) -> Operand:
    """A tensor of integers; floats are cut off to int32."""
    tensor = convert(x)
    return tensor if dtype_of(tensor).is_integer else cast(tensor, int32)


def summable(x: Operand) -> Operand:
    """The dtype in which elements are summed up: small integers become 32 bits wide, so that sums fit longer."""
    dtype = dtype_of(x)
    if dtype.is_bool or (dtype.is_integer and dtype.size < int32.size):
        return cast(x, "uint32" if dtype.is_unsigned else int32)
    return x


def widened(x: Operand) -> Operand:
    """16-bit floats as float32, for sums of many of them."""
    return cast(x, float32) if dtype_of(x) in (float16, bfloat16) else x
