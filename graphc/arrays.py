"""TensorFlow's top-level functions that make, reshape, slice, gather and scatter tensors."""

from __future__ import annotations

import builtins
from typing import Any, NamedTuple

from graphc.adapters import unary
from graphc.conversion import convert_to_tensor
from graphc.tensor import Tensor, TensorShape
from graphc.variable import Variable
from graphc_ir import dims
from graphc_ir.dtypes import DType, as_dtype, int32
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import arithmetic as _arithmetic
from graphc_ir.ops import complex as _complex
from graphc_ir.ops import constant as _constant
from graphc_ir.ops import creation as _creation
from graphc_ir.ops import diagonal as _diagonal
from graphc_ir.ops import elementwise as _elementwise
from graphc_ir.ops import gather as _gather
from graphc_ir.ops import movement as _movement
from graphc_ir.ops import padding as _padding
from graphc_ir.ops import rearrange as _rearrange
from graphc_ir.ops import reduction as _reduction
from graphc_ir.ops import selection as _selection
from graphc_ir.ops import shape as _shape
from graphc_ir.ops import sorting as _sorting
from graphc_ir.ops.arithmetic import clip_by_value as _clip
from graphc_ir.ops.base import lift, to_array

stop_gradient = unary(_constant.stop_gradient)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """A tensor of the data. Python ints become int32, floats float32; NumPy arrays keep their dtype.

    Raises DTypeError or ArgumentError when the data does not fit dtype or shape.
    """
    if isinstance(value, (Tensor, Variable)):
        return convert_to_tensor(value, dtype)
    return _constant.constant(value, dtype, shape)


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """The tensor with another dtype; floats to integers truncate towards zero."""
    return _elementwise.cast(x, dtype)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """A cast that clips to the range of ``dtype`` first."""
    wanted, tensor = as_dtype(dtype), lift(value)
    if not wanted.is_integer:
        return _elementwise.cast(tensor, wanted)
    low, high = _common_limits(tensor.dtype, wanted)
    return _elementwise.cast(_clip(tensor, low, high), wanted)


def _common_limits(source: DType, target: DType) -> tuple[Any, Any]:
    if source.is_integer:
        return max(int(source.min), int(target.min)), min(int(source.max), int(target.max))
    return float(target.min), float(target.max)


def fill(dims: Any, value: Any, name: str | None = None) -> Any:
    """A tensor of shape ``dims`` full of ``value``."""
    return _creation.fill(dims, value)


def zeros(shape: Any, dtype: Any = "float32", name: str | None = None, layout: Any = None) -> Any:
    """A tensor of zeros."""
    return _creation.zeros(shape, dtype)


def ones(shape: Any, dtype: Any = "float32", name: str | None = None, layout: Any = None) -> Any:
    """A tensor of ones."""
    return _creation.ones(shape, dtype)


def zeros_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Any:
    """Zeros of the same shape (and dtype)."""
    return _creation.zeros_like(input, dtype)


def ones_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Any:
    """Ones of the same shape (and dtype)."""
    return _creation.ones_like(input, dtype)


def eye(num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = "float32",
        name: str | None = None) -> Any:  # fmt: skip
    """An identity matrix, or a batch of them."""
    return _diagonal.eye(num_rows, num_columns, batch_shape or (), dtype)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None) -> Any:
    """``start, start + delta, ...`` up to ``limit`` (exclusive); with one argument, from 0."""
    return _creation.arange(start, limit, delta, dtype)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Any:
    """``num`` evenly spaced values from ``start`` to ``stop``, both included."""
    return _creation.linspace(start, stop, num, axis)


def one_hot(indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: int | None = None,
            dtype: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """Vectors of length ``depth`` that are ``on_value`` (1) at the index and ``off_value`` (0) elsewhere."""
    on, off = 1 if on_value is None else on_value, 0 if off_value is None else off_value
    return _creation.one_hot(indices, depth, on, off, -1 if axis is None else axis, dtype)


def meshgrid(*args: Any, indexing: str = "xy", name: str | None = None) -> list[Any]:
    """Coordinate matrices of coordinate vectors."""
    return _creation.meshgrid(*args, indexing=indexing)


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: str | None = None) -> Any:
    """True in the first ``lengths`` places of each row."""
    return _creation.sequence_mask(lengths, maxlen, as_dtype(dtype))


def shape(input: Any, out_type: Any = "int32", name: str | None = None) -> Any:
    """The shape as a 1-D integer tensor; sizes that are open while tracing stay symbolic."""
    return _shape.shape(input, as_dtype(out_type))


def size(input: Any, out_type: Any = "int32", name: str | None = None) -> Any:
    """The number of elements as a scalar tensor."""
    return _shape.size(input, as_dtype(out_type))


def rank(input: Any, name: str | None = None) -> Any:
    """The number of axes as a scalar tensor."""
    return _shape.rank(input)


def shape_n(input: Any, out_type: Any = "int32", name: str | None = None) -> list[Any]:
    """The shapes of several tensors."""
    return [shape(x, out_type) for x in input]


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    """The tensor, checked to have this shape (None fits any size)."""
    return _shape.ensure_shape(x, shape)


def bitcast(input: Any, type: Any, name: str | None = None) -> Any:
    """The same bits under another dtype."""
    return _shape.bitcast(input, type)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """The elements in another shape; one size may be -1."""
    return _movement.reshape(tensor, shape)


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = None) -> Any:
    """The axes in the order ``perm``; by default reversed."""
    order = None if perm is None else to_array(perm).tolist() if not isinstance(perm, Tensor) else perm.numpy().tolist()
    moved = _movement.transpose(a, order)
    return _elementwise.conj(moved) if conjugate else moved


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """A size-1 axis put in at ``axis``."""
    return _movement.expand_dims(input, axis)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Size-1 axes removed: those named, or all."""
    return _movement.squeeze(input, axis)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """Repeats size-1 axes up to ``shape``."""
    return _movement.broadcast_to(input, shape)


def concat(values: Any, axis: Any, name: str | None = None) -> Any:
    """Joins tensors along an axis. One tensor that is not in a list is given back, as in TensorFlow."""
    return _movement.concat([values] if isinstance(values, (Tensor, Variable)) else values, int(axis))


def stack(values: Any, axis: int = 0, name: str | None = None) -> Any:
    """Joins tensors along a new axis."""
    return _rearrange.stack(values, axis)


parallel_stack = stack


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = None) -> list[Any]:
    """The slices along an axis, as a list."""
    return list(_rearrange.unstack(value, num, axis))


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str | None = None
) -> list[Any]:
    """Parts along an axis: a number of equal ones, or of the given sizes (one may be -1)."""
    return list(_movement.split(value, num_or_size_splits, int(axis)))


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """The tensor repeated ``multiples[i]`` times along axis ``i``."""
    return _movement.tile(input, multiples)


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Any:
    """Each element repeated; without an axis the tensor is flattened first."""
    return _rearrange.repeat(input, repeats, axis)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """The order of elements reversed along the axes."""
    return _movement.reverse(tensor, axis)


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Any:
    """Elements moved along the axes, those that fall off come in at the other end."""
    return _rearrange.roll(input, shift, axis)


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None) -> Any:
    """Elements added before and after each axis; ``mode`` is CONSTANT, REFLECT or SYMMETRIC."""
    return _padding.pad(tensor, paddings, mode.lower(), constant_values)


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """``size[i]`` elements from ``begin[i]`` along each axis; a size of -1 takes the rest."""
    return _rearrange.slice_by_size(input_, begin, size)


def strided_slice(input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0,
                  ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None,
                  name: str | None = None) -> Any:  # fmt: skip
    """``input_[begin:end:strides]`` on the leading axes; bit ``i`` of a mask says how position ``i`` is meant."""
    starts, ends = to_array(begin).tolist(), to_array(end).tolist()
    steps = [1] * len(starts) if strides is None else to_array(strides).tolist()
    key: list[Any] = []
    for i, (start, stop, step) in enumerate(zip(starts, ends, steps, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            key.append(Ellipsis)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(start)
        else:
            first, last = None if begin_mask & bit else start, None if end_mask & bit else stop
            key.append(builtins.slice(first, last, step))
    return lift(input_)[tuple(key)]


def gather(params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: int = 0,
           name: str | None = None) -> Any:  # fmt: skip
    """Slices of ``params`` along ``axis`` (default: ``batch_dims``) by index."""
    return _gather.gather(params, indices, None if axis is None else int(axis), batch_dims)


def gather_nd(
    params: Any, indices: Any, batch_dims: int = 0, name: str | None = None, bad_indices_policy: str = ""
) -> Any:
    """Elements or slices of ``params`` by index tuples (the last axis of ``indices``)."""
    return _gather.gather_nd(params, indices, batch_dims)


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Any:
    """Zeros of ``shape`` with ``updates`` added at the indices."""
    return _gather.scatter_nd(indices, updates, shape)


def tensor_scatter_nd_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """A copy with the elements at the indices replaced."""
    return _gather.tensor_scatter_nd_update(tensor, indices, updates)


def tensor_scatter_nd_add(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """A copy with ``updates`` added at the indices."""
    return _gather.tensor_scatter_nd_add(tensor, indices, updates)


def tensor_scatter_nd_sub(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """A copy with ``updates`` subtracted at the indices."""
    return _gather.tensor_scatter_nd_sub(tensor, indices, updates)


def tensor_scatter_nd_max(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """A copy with the maximum of element and update at the indices."""
    return _gather.tensor_scatter_nd_max(tensor, indices, updates)


def tensor_scatter_nd_min(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """A copy with the minimum of element and update at the indices."""
    return _gather.tensor_scatter_nd_min(tensor, indices, updates)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """``x`` where the condition holds, else ``y``; with the condition alone, the indices where it holds."""
    if x is None and y is None:
        return _selection.argwhere(condition)
    if x is None or y is None:
        raise ArgumentError("where takes both x and y, or neither (then it returns indices)")
    return _elementwise.select(condition, x, y)


def boolean_mask(tensor: Any, mask: Any, axis: int | None = None, name: str | None = None) -> Any:
    """The elements where the mask is True."""
    return _selection.boolean_mask(tensor, mask, axis)


class Unique(NamedTuple):
    """What :func:`unique` finds."""

    y: Any
    idx: Any


class UniqueWithCounts(NamedTuple):
    """What :func:`unique_with_counts` finds."""

    y: Any
    idx: Any
    count: Any


def unique(x: Any, out_idx: Any = "int32", name: str | None = None) -> Unique:
    """The distinct elements in order of appearance (``y``), and for each element the index of its like (``idx``)."""
    return Unique(*_selection.unique(x, as_dtype(out_idx)))


def unique_with_counts(x: Any, out_idx: Any = "int32", name: str | None = None) -> UniqueWithCounts:
    """Like unique, with the number of occurrences as ``count``."""
    return UniqueWithCounts(*_selection.unique_with_counts(x, as_dtype(out_idx)))


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Any]:
    """The elements of ``data`` by partition number."""
    return list(_selection.dynamic_partition(data, partitions, num_partitions))


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Any:
    """Interleaves tensors: ``result[indices[m][i]] = data[m][i]``."""
    return _selection.dynamic_stitch(indices, data)


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = "int32",
                 name: str | None = None) -> Any:  # fmt: skip
    """Where each value would be inserted into the sorted sequence."""
    return _sorting.searchsorted(sorted_sequence, values, side, as_dtype(out_type))


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Any:
    """The elements in order along an axis."""
    return _sorting.sort(values, axis, direction)


def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Any:
    """The indices that sort along an axis; equal elements keep their order."""
    return _sorting.argsort(values, axis, direction)


def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: int = 1, batch_axis: int = 0, name: str | None = None
) -> Any:
    """Reverses the first ``seq_lengths[i]`` steps of each sequence."""
    return _rearrange.reverse_sequence(input, seq_lengths, seq_axis, batch_axis)


def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """Pads and moves blocks of the spatial axes into the batch."""
    return _rearrange.space_to_batch(input, block_shape, paddings)


def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    """Undoes space_to_batch."""
    return _rearrange.batch_to_space(input, block_shape, crops)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """The elements limited to ``[clip_value_min, clip_value_max]``."""
    return _clip(t, clip_value_min, clip_value_max)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """The tensor scaled down to length ``clip_norm`` where it is longer."""
    squares = _reduction.reduce_sum(_elementwise.square(t), axes, True)
    # The square root's slope is infinite at 0; a zero tensor needs no scaling and gets a finite gradient.
    empty = _elementwise.equal(squares, 0)
    length = _elementwise.sqrt(_elementwise.select(empty, 1, squares))
    clipped = _elementwise.maximum(_elementwise.select(empty, 0, length), clip_norm)
    return _elementwise.div(_elementwise.mul(t, clip_norm), clipped)


def global_norm(t_list: Any, name: str | None = None) -> Any:
    """The length of all tensors seen as one vector."""
    squares = [_reduction.reduce_sum(_elementwise.square(t)) for t in t_list if t is not None]
    total = squares[0]
    for square in squares[1:]:
        total = _elementwise.add(total, square)
    return _elementwise.sqrt(total)


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Any]:
    """All tensors scaled by one factor so that their global norm is at most ``clip_norm``; and that norm."""
    norm = global_norm(t_list) if use_norm is None else use_norm
    scale = _elementwise.div(clip_norm, _elementwise.maximum(norm, clip_norm))
    return [None if t is None else _elementwise.mul(t, scale) for t in t_list], norm


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> Any:
    """The shape that two shapes broadcast to. Raises ValueError when they do not fit."""
    return TensorShape(dims.broadcast_shapes(tuple(shape_x), tuple(shape_y)))


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Any:
    """The shape that two shapes (as tensors or lists) broadcast to, as an integer tensor.

    Raises ShapeError when they do not fit, ArgumentError for sizes that are only known when the graph runs.
    """
    known = tuple(_movement.resolve_shape(given) for given in (shape_x, shape_y))
    try:
        found = dims.broadcast_shapes(*known)
    except ValueError as error:
        raise ShapeError(f"broadcast_dynamic_shape: {error}") from error
    return _rearrange.stack([_shape.size_operand(size, int32) for size in found]) if found else constant([], int32)


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Any:
    """The positions along each axis of a tensor of shape ``dims``, stacked along a new first axis."""
    rest = lift(indices)
    found: list[Any] = []
    for size in reversed([int(length) for length in dims]):
        found.insert(0, _arithmetic.floormod(rest, size))
        rest = _arithmetic.floordiv(rest, size)
    return _rearrange.stack(found)


def complex(real: Any, imag: Any, name: str | None = None) -> Any:
    """A complex tensor of its real and imaginary parts."""
    return _complex.complex(real, imag)
