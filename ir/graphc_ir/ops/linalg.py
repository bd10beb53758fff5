"""Matrix products and linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Array, Op, Operand, bind, promote, rank_of
from graphc_ir.ops.elementwise import NUMERIC, add, adjoint, check_kind, mul
from graphc_ir.ops.movement import transpose
from graphc_ir.types import TensorType


class MatMul(Op):
    """The product of the last two axes; leading axes are batches and broadcast."""

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        check_kind(self, NUMERIC, a, b)
        if a.rank < 2 or b.rank < 2:
            raise ShapeError(f"matmul needs operands of rank 2 or more, got {a} and {b}; reshape vectors to a matrix, "
                             "e.g. x[:, None]")  # fmt: skip
        try:
            dims.require_equal(a.shape[-1], b.shape[-2], "inner sizes of matmul")
            batch = dims.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError as error:
            raise ShapeError(f"matmul: {a} and {b} do not fit: {error}") from error
        return a.with_shape((*batch, a.shape[-2], b.shape[-1]))

    def kernel(self, a: Array, b: Array, out: Array | None = None) -> Any:
        return matrix_product(a, b, out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand) -> Any:
        return lambda: matmul(g, swap_last(adjoint(b))), lambda: matmul(swap_last(adjoint(a)), g)


class Gemm(Op):
    """``alpha * a' @ b' + beta * c`` for matrices, where ``a'`` and ``b'`` are transposed if asked for. ``c`` may be
    left out; it broadcasts to the product."""

    alpha: float
    beta: float
    transpose_a: bool
    transpose_b: bool

    def infer(self, a: TensorType, b: TensorType, *c: TensorType) -> TensorType:
        check_kind(self, "f", a, b, *c)
        if a.rank != 2 or b.rank != 2 or len(c) > 1:
            raise ShapeError(f"gemm takes two matrices and one tensor to add, got {', '.join(map(str, (a, b, *c)))}")
        rows, inner = a.shape[::-1] if self.transpose_a else a.shape
        other, columns = b.shape[::-1] if self.transpose_b else b.shape
        try:
            dims.require_equal(inner, other, "inner sizes of gemm")
            fits = all(dims.broadcast_shapes((rows, columns), t.shape) == (rows, columns) for t in c)
        except ValueError as error:
            raise ShapeError(f"gemm: {a} and {b} do not fit: {error}") from error
        if not fits:
            raise ShapeError(f"gemm: {c[0]} does not broadcast to the product's shape [{rows}, {columns}]")
        return a.with_shape((rows, columns))

    def kernel(self, a: Array, b: Array, *c: Array, out: Array | None = None) -> Any:
        y = matrix_product(a.T if self.transpose_a else a, b.T if self.transpose_b else b, out)
        if self.alpha != 1:
            y *= y.dtype.type(self.alpha)
        for term in c:
            y += term if self.beta == 1 else term * y.dtype.type(self.beta)
        return y

    def accepts_out(self) -> bool:
        return True

    def decompose(self, a: Operand, b: Operand, *c: Operand) -> Operand:
        product = matmul(swap_last(a) if self.transpose_a else a, swap_last(b) if self.transpose_b else b)
        scaled = mul(product, self.alpha) if self.alpha != 1 else product
        for term in c:
            scaled = add(scaled, mul(term, self.beta) if self.beta != 1 else term)
        return scaled

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand, *c: Operand) -> Any:
        scaled = mul(g, self.alpha) if self.alpha != 1 else g
        left, right = self.transpose_a, self.transpose_b

        def of_a() -> Operand:
            columns = b if right else swap_last(b)
            return swap_last(matmul(scaled, columns)) if left else matmul(scaled, columns)

        def of_b() -> Operand:
            rows = a if left else swap_last(a)
            return swap_last(matmul(rows, scaled)) if right else matmul(rows, scaled)

        return of_a, of_b, *(mul(g, self.beta) if self.beta != 1 else g for _ in c)


def matrix_product(a: Array, b: Array, out: Array | None = None) -> Any:
    """np.matmul in the dtype of its operands: the product of bfloat16 comes from NumPy as float32."""
    product = np.matmul(a, b, out=out)
    return product if product.dtype == a.dtype else product.astype(a.dtype)


def swap_last(x: Operand) -> Operand:
    """The last two axes exchanged."""
    rank = rank_of(x)
    return transpose(x, (*range(rank - 2), rank - 1, rank - 2))


def matmul(x: Any, y: Any) -> Operand:
    """The matrix product over the last two axes."""
    return bind(MatMul(), *promote(x, y))
