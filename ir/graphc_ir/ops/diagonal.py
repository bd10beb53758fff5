"""Diagonals and triangles of the innermost matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim
from graphc_ir.dtypes import float32, int32, int64
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Array, Op, Operand, bind, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import add, cast, check_kind, equal, greater_equal, less_equal, mul, select
from graphc_ir.ops.gather import gather
from graphc_ir.ops.movement import ANY, broadcast_to, expand_dims, pad_with, replaced, reshape, resolve_shape
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.ops.shape import size_operand
from graphc_ir.types import TensorType


class Triangle(Op):
    """Matrices with zeros outside a triangle: on and above diagonal ``offset`` (``upper``), or on and below
    it.

    Diagonal 0 is the main one; positive ones lie above it.
    """

    offset: int
    upper: bool

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, ANY, x)
        if x.rank < 2:
            raise ShapeError(f"triangle needs matrices of rank 2 or more, got {x}")
        return x

    def kernel(self, x: Array) -> Any:
        return np.triu(x, self.offset) if self.upper else np.tril(x, self.offset)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return bind(self, g)

    def decompose(self, x: Operand) -> Operand:
        rows, columns = shape_of(x)[-2:]
        shifted = add(expand_dims(iota(rows, int32), 1), lift(self.offset, int32))
        across = expand_dims(iota(columns, int32), 0)
        inside = greater_equal(across, shifted) if self.upper else less_equal(across, shifted)
        return select(inside, x, cast(lift(0), dtype_of(x)))


def tril(x: Any, k: int = 0) -> Operand:
    """The lower triangle: zeros above diagonal ``k``."""
    return bind(Triangle(int(k), False), lift(x))


def triu(x: Any, k: int = 0) -> Operand:
    """The upper triangle: zeros below diagonal ``k``."""
    return bind(Triangle(int(k), True), lift(x))


def band_part(x: Any, num_lower: int, num_upper: int) -> Operand:
    """``num_lower`` diagonals below and ``num_upper`` above the main one, zeros elsewhere; -1 keeps the
    whole triangle."""
    operand = lift(x)
    if int(num_lower) >= 0:
        operand = triu(operand, -int(num_lower))
    return tril(operand, int(num_upper)) if int(num_upper) >= 0 else operand


def eye(num_rows: Any, num_columns: Any = None, batch_shape: Any = (), dtype: Any = float32, k: int = 0) -> Operand:
    """Matrices with ones on diagonal ``k``, one per element of ``batch_shape``."""
    size, across = _one_size(num_rows), _one_size(num_rows if num_columns is None else num_columns)
    ones = cast(_on_diagonal(size, across, k), dtype)
    batch = resolve_shape(batch_shape)
    return broadcast_to(ones, (*batch, size, across)) if batch else ones


def _one_size(value: Any) -> Dim:
    (size,) = resolve_shape(value)
    if dims.known_ge(size, 0) is False:
        raise ArgumentError(f"eye: size {size} is negative")
    return size


def _on_diagonal(rows: Dim, columns: Dim, k: int) -> Operand:
    """A bool matrix that is true on diagonal ``k``."""
    down = add(expand_dims(iota(rows, int32), 1), lift(k, int32))
    return equal(down, expand_dims(iota(columns, int32), 0))


def diag(diagonal: Any, k: int = 0, padding_value: Any = 0) -> Operand:
    """Square matrices with the vectors of the last axis on diagonal ``k`` and ``padding_value`` elsewhere."""
    operand = lift(diagonal)
    if not rank_of(operand):
        raise ShapeError("diag needs vectors, got a scalar")
    size = shape_of(operand)[-1] + abs(k)
    across = _along_columns(operand, size, k)
    return select(_on_diagonal(size, size, k), expand_dims(across, -2), lift(padding_value, dtype_of(operand)))


def _along_columns(diagonal: Operand, columns: Dim, k: int) -> Operand:
    """The diagonal's elements each in its own column."""
    shape = shape_of(diagonal)
    last, none = len(shape) - 1, (0,) * len(shape)
    front = max(k, 0)
    return pad_with(diagonal, replaced(none, last, front), replaced(none, last, columns - front - shape[-1]))


def diag_part(x: Any, k: int = 0) -> Operand:
    """Diagonal ``k`` of the innermost matrices. Raises ShapeError when it lies outside of them."""
    operand = lift(x)
    rows, columns = _matrix_sizes(operand, "diag_part")
    length = _diagonal_length(rows, columns, k)
    lead = shape_of(operand)[:-2]
    flat = reshape(operand, (*lead, rows * columns))
    start = k if k >= 0 else -k * columns
    positions = add(mul(iota(length, int64), size_operand(columns + 1, int64)), size_operand(start, int64))
    return gather(flat, positions, len(lead))


def set_diag(x: Any, diagonal: Any, k: int = 0) -> Operand:
    """The matrices with diagonal ``k`` replaced by the vectors of ``diagonal``."""
    operand = lift(x)
    rows, columns = _matrix_sizes(operand, "set_diag")
    values = lift(diagonal, dtype_of(operand))
    length = _diagonal_length(rows, columns, k)
    if dims.known_equal(shape_of(values)[-1], length) is False:
        raise ShapeError(f"set_diag: diagonal {k} of {rows} x {columns} matrices has {length} elements, got "
                         f"{shape_of(values)[-1]}")  # fmt: skip
    across = expand_dims(_along_columns(values, columns, k), -2)
    return select(_on_diagonal(rows, columns, k), across, operand)


def _matrix_sizes(x: Operand, what: str) -> tuple[Dim, Dim]:
    shape = shape_of(x)
    if len(shape) < 2:
        raise ShapeError(f"{what} needs matrices of rank 2 or more, got shape {list(shape)}")
    return shape[-2], shape[-1]


def _diagonal_length(rows: Dim, columns: Dim, k: int) -> Dim:
    down, across = rows + min(k, 0), columns - max(k, 0)
    shorter = dims.known_ge(across, down)
    if shorter is None:
        raise ShapeError(f"the length of diagonal {k} of {rows} x {columns} matrices depends on which side "
                         "is longer; give "
                         "one of the sizes as a number")  # fmt: skip
    length = down if shorter else across
    if dims.known_ge(length, 1) is False:
        raise ShapeError(f"diagonal {k} lies outside of {rows} x {columns} matrices")
    return length


def trace(x: Any) -> Operand:
    """The sum of the main diagonal of the innermost matrices."""
    return reduce_sum(diag_part(x), -1)
