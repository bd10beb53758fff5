"""What losses and metrics accept: data as tensors of one dtype and of matching rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.conversion import as_tensor
from graphc.keras.config import floatx
from graphc.tensor import Tensor
from graphc.variable import Variable
from graphc_ir.dims import Dim
from graphc_ir.dtypes import as_dtype
from graphc_ir.ops.base import Operand, current, dtype_of, lift, rank_of, shape_of, to_array
from graphc_ir.ops.creation import ones_like
from graphc_ir.ops.elementwise import cast, mul
from graphc_ir.ops.movement import expand_dims, squeeze

__all__ = ["align_ranks", "convert", "convert_structure", "floats", "same_dtype", "spread"]


def convert(x: Any, dtype: Any) -> Operand:
    """Anything as a tensor of ``dtype``; data is converted before it becomes one."""
    wanted = as_dtype(dtype)
    tensor = as_tensor(x)
    if tensor is not None:
        return cast(tensor, wanted)
    return current().constant(to_array(x).astype(wanted.np))


def convert_structure(x: Any, dtype: Any) -> Any:
    """:func:`convert`, leaf by leaf for dicts and for lists and tuples of arrays or tensors, which stay what they
    are."""
    if isinstance(x, dict):
        return {key: convert_structure(value, dtype) for key, value in x.items()}
    if not _holds_arrays(x):
        return convert(x, dtype)
    items = [convert_structure(item, dtype) for item in x]
    return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)


def _holds_arrays(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and any(_is_array(item) or _holds_arrays(item) for item in x)


def _is_array(x: Any) -> bool:
    return isinstance(x, dict) or (isinstance(x, (np.ndarray, Tensor, Variable)) and x.ndim > 0)


def floats(x: Any) -> Operand:
    """Anything as a tensor of floats; integers and booleans become the default float dtype."""
    tensor = lift(x)
    return tensor if dtype_of(tensor).is_floating else cast(tensor, floatx())


def same_dtype(y_true: Any, y_pred: Any) -> tuple[Operand, Operand]:
    """Both as tensors of floats, of the dtype of the predictions."""
    prediction = floats(y_pred)
    return convert(y_true, dtype_of(prediction)), prediction


def align_ranks(x: Operand, y: Operand) -> tuple[Operand, Operand]:
    """Two tensors whose ranks differ by a last axis of size 1 get the same rank.

    The axis is dropped, but added to the other one if that is a vector: (n, 1) and (n) become two of (n, 1).
    """
    difference = rank_of(x) - rank_of(y)
    if difference == 1 and _is_one(shape_of(x)[-1]):
        return (x, expand_dims(y, -1)) if rank_of(y) == 1 else (squeeze(x, -1), y)
    if difference == -1 and _is_one(shape_of(y)[-1]):
        return (expand_dims(x, -1), y) if rank_of(x) == 1 else (x, squeeze(y, -1))
    return x, y


def spread(x: Operand, like: Operand) -> Operand:
    """``x`` broadcast to the shape of ``like``, of the same dtype; open sizes are taken to be equal."""
    return x if shape_of(x) == shape_of(like) else mul(x, ones_like(like))


def _is_one(size: Dim) -> bool:
    return isinstance(size, int) and size == 1
