"""Sums, means and extrema of groups of rows, and counting.

``segment_ids`` says for each leading position of the data to which segment (row of the result) it belongs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.dtypes import DType, as_dtype, bool_, int32, int64
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import Array, NotDifferentiable, Op, Operand, bind, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.creation import arange, fill, zeros
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
    not_equal,
    select,
    sqrt,
)
from graphc_ir.ops.gather import gather, tensor_scatter_nd
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.movement import broadcast_to, expand_dims, reshape, resolve_shape, slice_axis
from graphc_ir.ops.reduction import reduce_max
from graphc_ir.types import TensorType


class SegmentProd(Op):
    """Products of the rows of each of ``num_segments`` (one size) segments; 1 for none. Ids are one vector and not
    negative."""

    num_segments: Shape

    def infer(self, x: TensorType, ids: TensorType) -> TensorType:
        check_kind(self, NUMERIC, x)
        if not ids.dtype.is_integer or ids.rank != 1 or not x.rank:
            raise ShapeError(f"segment_prod: segment ids must be an integer vector over the rows of the data, got {ids} "
                             f"for {x}")  # fmt: skip
        return x.with_shape((*self.num_segments, *x.shape[1:]))

    def kernel(self, x: Array, ids: Array) -> Any:
        result = np.ones((*self.num_segments, *x.shape[1:]), x.dtype)
        np.multiply.at(result, ids, x)
        return result

    def vjp(self, g: Operand, y: Operand, x: Operand, ids: Operand) -> Any:
        return lambda: self._share(g, y, x, ids), NotDifferentiable("segment ids")

    def _share(self, g: Operand, y: Operand, x: Operand, ids: Operand) -> Operand:
        """Every row gets the product of the others of its segment, also where some of them are 0."""
        void = equal(x, 0)
        filled = select(void, 1, x)
        voids = segment_rows(cast(void, dtype_of(x)), ids, self.num_segments[0], "add")
        g = select(greater(voids, 1), 0, g)
        others = select(void, gather(bind(SegmentProd(self.num_segments), filled, ids), ids), div(gather(y, ids), filled))
        return mul(gather(g, ids), others)


def segment_rows(x: Operand, ids: Operand, count: Dim, reduction: str, base: Operand | None = None) -> Operand:
    """Rows of ``x`` combined by segment, starting from ``base`` (default: zeros); ids are one vector, not negative."""
    start = zeros((count, *shape_of(x)[1:]), dtype_of(x)) if base is None else base
    return tensor_scatter_nd(start, expand_dims(ids, 1), x, reduction)


def _lowest(dtype: DType) -> Any:
    return dtype.min


def _highest(dtype: DType) -> Any:
    return dtype.max


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
        raise ShapeError(f"segment ids of shape {_text(shape_of(where))} do not cover the leading axes of data of shape "
                         f"{_text(shape)}")  # fmt: skip
    if rank == 1:
        return x, where
    rows = dims.element_count(shape[:rank])
    return reshape(x, (rows, *shape[rank:])), reshape(where, (rows,))


def _text(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


Combine = Callable[[Operand, Operand, Dim], Operand]


def _sum(x: Operand, ids: Operand, count: Dim) -> Operand:
    return segment_rows(x, ids, count, "add")


def _max(x: Operand, ids: Operand, count: Dim) -> Operand:
    return segment_rows(x, ids, count, "max", _everywhere(x, count, dtype_of(x).min))


def _min(x: Operand, ids: Operand, count: Dim) -> Operand:
    return segment_rows(x, ids, count, "min", _everywhere(x, count, dtype_of(x).max))


def _prod(x: Operand, ids: Operand, count: Dim) -> Operand:
    return bind(SegmentProd((count,)), x, ids)


def _everywhere(x: Operand, count: Dim, value: Any) -> Operand:
    kind = dtype_of(x)
    return fill((count, *shape_of(x)[1:]), np.asarray(value, kind.np), kind)


def _row_counts(x: Operand, ids: Operand, count: Dim) -> Operand:
    """How many rows each segment has (at least 1), shaped to divide the sums."""
    ones = broadcast_to(lift(1, dtype_of(x)), shape_of(ids))
    found = maximum(_sum(ones, ids, count), 1)
    return reshape(found, (count, *(1 for _ in shape_of(x)[1:])))


def _unsorted(combine: Combine, data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Rows with a negative id are left out: they go to one more segment that is cut off."""
    x, ids = _flat(data, segment_ids)
    (count,) = resolve_shape(num_segments)
    kind = dtype_of(ids)
    if kind.is_unsigned:
        return combine(x, ids, count)
    extra = cast(reshape(_size(count), ()), kind)
    result = combine(x, select(less(ids, 0), extra, ids), count + 1)
    return slice_axis(result, 0, 0, count)


def _size(count: Dim) -> Operand:
    return lift(count, int64) if isinstance(count, int) else expand_dims(lift(count), 0)


def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Sums of the rows of each segment; 0 for none. Rows with a negative id are left out."""
    return _unsorted(_sum, data, segment_ids, num_segments)


def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Products of the rows of each segment; 1 for none. Rows with a negative id are left out."""
    return _unsorted(_prod, data, segment_ids, num_segments)


def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Maxima of the rows of each segment; the lowest number of the dtype for none."""
    return _unsorted(_max, data, segment_ids, num_segments)


def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Minima of the rows of each segment; the highest number of the dtype for none."""
    return _unsorted(_min, data, segment_ids, num_segments)


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Means of the rows of each segment; 0 for none. Rows with a negative id are left out."""
    return _unsorted(lambda x, ids, n: div(_sum(x, ids, n), _row_counts(x, ids, n)), data, segment_ids, num_segments)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any) -> Operand:
    """Sums of the rows of each segment divided by the square root of their number; 0 for none."""
    return _unsorted(
        lambda x, ids, n: div(_sum(x, ids, n), sqrt(_row_counts(x, ids, n))), data, segment_ids, num_segments
    )
