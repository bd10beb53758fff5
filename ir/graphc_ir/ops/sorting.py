"""Order: sorting, the largest elements, places in a sorted sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Shape
from graphc_ir.dtypes import DType, as_dtype, int32
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import (
    Array,
    NotDifferentiable,
    Op,
    Operand,
    bind,
    dtype_of,
    lift,
    normalize_axis,
    promote,
    rank_of,
    shape_of,
)
from graphc_ir.ops.creation import zeros
from graphc_ir.ops.elementwise import REAL, cast, check_kind, less, less_equal
from graphc_ir.ops.gather import scatter_elements
from graphc_ir.ops.movement import expand_dims, resolve_shape
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.types import TensorType

DIRECTIONS = ("ASCENDING", "DESCENDING")


def _order(x: Array, axis: int, descending: bool) -> Array:
    """Indices that sort; equal elements stay in their order in both directions."""
    if not descending:
        return np.argsort(x, axis, kind="stable")
    places: Array = np.argsort(np.flip(x, axis), axis, kind="stable")
    return np.asarray(x.shape[axis] - 1 - np.flip(places, axis))


class Sort(Op):
    """Elements in order along ``axis``."""

    axis: int
    descending: bool

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, REAL, x)
        normalize_axis(self.axis, x.rank)
        return x

    def kernel(self, x: Array) -> Any:
        ordered = np.sort(x, self.axis)
        return np.flip(ordered, self.axis) if self.descending else ordered

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return lambda: _put_back(g, bind(Argsort(self.axis, self.descending, int32), x), self.axis, shape_of(x))


def _put_back(g: Operand, indices: Operand, axis: int, shape: Shape) -> Operand:
    return scatter_elements(zeros(shape, dtype_of(g)), indices, g, axis)


class Argsort(Op):
    """The indices that sort along ``axis``; equal elements stay in their order."""

    axis: int
    descending: bool
    dtype: DType
    vjp = NotDifferentiable("an index is an integer")

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, REAL, x)
        normalize_axis(self.axis, x.rank)
        return x.with_dtype(self.dtype)

    def kernel(self, x: Array) -> Any:
        return _order(x, self.axis, self.descending).astype(self.dtype.np)


class TopK(Op):
    """The ``k`` (one size) largest elements along the last axis, largest first, and their indices."""

    k: Shape
    dtype: DType

    @property
    def num_results(self) -> int:
        return 2

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        check_kind(self, REAL, x)
        if not x.rank:
            raise ShapeError(f"top_k needs at least one axis, got {x}")
        if dims.known_ge(x.shape[-1], self.k[0]) is False:
            raise ShapeError(f"top_k: k={self.k[0]} exceeds the last axis of {x}")
        shape = (*x.shape[:-1], self.k[0])
        return x.with_shape(shape), TensorType(self.dtype, shape)

    def kernel(self, x: Array) -> Any:
        indices = _order(x, x.ndim - 1, True)[..., : self.k[0]]
        return np.take_along_axis(x, indices, -1), indices.astype(self.dtype.np)

    def vjp(self, g: Any, y: Any, x: Operand) -> Any:
        return lambda: _put_back(g[0], y[1], rank_of(x) - 1, shape_of(x))


class SearchSorted(Op):
    """Where ``values`` go in sorted sequences (the last axis; leading axes in common): the index before (``right``:
    after) equal elements."""

    right: bool
    dtype: DType
    vjp = NotDifferentiable("an index is an integer")

    def infer(self, sequence: TensorType, values: TensorType) -> TensorType:
        check_kind(self, REAL, sequence, values)
        if sequence.rank != values.rank or not sequence.rank:
            raise ShapeError(f"searchsorted: sequences {sequence} and values {values} must have the same rank, 1 or "
                             "more")  # fmt: skip
        try:
            for a, b in zip(sequence.shape[:-1], values.shape[:-1], strict=True):
                dims.require_equal(a, b, "leading sizes of searchsorted")
        except ValueError as error:
            raise ShapeError(f"searchsorted: {sequence} and {values} do not fit: {error}") from error
        return values.with_dtype(self.dtype)

    def kernel(self, sequence: Array, values: Array) -> Any:
        side = "right" if self.right else "left"
        result = np.empty(values.shape, self.dtype.np)
        for line in np.ndindex(values.shape[:-1]):
            result[line] = np.searchsorted(sequence[line], values[line], side)  # type: ignore[call-overload]
        return result

    def decompose(self, sequence: Operand, values: Operand) -> Operand:
        before = less_equal if self.right else less
        hits = before(expand_dims(sequence, -2), expand_dims(values, -1))
        return reduce_sum(cast(hits, self.dtype), -1)


def _is_descending(direction: str) -> bool:
    if direction not in DIRECTIONS:
        raise ArgumentError(f"direction={direction!r} is unknown; expected one of {', '.join(DIRECTIONS)}")
    return direction == "DESCENDING"


def sort(x: Any, axis: int = -1, direction: str = "ASCENDING") -> Operand:
    """Elements in order along an axis; direction "ASCENDING" or "DESCENDING"."""
    operand = lift(x)
    return bind(Sort(normalize_axis(axis, rank_of(operand)), _is_descending(direction)), operand)


def argsort(x: Any, axis: int = -1, direction: str = "ASCENDING", dtype: Any = int32) -> Operand:
    """The indices that sort along an axis; always stable."""
    operand = lift(x)
    place = normalize_axis(axis, rank_of(operand))
    return bind(Argsort(place, _is_descending(direction), as_dtype(dtype)), operand)


def top_k(x: Any, k: Any = 1, dtype: Any = int32) -> tuple[Operand, Operand]:
    """The ``k`` largest elements along the last axis, largest first, and their indices; of equal ones the first.

    Raises ShapeError when the axis is shorter than ``k``.
    """
    (size,) = resolve_shape(k)
    if dims.known_ge(size, 0) is False:
        raise ArgumentError(f"top_k: k={k} is negative")
    result: tuple[Operand, Operand] = bind(TopK((size,), as_dtype(dtype)), lift(x))
    return result


def searchsorted(sequence: Any, values: Any, side: str = "left", dtype: Any = int32) -> Operand:
    """Where ``values`` go in sorted sequences so that they stay sorted: along the last axis, leading axes in common.

    ``side``: "left" gives the index before equal elements, "right" the one after them.
    """
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted: side={side!r} is unknown; expected 'left' or 'right'")
    return bind(SearchSorted(side == "right", as_dtype(dtype)), *promote(sequence, values))
