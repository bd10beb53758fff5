"""Sums, means and extrema of groups of rows, and counting.

``segment_ids`` says for each leading position of the data to which segment (row of the result) it belongs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Shape
from graphc_ir.dtypes import as_dtype, int32
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import (
    Array,
    NotDifferentiable,
    Op,
    Operand,
    bind,
    dtype_of,
    lift,
    promote,
    rank_of,
    shape_of,
)
from graphc_ir.ops.creation import arange, ones_like, zeros
from graphc_ir.ops.elementwise import (
    NUMERIC,
    add,
    cast,
    check_kind,
    div,
    equal,
    greater,
    less,
    maximum,
    minimum,
    mul,
    select,
    sqrt,
)
from graphc_ir.ops.gather import gather, tensor_scatter_nd
from graphc_ir.ops.movement import broadcast_to, expand_dims, reshape, resolve_shape, slice_axis
from graphc_ir.ops.reduction import reduce_max
from graphc_ir.ops.shape import size_operand
from graphc_ir.types import TensorType

_IDS = NotDifferentiable("segment ids are integers")


class SegmentProd(Op):
    """Each row of ``base`` times all rows of ``x`` whose id (in a vector, not negative) names it."""

    def infer(self, base: TensorType, x: TensorType, ids: TensorType) -> TensorType:
        check_kind(self, NUMERIC, base, x)
        if not ids.dtype.is_integer or ids.rank != 1 or x.rank != base.rank or x.shape[1:] != base.shape[1:]:
            raise ShapeError(f"segment_prod: {x} with ids {ids} does not fit {base}; ids must be an integer vector "
                             "over rows of the same shape")  # fmt: skip
        return base

    def kernel(self, base: Array, x: Array, ids: Array) -> Any:
        result = np.array(base)
        np.multiply.at(result, ids, x)
        return result

    def vjp(self, g: Operand, y: Operand, base: Operand, x: Operand, ids: Operand) -> Any:
        of_base = lambda: mul(g, bind(SegmentProd(), ones_like(base), x, ids))  # noqa: E731
        return of_base, lambda: self._share(g, y, base, x, ids), _IDS

    def _share(self, g: Operand, y: Operand, base: Operand, x: Operand, ids: Operand) -> Operand:
        """Every row gets the product of the others of its segment, also where some of them are 0."""
        void = equal(x, 0)
        filled = select(void, 1, x)
        voids = _rows(mul(base, 0), cast(void, dtype_of(x)), ids, "add")
        alone = gather(bind(SegmentProd(), base, filled, ids), ids)
        others = select(void, alone, div(gather(y, ids), filled))
        return mul(gather(select(greater(voids, 1), 0, g), ids), others)


def _rows(base: Operand, x: Operand, ids: Operand, reduction: str) -> Operand:
    return tensor_scatter_nd(base, expand_dims(ids, 1), x, reduction)


def _flat(data: Any, ids: Any) -> tuple[Operand, Operand]:
    """The data as rows, one for each id. Raises unless the ids cover leading axes of the data."""
    x, where = lift(data), lift(ids)
    if not dtype_of(where).is_integer:
        raise DTypeError(f"segment ids must be integers, got {dtype_of(where).name}; cast them with tf.cast")
    rank, shape = rank_of(where), shape_of(x)
    fits = len(shape) >= rank and all(
        dims.known_equal(a, b) is not False for a, b in zip(shape, shape_of(where), strict=False)
    )
    if not fits or not rank:
        raise ShapeError(f"segment ids of shape {_text(shape_of(where))} do not cover the leading axes of data of "
                         f"shape {_text(shape)}")  # fmt: skip
    if rank == 1:
        return x, where
    rows = dims.element_count(shape[:rank])
    return reshape(x, (rows, *shape[rank:])), reshape(where, (rows,))


def _text(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


# Takes zeros of the result's shape, the rows and their ids.
Combine = Callable[[Operand, Operand, Operand], Operand]


def _sum(blank: Operand, x: Operand, ids: Operand) -> Operand:
    return _rows(blank, x, ids, "add")


def _max(blank: Operand, x: Operand, ids: Operand) -> Operand:
    return _rows(_raised(blank, dtype_of(x).min), x, ids, "max")


def _min(blank: Operand, x: Operand, ids: Operand) -> Operand:
    return _rows(_raised(blank, dtype_of(x).max), x, ids, "min")


def _prod(blank: Operand, x: Operand, ids: Operand) -> Operand:
    return bind(SegmentProd(), _raised(blank, 1), x, ids)


def _mean(blank: Operand, x: Operand, ids: Operand) -> Operand:
    return div(_sum(blank, x, ids), maximum(_counts(blank, x, ids), 1))


def _sqrt_n(blank: Operand, x: Operand, ids: Operand) -> Operand:
    return div(_sum(blank, x, ids), sqrt(maximum(_counts(blank, x, ids), 1)))


def _raised(blank: Operand, value: Any) -> Operand:
    return add(blank, lift(np.asarray(value, dtype_of(blank).np)))


def _counts(blank: Operand, x: Operand, ids: Operand) -> Operand:
    """How many rows each segment has, in the shape of the result."""
    return _rows(blank, broadcast_to(lift(1, dtype_of(x)), shape_of(x)), ids, "add")


def _unsorted(combine: Combine, data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Rows with a negative id are left out: they go to one more segment that is cut off."""
    x, ids = _flat(data, segment_ids)
    (count,) = resolve_shape(num_segments)
    rest = shape_of(x)[1:]
    if dtype_of(ids).is_unsigned:
        return combine(zeros((count, *rest), dtype_of(x)), x, ids)
    kept = cast(ids, int32) if dtype_of(ids).size < int32.size else ids
    extra = size_operand(count, dtype_of(kept))
    result = combine(zeros((count + 1, *rest), dtype_of(x)), x, select(less(kept, 0), extra, kept))
    return slice_axis(result, 0, 0, count)


def _sorted(combine: Combine, data: Any, segment_ids: Any) -> Operand:
    """As many segments as the largest id asks for; in a graph that number is a size of its own."""
    x, ids = _flat(data, segment_ids)
    if rank_of(lift(segment_ids)) != 1:
        raise ShapeError(f"segment ids must be a vector, got shape {_text(shape_of(lift(segment_ids)))}")
    return combine(_blank(reduce_max(ids), shape_of(x)[1:], dtype_of(x)), x, ids)


def _blank(last: Operand, rest: Shape, dtype: Any) -> Operand:
    """Zeros with rows 0 to ``last``, a scalar that may be known only when the graph runs."""
    rows = arange(add(maximum(last, -1), 1))
    # Computed from the rows, so that whoever needs their number also keeps what determines it.
    column = reshape(cast(less(rows, 0), dtype), (*shape_of(rows), *(1 for _ in rest)))
    return broadcast_to(column, (*shape_of(rows), *rest))


def _or_zero(combine: Combine) -> Combine:
    """0 for segments without rows, as the functions of sorted ids give."""
    return lambda blank, x, ids: select(equal(_counts(blank, x, ids), 0), 0, combine(blank, x, ids))


def segment_sum(data: Any, segment_ids: Any) -> Operand:
    """Sums of the rows of each segment; ids ascend from 0."""
    return _sorted(_sum, data, segment_ids)


def segment_prod(data: Any, segment_ids: Any) -> Operand:
    """Products of the rows of each segment; ids ascend from 0; 1 for none."""
    return _sorted(_prod, data, segment_ids)


def segment_mean(data: Any, segment_ids: Any) -> Operand:
    """Means of the rows of each segment; ids ascend from 0; 0 for none."""
    return _sorted(_mean, data, segment_ids)


def segment_max(data: Any, segment_ids: Any) -> Operand:
    """Maxima of the rows of each segment; ids ascend from 0; 0 for none."""
    return _sorted(_or_zero(_max), data, segment_ids)


def segment_min(data: Any, segment_ids: Any) -> Operand:
    """Minima of the rows of each segment; ids ascend from 0; 0 for none."""
    return _sorted(_or_zero(_min), data, segment_ids)


def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Sums of the rows of each segment; 0 for none. Rows with a negative id are left out."""
    return _unsorted(_sum, data, segment_ids, num_segments)


def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Products of the rows of each segment; 1 for none. Rows with a negative id are left out."""
    return _unsorted(_prod, data, segment_ids, num_segments)


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Means of the rows of each segment; 0 for none. Rows with a negative id are left out."""
    return _unsorted(_mean, data, segment_ids, num_segments)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Sums of the rows of each segment divided by the square root of their number; 0 for none."""
    return _unsorted(_sqrt_n, data, segment_ids, num_segments)


def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Maxima of the rows of each segment; the lowest number of the dtype for none."""
    return _unsorted(_max, data, segment_ids, num_segments)


def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Minima of the rows of each segment; the highest number of the dtype for none."""
    return _unsorted(_min, data, segment_ids, num_segments)


def bincount(
    x: Any, weights: Any = None, minlength: int | None = None, maxlength: int | None = None, dtype: Any = int32
) -> Operand:
    """How often each non-negative integer occurs, or the sum of its ``weights``.

    The result reaches from 0 to the largest value, at least ``minlength`` and at most ``maxlength`` long (larger values
    are left out). In a graph that length is a size of its own, unless minlength equals maxlength.
    """
    values = reshape(lift(x), (-1,))
    if not dtype_of(values).is_integer:
        raise DTypeError(f"bincount counts integers, got {dtype_of(values).name}; cast them with tf.cast")
    ids = cast(values, int32) if dtype_of(values).size < int32.size else values
    kind = as_dtype(dtype) if weights is None else dtype_of(lift(weights))
    amounts = broadcast_to(lift(1, kind), shape_of(ids)) if weights is None else reshape(lift(weights), (-1,))
    if maxlength is None:
        return _sum(_counters(ids, minlength or 0, None, kind), amounts, ids)
    outside = greater(ids, maxlength - 1)
    amounts, ids = select(outside, 0, amounts), select(outside, 0, ids)
    if minlength == maxlength:
        return _sum(zeros((maxlength,), kind), amounts, ids)
    return _sum(_counters(values, minlength or 0, maxlength, kind), amounts, ids)


def _counters(ids: Operand, minlength: int, maxlength: int | None, kind: Any) -> Operand:
    last = maximum(reduce_max(cast(ids, int32)), minlength - 1)
    return _blank(last if maxlength is None else minimum(last, maxlength - 1), (), kind)


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: int, weights: Any = None, dtype: Any = int32
) -> Operand:
    """Element (i, j) counts the items of class i that were predicted as class j, or sums their ``weights``."""
    if num_classes < 1:
        raise ArgumentError(f"confusion_matrix: num_classes={num_classes}; expected 1 or more")
    truth, found = promote(labels, predictions)
    cells = add(mul(reshape(truth, (-1,)), num_classes), reshape(found, (-1,)))
    counted = cast(1 if weights is None else weights, dtype)
    amounts = broadcast_to(reshape(counted, (-1,)) if rank_of(counted) else counted, shape_of(cells))
    flat = _rows(zeros((num_classes * num_classes,), dtype), amounts, cells, "add")
    return reshape(flat, (num_classes, num_classes))
