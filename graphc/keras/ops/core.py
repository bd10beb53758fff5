"""``keras.ops.core``: conversion, casts, shapes, slices and scattered updates."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from graphc.arrays import saturate_cast as saturated
from graphc.custom_gradient import custom_gradient
from graphc.framework import is_tensor
from graphc.keras.config import standardize_dtype
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.operation import operation
from graphc.keras.ops.promotion import as_index, convert
from graphc.pytree import map_leaves
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import gather as ir
from graphc_ir.ops import rearrange
from graphc_ir.ops.base import Operand, dtype_of, lift, shape_of
from graphc_ir.ops.constant import stop_gradient as stopped
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import add, mul
from graphc_ir.ops.gather import tensor_scatter_nd
from graphc_ir.ops.indexing import getitem
from graphc_ir.ops.movement import broadcast_to, reshape, resolve_shape
from graphc_ir.ops.shape import size_operand

__all__ = [
    "cast", "convert_to_numpy", "convert_to_tensor", "custom_gradient", "dtype", "is_tensor", "saturate_cast",
    "scatter", "scatter_update", "shape", "slice", "slice_update", "stop_gradient", "unstack",
]  # fmt: skip


# --- conversion ------------------------------------------------------------------------------------------------------


@operation("core")
def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Any:
    """The data as a tensor, cast to ``dtype`` if one is given. Raises ArgumentError for ``sparse`` and ``ragged``."""
    if sparse or ragged:
        raise ArgumentError("convert_to_tensor: graphc has no sparse and ragged tensors; leave sparse and ragged out")
    return convert(x, dtype)


def convert_to_numpy(x: Any) -> Any:
    """The value as a NumPy array. Raises TracingError while it has none."""
    return lift(x).numpy()


@operation("core")
def cast(x: Any, dtype: Any) -> Any:
    """The tensor with another dtype."""
    return convert(x, dtype)


@operation("core")
def saturate_cast(x: Any, dtype: Any) -> Any:
    """A cast that clips to the range of ``dtype`` first."""
    return saturated(convert(x), standardize_dtype(dtype))


@operation("core", "variable")
def stop_gradient(variable: Any) -> Any:
    """The value, through which no gradient flows."""
    return map_leaves(lambda x: stopped(convert(x)), variable)


# --- shape -----------------------------------------------------------------------------------------------------------


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes: ints, and for those that are open inside a traced function scalar tensors.

    Open sizes of a KerasTensor are None.
    """
    if isinstance(x, KerasTensor):
        return tuple(x.shape)
    sizes = shape_of(convert(x))
    return tuple(d if isinstance(d, int) else size_operand(d, dtype_of(lift(0))) for d in sizes)


def dtype(x: Any) -> str:
    """The name of the dtype."""
    return standardize_dtype(x.dtype if hasattr(x, "dtype") else dtype_of(convert(x)))


# --- parts -----------------------------------------------------------------------------------------------------------


@operation("core")
def unstack(x: Any, num: int | None = None, axis: int = 0) -> Any:
    """The slices along an axis as a list; ``num`` of them, where the size is not known."""
    return rearrange.unstack(convert(x), num, axis)


@operation("core", "inputs start_indices")
def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """A block of ``shape`` whose first element is at ``start_indices``; -1 takes the rest of an axis."""
    tensor = convert(inputs)
    starts, sizes = _known(start_indices), _known(shape)
    if starts is not None:
        return rearrange.slice_by_size(tensor, starts, shape)
    if sizes is not None and -1 in sizes:
        return _rest_of(tensor, as_index(start_indices), sizes)
    return ir.gather_nd(tensor, _block(as_index(start_indices), resolve_shape(shape)))


@operation("core", "inputs start_indices updates")
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """``inputs`` with the block that starts at ``start_indices`` replaced by ``updates``, which has the same rank."""
    tensor = convert(inputs)
    values = convert(updates, dtype_of(tensor))
    return tensor_scatter_nd(tensor, _block(as_index(start_indices), shape_of(values)), values)


def _rest_of(x: Operand, starts: Operand, shape: Sequence[int]) -> Operand:
    """A block whose sizes of -1 depend on where it starts."""
    for axis, size in enumerate(shape):
        start = getitem(starts, axis)
        if size == -1:
            x = getitem(x, (builtins.slice(None),) * axis + (builtins.slice(start, None),))
        else:
            x = ir.gather(x, add(iota(size, dtype_of(start)), start), axis)
    return x


def _known(numbers: Any) -> list[int] | None:
    """Where a block starts, or its sizes, if they are known now."""
    is_known = isinstance(numbers, (list, tuple)) and all(isinstance(number, int) for number in numbers)
    return list(numbers) if is_known else None


def _block(starts: Operand, sizes: tuple[Any, ...]) -> Operand:
    """The index tuples of all elements of a block, (*sizes, rank)."""
    rank = len(sizes)
    columns = [
        broadcast_to(reshape(iota(size, dtype_of(starts)), (1,) * i + (size,) + (1,) * (rank - 1 - i)), sizes)
        for i, size in enumerate(sizes)
    ]
    return add(rearrange.stack(columns, -1), starts)


@operation("core", "indices values")
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Zeros of ``shape`` with ``values`` added at index tuples (the last axis of ``indices``)."""
    return ir.scatter_nd(as_index(indices), convert(values), shape)


_REDUCTIONS = {None: "none", "add": "add", "max": "max", "min": "min"}


@operation("core", "inputs indices updates")
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """``inputs`` with ``updates`` at index tuples: they replace what is there, or join it by ``reduction``.

    ``reduction``: "add", "max", "min", "mul" (no place named twice) or None. Raises ArgumentError for another one.
    """
    tensor, where = convert(inputs), as_index(indices)
    values = convert(updates, dtype_of(tensor))
    if reduction == "mul":
        return tensor_scatter_nd(tensor, where, mul(ir.gather_nd(tensor, where), values))
    if reduction not in _REDUCTIONS:
        raise ArgumentError(f"scatter_update: got reduction={reduction!r}, expected None, 'add', 'max', 'min' or 'mul'")
    return tensor_scatter_nd(tensor, where, values, _REDUCTIONS[reduction])
