"""Rearrangements made of simpler movement: stacking, repeating, rolling, and trades between space, depth and
batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.dtypes import int64
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Operand, current, dtype_of, lift, normalize_axis, rank_of, shape_of
from graphc_ir.ops.constant import constant
from graphc_ir.ops.creation import arange, iota, zeros
from graphc_ir.ops.elementwise import add, cast, less, select, sub
from graphc_ir.ops.gather import gather, tensor_scatter_nd_update
from graphc_ir.ops.movement import (
    broadcast_to,
    concat,
    expand_dims,
    lift_all,
    replaced,
    reshape,
    resolve_shape,
    slice_axis,
    split,
    transpose,
)
from graphc_ir.ops.padding import pad


def stack(values: Any, axis: int = 0) -> Operand:
    """Tensors of one shape joined along a new axis. Raises ShapeError when the shapes differ."""
    operands = lift_all(values, "stack")
    first = shape_of(operands[0])
    for operand in operands[1:]:
        if len(shape_of(operand)) != len(first):
            raise ShapeError(
                f"stack: shapes {list(first)} and {list(shape_of(operand))} differ; stack joins equal shapes"
            )
    position = normalize_axis(axis, len(first) + 1)
    return concat([expand_dims(operand, position) for operand in operands], position)


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Operand]:
    """The slices along an axis, without it. Raises ArgumentError when their number is not known or not
    ``num``."""
    operand = lift(x)
    shape = shape_of(operand)
    position = normalize_axis(axis, len(shape))
    count = shape[position] if num is None else num
    if not isinstance(count, int):
        raise ArgumentError(f"unstack: the size {count} of axis {axis} is not known; give num=")
    if dims.known_equal(count, shape[position]) is False:
        raise ArgumentError(f"unstack: num={num}, but axis {axis} has size {shape[position]}")
    rest = (*shape[:position], *shape[position + 1 :])
    return [reshape(part, rest) for part in split(operand, [1] * count, position)] if count else []


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Operand:
    """Each element repeated in place, ``repeats`` times or as often as its own number says; flattens without
    ``axis``.

    Raises ArgumentError when the numbers of repeats are only known when the graph runs, or do not fit the
    axis.
    """
    operand = reshape(lift(x), (-1,)) if axis is None else lift(x)
    shape = shape_of(operand)
    position = 0 if axis is None else normalize_axis(axis, len(shape))
    times = resolve_shape(repeats)
    if len(times) == 1:
        column = expand_dims(operand, position + 1)
        grown = broadcast_to(column, replaced(shape_of(column), position + 1, times[0]))
        return reshape(grown, replaced(shape, position, shape[position] * times[0]))
    if len(times) != shape[position] or not all(isinstance(t, int) for t in times):
        raise ArgumentError(f"repeat: {len(times)} numbers of repeats for axis {position} of shape "
                            f"{list(shape)}; give one "
                            "known number per element, or a single one")  # fmt: skip
    counts = [t for t in times if isinstance(t, int)]
    return gather(operand, constant(np.repeat(np.arange(len(counts)), counts)), position)


def roll(x: Any, shift: Any, axis: Any = None) -> Operand:
    """Elements moved by ``shift`` along ``axis``, around the end. Without an axis the flattened tensor is
    rolled."""
    operand = lift(x)
    if axis is None:
        return reshape(roll(reshape(operand, (-1,)), shift, 0), shape_of(operand))
    shifts = resolve_shape(shift)
    axes = [axis] if np.ndim(axis) == 0 else list(axis)
    if len(shifts) != len(axes):
        raise ArgumentError(f"roll: {len(shifts)} shifts for {len(axes)} axes; give one per axis")
    for amount, place in zip(shifts, axes, strict=True):
        operand = _roll_axis(operand, amount, normalize_axis(int(place), rank_of(operand)))
    return operand


def _roll_axis(x: Operand, shift: Dim, axis: int) -> Operand:
    size = shape_of(x)[axis]
    if isinstance(size, int) and size == 0:
        return x
    # Remainders are taken of numbers >= 0 only: that is where run-time division and floor division agree.
    backwards = dims.known_ge(0, shift) is True
    cut = -shift % size if backwards else size - shift % size
    return concat([slice_axis(x, axis, cut, size), slice_axis(x, axis, 0, cut)], axis)


def space_to_depth(x: Any, block_size: int) -> Operand:
    """Blocks of ``block_size`` x ``block_size`` pixels as channels; ``x`` is [batch, height, width,
    channels]."""
    operand = _images(x, "space_to_depth")
    n, h, w, c = shape_of(operand)
    b = block_size
    _require_divisible("space_to_depth", (h, w), b)
    rows = transpose(reshape(operand, (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
    return reshape(rows, (n, h // b, w // b, b * b * c))


def depth_to_space(x: Any, block_size: int) -> Operand:
    """The inverse of :func:`space_to_depth`: channels become blocks of pixels."""
    operand = _images(x, "depth_to_space")
    n, h, w, c = shape_of(operand)
    b = block_size
    _require_divisible("depth_to_space", (c,), b * b)
    rows = transpose(reshape(operand, (n, h, w, b, b, c // (b * b))), (0, 1, 3, 2, 4, 5))
    return reshape(rows, (n, h * b, w * b, c // (b * b)))


def _images(x: Any, what: str) -> Operand:
    operand = lift(x)
    if rank_of(operand) != 4:
        raise ShapeError(f"{what} needs images [batch, height, width, channels], got shape {list(shape_of(operand))}")
    return operand


def _require_divisible(what: str, sizes: Shape, block: int) -> None:
    for size in sizes:
        if block < 1 or (isinstance(size, int) and size % block):
            raise ShapeError(f"{what}: size {size} is not a multiple of {block}; pad or crop the tensor first")


def space_to_batch(x: Any, block_shape: Any, paddings: Any) -> Operand:
    """Pads the axes after the batch axis and moves blocks of them into the batch."""
    operand, blocks = lift(x), _ints(block_shape)
    count = len(blocks)
    rest = rank_of(operand) - 1 - count
    widths = [(0, 0), *np.asarray(paddings).tolist(), *[(0, 0)] * rest]
    padded = pad(operand, widths)
    n, *spatial = shape_of(padded)[: 1 + count]
    tail = shape_of(padded)[1 + count :]
    for size, block in zip(spatial, blocks, strict=True):
        _require_divisible("space_to_batch", (size,), block)
    cells = [d for size, block in zip(spatial, blocks, strict=True) for d in (size // block, block)]
    grid = reshape(padded, (n, *cells, *tail))
    inner, outer = range(2, 2 + 2 * count, 2), range(1, 1 + 2 * count, 2)
    moved = transpose(grid, (*inner, 0, *outer, *range(1 + 2 * count, rank_of(grid))))
    return reshape(moved, (n * int(np.prod(blocks)), *cells[::2], *tail))


def batch_to_space(x: Any, block_shape: Any, crops: Any) -> Operand:
    """The inverse of :func:`space_to_batch`: blocks come out of the batch, then the borders are cropped."""
    operand, blocks = lift(x), _ints(block_shape)
    count = len(blocks)
    n, *spatial = shape_of(operand)[: 1 + count]
    tail = shape_of(operand)[1 + count :]
    whole = int(np.prod(blocks))
    _require_divisible("batch_to_space", (n,), whole)
    grid = reshape(operand, (*blocks, n // whole, *spatial, *tail))
    pairs = [axis for i in range(count) for axis in (count + 1 + i, i)]
    moved = transpose(grid, (count, *pairs, *range(2 * count + 1, rank_of(grid))))
    sizes = [size * block for size, block in zip(spatial, blocks, strict=True)]
    result = reshape(moved, (n // whole, *sizes, *tail))
    for axis, (before, after) in enumerate(np.asarray(crops).tolist(), start=1):
        result = slice_axis(result, axis, before, sizes[axis - 1] - after)
    return result


def _ints(values: Any) -> list[int]:
    known = resolve_shape(values)
    if not all(isinstance(v, int) and v >= 1 for v in known):
        raise ArgumentError(f"block shape {list(known)} must be known and at least 1")
    return [int(v) for v in known]


def reverse_sequence(x: Any, lengths: Any, seq_axis: int = 1, batch_axis: int = 0) -> Operand:
    """The first ``lengths[b]`` elements along ``seq_axis`` in opposite order, for each b of
    ``batch_axis``."""
    operand = lift(x)
    rank = rank_of(operand)
    seq, batch = normalize_axis(seq_axis, rank), normalize_axis(batch_axis, rank)
    if seq == batch:
        raise ArgumentError(f"reverse_sequence: seq_axis and batch_axis are both {seq}; they must differ")
    order = (batch, seq, *(i for i in range(rank) if i not in (batch, seq)))
    front = transpose(operand, order)
    ends = expand_dims(cast(lift(lengths), int64), 1)
    steps = iota(shape_of(front)[1], int64)
    places = select(less(steps, ends), sub(sub(ends, 1), steps), steps)
    turned = gather(front, places, axis=1, batch_dims=1)
    return transpose(turned, tuple(int(i) for i in np.argsort(order)))


def invert_permutation(x: Any) -> Operand:
    """The permutation that undoes ``x``: ``y[x[i]] = i``."""
    operand = lift(x)
    if rank_of(operand) != 1 or not dtype_of(operand).is_integer:
        raise ShapeError(f"invert_permutation needs a vector of integers, got shape {list(shape_of(operand))}")
    size, dtype = shape_of(operand)[0], dtype_of(operand)
    return tensor_scatter_nd_update(zeros((size,), dtype), expand_dims(operand, 1), iota(size, dtype))


def slice_by_size(x: Any, begin: Any, size: Any) -> Operand:
    """``size`` elements from ``begin`` on every axis; a size of -1 takes all that follow.

    ``begin`` may be a tensor that is only known when the graph runs, if the sizes are known.
    """
    operand = lift(x)
    shape = shape_of(operand)
    sizes = resolve_shape(size)
    starts = current().symbolic_dims(lift(begin)) if not isinstance(begin, (list, tuple)) else resolve_shape(begin)
    if starts is None:
        return _dynamic_slice(operand, lift(begin), sizes)
    if not len(starts) == len(sizes) == len(shape):
        raise ArgumentError(
            f"slice: {len(starts)} starts and {len(sizes)} sizes for rank {len(shape)}; give one per axis"
        )
    for axis, (start, count) in enumerate(zip(starts, sizes, strict=True)):
        stop = shape[axis] if isinstance(count, int) and count == -1 else start + count
        if dims.known_ge(start, 0) is False or dims.known_ge(shape[axis], stop) is False:
            raise ArgumentError(f"slice: {start}..{stop} lies outside axis {axis} of size {shape[axis]}")
        operand = slice_axis(operand, axis, start, stop)
    return operand


def _dynamic_slice(x: Operand, begin: Operand, sizes: Shape) -> Operand:
    for axis, (start, count) in enumerate(zip(unstack(begin), sizes, strict=True)):
        if isinstance(count, int) and count == -1:
            raise ArgumentError(
                "slice: a size of -1 needs starts that are known when the graph is built; give the size"
            )
        indices = arange(0, count, dtype=dtype_of(start))
        x = gather(x, add(indices, start), axis)
    return x


def moveaxis(x: Any, source: Any, destination: Any) -> Operand:
    """Axes moved to other places; the rest keep their order."""
    operand = lift(x)
    rank = rank_of(operand)
    listed = [[a] if np.ndim(a) == 0 else list(a) for a in (source, destination)]
    old, new = ([normalize_axis(int(a), rank) for a in axes] for axes in listed)
    if len(old) != len(new):
        raise ArgumentError(f"moveaxis: {len(old)} source axes and {len(new)} destinations; give as many of each")
    order = [i for i in range(rank) if i not in old]
    for destination_axis, source_axis in sorted(zip(new, old, strict=True)):
        order.insert(destination_axis, source_axis)
    return transpose(operand, order)


def swapaxes(x: Any, axis1: int, axis2: int) -> Operand:
    """Two axes exchanged."""
    operand = lift(x)
    order = list(range(rank_of(operand)))
    a, b = normalize_axis(axis1, len(order)), normalize_axis(axis2, len(order))
    order[a], order[b] = order[b], order[a]
    return transpose(operand, order)
