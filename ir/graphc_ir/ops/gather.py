"""Gathering and scattering by integer indices. Indices count from 0; one outside its axis is an error,
negative too."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.dtypes import int32, int64
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import (
    Array,
    NotDifferentiable,
    Op,
    Operand,
    bind,
    dtype_of,
    lift,
    normalize_axis,
    rank_of,
    shape_of,
)
from graphc_ir.ops.creation import iota, zeros
from graphc_ir.ops.elementwise import add, cast, check_kind, div, equal, less, mul, neg
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import (
    ANY,
    broadcast_to,
    concat,
    expand_dims,
    replaced,
    reshape,
    slice_axis,
    transpose,
)
from graphc_ir.ops.shape import size_operand
from graphc_ir.types import TensorType

INDEX = NotDifferentiable("indices are integers")
REDUCTIONS = ("none", "add", "max", "min")
"""What scattering does with the old element and the update: "none" replaces it."""


class Gather(Op):
    """``x`` taken at ``indices`` along ``axis``: the axis gives way to the axes of ``indices``."""

    axis: int

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        check_indices(self, indices)
        if self.axis >= x.rank:
            raise ShapeError(f"gather: axis {self.axis} is out of range for {x}")
        return x.with_shape((*x.shape[: self.axis], *indices.shape, *x.shape[self.axis + 1 :]))

    def kernel(self, x: Array, indices: Array) -> Any:
        check_range(self, indices, x.shape[self.axis], self.axis)
        return x.take(indices, self.axis)

    def vjp(self, g: Operand, y: Operand, x: Operand, indices: Operand) -> Any:
        return lambda: scatter_along(g, indices, self.axis, shape_of(x)), INDEX


class GatherND(Op):
    """Slices of ``x`` at index tuples: the last axis of ``indices`` holds positions on the axes after
    ``batch_dims``."""

    batch_dims: int

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        check_indices(self, indices)
        depth = _index_depth(self, indices)
        b = self.batch_dims
        if indices.rank <= b or b + depth > x.rank:
            raise ShapeError(f"gather_nd: {depth} indices after {b} batch axes do not fit {x} with indices {indices}")
        _require_shapes(self, x.shape[:b], indices.shape[:b], f"batch axes of {x} and {indices}")
        return x.with_shape((*indices.shape[:-1], *x.shape[b + depth :]))

    def kernel(self, x: Array, indices: Array) -> Any:
        b, depth = self.batch_dims, indices.shape[-1]
        for i in range(depth):
            check_range(self, indices[..., i], x.shape[b + i], b + i)
        columns = [indices[..., i] for i in range(depth)]
        batch = [np.arange(n).reshape(-1, *(1,) * (indices.ndim - 2 - i)) for i, n in enumerate(x.shape[:b])]
        if not columns and not batch:
            return np.broadcast_to(x, (*indices.shape[:-1], *x.shape))
        wanted = (*indices.shape[:-1], *x.shape[b + depth :])
        return np.broadcast_to(x[(*batch, *columns)], wanted)

    def vjp(self, g: Operand, y: Operand, x: Operand, indices: Operand) -> Any:
        return lambda: scatter_nd(full_indices(indices, self.batch_dims), g, shape_of(x)), INDEX


class GatherElements(Op):
    """``y[i, j, ...] = x[i, indices[i, j, ...], ...]`` with the index on ``axis``."""

    axis: int

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        check_indices(self, indices)
        _require_aligned(self, x, indices, self.axis)
        return x.with_shape(indices.shape)

    def kernel(self, x: Array, indices: Array) -> Any:
        check_range(self, indices, x.shape[self.axis], self.axis)
        return np.take_along_axis(x, indices, self.axis)

    def vjp(self, g: Operand, y: Operand, x: Operand, indices: Operand) -> Any:
        return lambda: bind(ScatterElements("add", self.axis), zeros(shape_of(x), dtype_of(g)), indices, g), INDEX


class Scatter(Op, abstract=True):
    """A copy of ``x`` with updates brought in at indices; ``reduction`` is one of "none", "add", "max",
    "min".

    With "none", places must not repeat: which update stays is up to the runtime, and all of them get its
    cotangent.
    """

    reduction: str

    def gather_back(self, g: Operand, indices: Operand) -> Operand:
        """What stands at the places of the updates."""
        raise NotImplementedError

    def put(self, x: Operand, indices: Operand, updates: Operand, reduction: str) -> Operand:
        """The same scatter with another reduction."""
        raise NotImplementedError

    def vjp(self, g: Operand, y: Operand, x: Operand, indices: Operand, updates: Operand) -> Any:
        if self.reduction in ("max", "min"):
            return self._extremum_vjp(g, y, x, indices, updates)
        back = self.gather_back(g, indices)
        if self.reduction == "add":
            return g, INDEX, back
        blank = zeros(shape_of(updates), dtype_of(g))
        return lambda: self.put(g, indices, blank, "none"), INDEX, back

    def _extremum_vjp(self, g: Operand, y: Operand, x: Operand, indices: Operand, updates: Operand) -> Any:
        """The cotangent goes in equal shares to all that equal the result."""
        kind = dtype_of(g)
        from_x = cast(equal(x, y), kind)
        from_updates = cast(equal(updates, self.gather_back(y, indices)), kind)
        share = div(g, self.put(from_x, indices, from_updates, "add"))
        return mul(share, from_x), INDEX, mul(self.gather_back(share, indices), from_updates)


class ScatterND(Scatter):
    """Updates at index tuples: ``out[indices[i]] = updates[i]``, for the last axis of ``indices``."""

    def infer(self, x: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
        check_indices(self, indices)
        check_kind(self, ANY, x, updates)
        depth = _index_depth(self, indices)
        if depth > x.rank:
            raise ShapeError(f"scatter_nd: indices {indices} name {depth} axes, but {x} has rank {x.rank}")
        wanted = (*indices.shape[:-1], *x.shape[depth:])
        _require_shapes(self, updates.shape, wanted, f"updates {updates} for {x} at {indices}")
        return x

    def kernel(self, x: Array, indices: Array, updates: Array) -> Any:
        depth = indices.shape[-1]
        for i in range(depth):
            check_range(self, indices[..., i], x.shape[i], i)
        out = np.array(x, order="C")
        rows = out.reshape(int(np.prod(x.shape[:depth])), int(np.prod(x.shape[depth:])))
        weights = np.array([int(np.prod(x.shape[i + 1 : depth])) for i in range(depth)], np.int64)
        flat = (indices.astype(np.int64) * weights).sum(-1).reshape(-1)
        _scatter_rows(rows, flat, updates.reshape(flat.size, rows.shape[1]), self.reduction)
        return out

    def gather_back(self, g: Operand, indices: Operand) -> Operand:
        return bind(GatherND(0), g, indices)

    def put(self, x: Operand, indices: Operand, updates: Operand, reduction: str) -> Operand:
        return bind(ScatterND(reduction), x, indices, updates)


class ScatterElements(Scatter):
    """``out[i, indices[i, j, ...], ...] = updates[i, j, ...]`` with the index on ``axis``."""

    axis: int

    def infer(self, x: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
        check_indices(self, indices)
        check_kind(self, ANY, x, updates)
        _require_aligned(self, x, indices, self.axis)
        _require_shapes(self, updates.shape, indices.shape, f"updates {updates} at {indices}")
        return x

    def kernel(self, x: Array, indices: Array, updates: Array) -> Any:
        check_range(self, indices, x.shape[self.axis], self.axis)
        out = np.array(x, order="C")
        place = np.ogrid[tuple(slice(n) for n in indices.shape)]
        key = tuple(indices if i == self.axis else grid for i, grid in enumerate(place))
        if self.reduction == "none":
            out[key] = updates
        else:
            _UFUNCS[self.reduction].at(out, key, updates)
        return out

    def gather_back(self, g: Operand, indices: Operand) -> Operand:
        return bind(GatherElements(self.axis), g, indices)

    def put(self, x: Operand, indices: Operand, updates: Operand, reduction: str) -> Operand:
        return bind(ScatterElements(reduction, self.axis), x, indices, updates)

    def decompose(self, x: Operand, indices: Operand, updates: Operand) -> Operand:
        shape = shape_of(indices)
        columns = [_coordinate(shape, i, dtype_of(indices)) for i in range(len(shape))]
        columns[self.axis] = indices
        return bind(ScatterND(self.reduction), x, concat([expand_dims(c, -1) for c in columns], -1), updates)


_UFUNCS: dict[str, np.ufunc] = {"add": np.add, "max": np.maximum, "min": np.minimum}


def _scatter_rows(rows: Array, flat: Array, updates: Array, reduction: str) -> None:
    if reduction == "none":
        rows[flat] = updates
    elif rows.shape[1] == 1:
        _UFUNCS[reduction].at(rows[:, 0], flat, updates[:, 0])
    elif flat.size:
        # Sorting brings equal indices together; ufunc.at on rows is far slower.
        order = np.argsort(flat, kind="stable")
        ordered = flat[order]
        firsts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        combined = _UFUNCS[reduction].reduceat(updates[order], firsts, axis=0)
        rows[ordered[firsts]] = _UFUNCS[reduction](rows[ordered[firsts]], combined)


def check_indices(op: Op, indices: TensorType) -> None:
    """Raises DTypeError unless the indices are integers."""
    if not indices.dtype.is_integer:
        raise DTypeError(f"{op.name} needs integer indices, got {indices}; cast them with tf.cast(x, "
                         "tf.int32), or use "
                         "tf.boolean_mask for bools")  # fmt: skip


def check_range(op: Op, indices: Array, size: int, axis: int) -> None:
    """Raises ArgumentError for an index outside [0, size)."""
    if not indices.size:
        return
    low, high = indices.min(), indices.max()
    if low < 0 or high >= size:
        raise ArgumentError(f"{op.name}: index {low if low < 0 else high} is out of range for axis {axis} "
                            f"of size {size}; "
                            f"expected 0 <= index < {size}" + _negative_hint(low, size))  # fmt: skip


def _negative_hint(low: Any, size: int) -> str:
    return f"; add {size} to count from the end" if -size <= low < 0 else ""


def _index_depth(op: Op, indices: TensorType) -> int:
    depth = indices.shape[-1] if indices.shape else None
    if not isinstance(depth, int):
        raise ShapeError(f"{op.name}: the last axis of the indices holds one index tuple and must have a "
                         "known size, "
                         f"got {indices}")  # fmt: skip
    return depth


def _require_shapes(op: Op, have: Shape, wanted: Shape, what: str) -> None:
    shown = f"[{', '.join(map(str, wanted))}]"
    if len(have) != len(wanted):
        raise ShapeError(f"{op.name}: {what} must have shape {shown}")
    try:
        for a, b in zip(have, wanted, strict=True):
            dims.require_equal(a, b, f"{what}, expected {shown}")
    except ValueError as error:
        raise ShapeError(f"{op.name}: {error}") from error


def _require_aligned(op: Op, x: TensorType, indices: TensorType, axis: int) -> None:
    if x.rank != indices.rank or axis >= x.rank:
        raise ShapeError(f"{op.name} on axis {axis}: {x} and indices {indices} must have the same rank")
    _require_shapes(op, indices.shape, replaced(x.shape, axis, indices.shape[axis]), f"indices {indices} into {x}")


def _coordinate(shape: Shape, axis: int, dtype: Any) -> Operand:
    """A tensor of ``shape`` that holds each element's position on ``axis``."""
    row = tuple(d if i == axis else 1 for i, d in enumerate(shape))
    return broadcast_to(reshape(iota(shape[axis], dtype), row), shape)


def full_indices(indices: Operand, batch_dims: int) -> Operand:
    """Index tuples with the batch positions put in front, so that no batch axes are left."""
    shape = (*shape_of(indices)[:-1], 1)
    batch = [_coordinate(shape, i, dtype_of(indices)) for i in range(batch_dims)]
    return concat([*batch, indices], -1)


def scatter_along(updates: Operand, indices: Operand, axis: int, shape: Shape) -> Operand:
    """Zeros of ``shape`` plus the updates at the places that ``gather(x, indices, axis)`` reads."""
    count, rank = rank_of(indices), rank_of(updates)
    front = (*range(axis, axis + count), *range(axis), *range(axis + count, rank))
    moved = transpose(updates, front) if axis and count else updates
    summed = scatter_nd(expand_dims(indices, -1), moved, (shape[axis], *shape[:axis], *shape[axis + 1 :]))
    back = (*range(1, axis + 1), 0, *range(axis + 1, len(shape)))
    return transpose(summed, back) if axis else summed


def gather(x: Any, indices: Any, axis: int | None = None, batch_dims: int = 0) -> Operand:
    """Slices of ``x`` along ``axis`` at ``indices``, with ``batch_dims`` leading axes in common.

    The result has shape ``x.shape[:axis] + indices.shape[batch_dims:] + x.shape[axis + 1:]``. Raises
    ArgumentError for an index outside the axis, also a negative one.
    """
    operand, where = lift(x), lift(indices)
    rank = rank_of(operand)
    batch = normalize_axis(batch_dims, rank_of(where) + 1, "batch_dims")
    place = batch if axis is None else normalize_axis(axis, rank)
    if not batch:
        return bind(Gather(place), operand, where)
    if place < batch or place >= rank:
        raise ArgumentError(f"gather: axis={place} must not be below batch_dims={batch} nor beyond rank {rank}")
    return _gather_batched(operand, where, place, batch)


def _gather_batched(x: Operand, indices: Operand, axis: int, batch: int) -> Operand:
    rank, count = rank_of(x), rank_of(indices) - batch
    order = (*range(batch), axis, *range(batch, axis), *range(axis + 1, rank))
    front = x if axis == batch else transpose(x, order)
    found = bind(GatherND(batch), front, expand_dims(indices, -1))
    between = range(batch + count, count + axis)
    back = (*range(batch), *between, *range(batch, batch + count), *range(count + axis, rank_of(found)))
    return found if axis == batch else transpose(found, back)


def gather_nd(x: Any, indices: Any, batch_dims: int = 0) -> Operand:
    """Slices of ``x`` at index tuples held by the last axis of ``indices``, with ``batch_dims`` common
    leading axes.

    Raises ArgumentError for an index outside its axis, also a negative one.
    """
    where = lift(indices)
    return bind(GatherND(normalize_axis(batch_dims, max(rank_of(where), 1), "batch_dims")), lift(x), where)


def take_along_axis(x: Any, indices: Any, axis: int = -1) -> Operand:
    """The element of each line along ``axis`` that ``indices`` (of the same rank) names."""
    operand = lift(x)
    return bind(GatherElements(normalize_axis(axis, rank_of(operand))), operand, lift(indices))


def scatter_nd(indices: Any, updates: Any, shape: Any) -> Operand:
    """Zeros of ``shape`` with updates added at index tuples; updates of the same place add up."""
    values = lift(updates)
    return bind(ScatterND("add"), zeros(shape, dtype_of(values)), lift(indices), values)


def tensor_scatter_nd(x: Any, indices: Any, updates: Any, reduction: str = "none") -> Operand:
    """``x`` with updates at index tuples: "none" puts them in place, "add", "sub", "max" and "min" combine.

    Raises ArgumentError for an unknown reduction or an index out of range, ShapeError for updates that do
    not fit.
    """
    operand = lift(x)
    values = lift(updates, dtype_of(operand))
    if reduction == "sub":
        return bind(ScatterND("add"), operand, lift(indices), neg(values))
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"unknown reduction {reduction!r}; use one of none, add, sub, max, min")
    return bind(ScatterND(reduction), operand, lift(indices), values)


def tensor_scatter_nd_update(x: Any, indices: Any, updates: Any) -> Operand:
    """``x`` with the slices at index tuples replaced by ``updates``."""
    return tensor_scatter_nd(x, indices, updates)


def tensor_scatter_nd_add(x: Any, indices: Any, updates: Any) -> Operand:
    """``x`` with ``updates`` added at index tuples."""
    return tensor_scatter_nd(x, indices, updates, "add")


def tensor_scatter_nd_sub(x: Any, indices: Any, updates: Any) -> Operand:
    """``x`` with ``updates`` subtracted at index tuples."""
    return tensor_scatter_nd(x, indices, updates, "sub")


def tensor_scatter_nd_max(x: Any, indices: Any, updates: Any) -> Operand:
    """The larger of ``x`` and ``updates`` at index tuples."""
    return tensor_scatter_nd(x, indices, updates, "max")


def tensor_scatter_nd_min(x: Any, indices: Any, updates: Any) -> Operand:
    """The smaller of ``x`` and ``updates`` at index tuples."""
    return tensor_scatter_nd(x, indices, updates, "min")


def scatter_elements(x: Any, indices: Any, updates: Any, axis: int = 0, reduction: str = "none") -> Operand:
    """``x`` with ``updates`` brought in along ``axis`` where ``indices`` (of the same shape as updates)
    says."""
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"unknown reduction {reduction!r}; use one of {', '.join(REDUCTIONS)}")
    operand = lift(x)
    place = normalize_axis(axis, rank_of(operand))
    return bind(ScatterElements(reduction, place), operand, lift(indices), lift(updates, dtype_of(operand)))


def wrap_negative(indices: Operand, size: Dim) -> Operand:
    """Indices with ``size`` added where they are negative, as NumPy and ONNX count."""
    dtype = dtype_of(indices)
    if dtype.is_unsigned:
        return indices
    below = cast(less(indices, lift(0, dtype)), dtype)
    return add(indices, mul(below, size_operand(size, dtype) if dtype in (int32, int64) else lift(size, dtype)))


def add_rows_by_matmul(x: Operand, indices: Operand, updates: Operand) -> Operand:
    """``ScatterND("add")`` as a product with one-hot rows, for runtimes that scatter without adding.

    Unlike scattering, it spreads an infinite or NaN update over the whole result.
    """
    shape, where = shape_of(x), cast(indices, int64)
    depth = shape_of(indices)[-1]
    assert isinstance(depth, int)
    count, kind = dims.element_count(shape[:depth]), dtype_of(x)
    rows = dims.element_count(shape_of(indices)[:-1])
    flat: Operand = zeros((rows,), int64)
    for i in range(depth):
        weight = size_operand(dims.element_count(shape[i + 1 : depth]), int64)
        column = reshape(slice_axis(where, rank_of(where) - 1, i, i + 1), (rows,))
        flat = add(flat, mul(column, weight))
    hits = cast(equal(expand_dims(iota(count, int64), 1), expand_dims(flat, 0)), kind)
    lines = reshape(updates, (rows, dims.element_count(shape[depth:])))
    return add(x, reshape(matmul(hits, lines), shape))
