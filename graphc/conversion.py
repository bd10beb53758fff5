"""Turning what users pass into tensors."""

from __future__ import annotations

from typing import Any

from graphc.indexed_slices import IndexedSlices
from graphc.tensor import Tensor
from graphc.variable import Variable
from graphc_ir.dtypes import DType, as_dtype
from graphc_ir.errors import DTypeError
from graphc_ir.ops.base import current, lift, to_array
from graphc_ir.ops.rearrange import stack

__all__ = ["as_tensor", "convert_to_tensor"]


def as_tensor(value: Any) -> Any | None:
    """The tensor that ``value`` stands for: a Variable's value, IndexedSlices as dense, lists of tensors stacked.

    None for plain data.
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Variable):
        return value.read_value()
    if isinstance(value, (list, tuple)) and _holds_tensor(value):
        return _packed(value, _dtype_inside(value))
    if isinstance(value, IndexedSlices):
        return value.dense()
    return None


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_tensor(item) for item in value)
    return isinstance(value, (Tensor, Variable))


def _dtype_inside(value: Any) -> DType | None:
    if isinstance(value, (list, tuple)):
        return next((d for d in map(_dtype_inside, value) if d is not None), None)
    return value.dtype if isinstance(value, (Tensor, Variable)) else None


def _packed(value: Any, dtype: DType | None) -> Any:
    if isinstance(value, (list, tuple)) and _holds_tensor(value):
        return stack([_packed(item, dtype) for item in value], 0)
    return lift(value, dtype)


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Any:
    """Turns data, arrays, Variables or lists with tensors in them into a tensor; tensors pass through.

    Raises DTypeError when a tensor has another dtype than asked for, or data does not fit it.
    """
    wanted = None if dtype is None else as_dtype(dtype)
    hint = None if dtype_hint is None else as_dtype(dtype_hint)
    tensor = as_tensor(value)
    if tensor is None:
        return current().constant(to_array(value, wanted, hint))
    if wanted is not None and tensor.dtype is not wanted:
        raise DTypeError(f"cannot convert a tensor of dtype {tensor.dtype.name} to {wanted.name} without a cast; "
                         f"use tf.cast(x, tf.{wanted.name})")  # fmt: skip
    return tensor
