"""Ops whose result size depends on data: positions of true elements, masked selection, distinct values,
partitions."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Shape, fresh_symbol
from graphc_ir.dtypes import DType, as_dtype, bool_, int32, int64
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import (
    Array,
    NotDifferentiable,
    Op,
    Operand,
    bind,
    current,
    dtype_of,
    lift,
    normalize_axis,
    rank_of,
    shape_of,
)
from graphc_ir.ops.constant import constant
from graphc_ir.ops.creation import zeros
from graphc_ir.ops.elementwise import equal, not_equal
from graphc_ir.ops.gather import gather, tensor_scatter_nd_update
from graphc_ir.ops.movement import concat, lift_all, reshape
from graphc_ir.ops.shape import ensure_shape
from graphc_ir.types import TensorType


class Argwhere(Op):
    """The index tuples of all true elements in row-major order, as rows. ``length`` holds one fresh symbol:
    their number."""

    length: Shape
    makes_sizes = True
    vjp = NotDifferentiable("positions are integers")

    def infer(self, condition: TensorType) -> TensorType:
        if condition.dtype is not bool_:
            raise DTypeError(f"argwhere needs a bool tensor, got {condition}; compare first, e.g. x != 0")
        return TensorType(int64, (*self.length, condition.rank))

    def kernel(self, condition: Array) -> Any:
        return np.argwhere(condition).astype(np.int64, copy=False)


class Unique(Op):
    """The distinct elements of a vector in order of first occurrence (ascending if ``ordered``), for each
    element the place of its value, and how often each value occurs. ``length`` holds one fresh symbol: the
    number of values."""

    length: Shape
    dtype: DType
    ordered: bool
    makes_sizes = True
    vjp = NotDifferentiable("which elements are equal changes in jumps")

    @property
    def num_results(self) -> int:
        return 3

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.rank != 1:
            raise ShapeError(f"unique needs a vector, got {x}; flatten it with tf.reshape(x, [-1])")
        counted = TensorType(self.dtype, self.length)
        return x.with_shape(self.length), TensorType(self.dtype, x.shape), counted

    def kernel(self, x: Array) -> Any:
        values, first, inverse, counts = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
        order = np.arange(len(first)) if self.ordered else np.argsort(first, kind="stable")
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return (
            values[order],
            places[inverse.reshape(-1)].astype(self.dtype.np),
            counts[order].astype(self.dtype.np),
        )


def argwhere(condition: Any) -> Operand:
    """Index tuples [number, rank] (int64) of the true or nonzero elements.

    In a graph the number is a size of its own, known when the graph runs.
    """
    operand = lift(condition)
    truth = operand if dtype_of(operand) is bool_ else not_equal(operand, lift(0, dtype_of(operand)))
    return bind(Argwhere((fresh_symbol(),)), truth)


def boolean_mask(x: Any, mask: Any, axis: int | None = None) -> Operand:
    """The slices of ``x`` where ``mask`` is true; the mask lies over the axes from ``axis`` on.

    Raises DTypeError when the mask is not bool, ShapeError when it does not fit.
    """
    operand, where = lift(x), lift(mask)
    start = 0 if axis is None else normalize_axis(axis, rank_of(operand))
    check_mask(where, shape_of(operand), start)
    shape, stop = shape_of(operand), start + rank_of(where)
    if not rank_of(where):
        raise ShapeError("boolean_mask: the mask is a scalar; use tf.cond or tf.where for one condition")
    count = dims.element_count(shape[start:stop])
    flat = reshape(operand, (*shape[:start], count, *shape[stop:]))
    fitted = ensure_shape(where, shape[start:stop])
    return gather(flat, reshape(argwhere(reshape(fitted, (count,))), (-1,)), start)


def check_mask(mask: Operand, shape: Shape, start: int) -> None:
    """Raises unless the mask is bool and has the sizes of the axes from ``start`` on."""
    if dtype_of(mask) is not bool_:
        raise DTypeError(f"a mask must be bool, got {dtype_of(mask).name}; compare first, e.g. mask != 0")
    have, covered = shape_of(mask), shape[start : start + rank_of(mask)]
    fits = len(have) == len(covered) and all(
        dims.known_equal(a, b) is not False for a, b in zip(have, covered, strict=True)
    )
    if not fits:
        raise ShapeError(f"a mask of shape [{', '.join(map(str, have))}] does not fit the axes from "
                         f"{start} on of shape "
                         f"[{', '.join(map(str, shape))}]")  # fmt: skip


def unique(x: Any, out_idx: Any = int32) -> tuple[Operand, Operand]:
    """The distinct elements of a vector in order of first occurrence, and for each element the place of its
    value."""
    values, places, _ = unique_with_counts(x, out_idx)
    return values, places


def unique_with_counts(x: Any, out_idx: Any = int32) -> tuple[Operand, Operand, Operand]:
    """Like :func:`unique`, with the number of times that each value occurs."""
    result: tuple[Operand, Operand, Operand] = bind(Unique((fresh_symbol(),), as_dtype(out_idx), False), lift(x))
    return result


def dynamic_partition(x: Any, partitions: Any, num_partitions: int) -> list[Operand]:
    """Slices of ``x`` in ``num_partitions`` groups: group i takes those where ``partitions`` is i."""
    operand, groups = lift(x), lift(partitions)
    if not dtype_of(groups).is_integer or num_partitions < 1:
        raise ArgumentError(f"dynamic_partition: needs integer partitions and at least one group, got "
                            f"{dtype_of(groups).name} and {num_partitions}")  # fmt: skip
    return [boolean_mask(operand, equal(groups, lift(i, dtype_of(groups)))) for i in range(num_partitions)]


def dynamic_stitch(indices: Any, data: Any) -> Operand:
    """Merges tensors: ``result[indices[m][i]] = data[m][i]``; where indices repeat, the last one counts,
    and rows that no index names are 0.

    Raises ArgumentError in a graph when the indices are only known when it runs, since they decide the size.
    """
    places, parts = lift_all(indices, "dynamic_stitch"), lift_all(data, "dynamic_stitch")
    if len(places) != len(parts):
        raise ArgumentError(
            f"dynamic_stitch: {len(places)} index tensors for {len(parts)} data tensors; give as many of each"
        )
    where = concat([reshape(p, (-1,)) for p in places], 0)
    rest = shape_of(parts[0])[rank_of(places[0]) :]
    rows = concat([_stitch_rows(w, p, rest) for w, p in zip(places, parts, strict=True)], 0)
    known = current().symbolic_dims(where)
    if known is None or not all(isinstance(d, int) for d in known):
        raise ArgumentError("dynamic_stitch: the indices decide the size of the result, but they are only "
                            "known when the "
                            "graph runs; use tf.scatter_nd(indices, updates, shape)")  # fmt: skip
    last = {d: position for position, d in enumerate(known) if isinstance(d, int)}
    if any(d < 0 for d in last):
        raise ArgumentError(f"dynamic_stitch: index {min(last)} is negative; indices count from 0")
    places_kept = sorted(last)
    kept = gather(rows, constant(np.array([last[d] for d in places_kept], np.int64)), 0)
    size = max(last, default=-1) + 1
    if len(last) == size:
        return kept
    targets = constant(np.array(places_kept, np.int64).reshape(-1, 1))
    return tensor_scatter_nd_update(zeros((size, *rest), dtype_of(rows)), targets, kept)


def _stitch_rows(where: Operand, part: Operand, rest: Shape) -> Operand:
    """The slices of a part, one per index."""
    covered = shape_of(where)
    return reshape(ensure_shape(part, (*covered, *rest)), (dims.element_count(covered), *rest))
