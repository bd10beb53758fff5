"""Matrix products and linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Array, Op, Operand, bind, promote, rank_of
from graphc_ir.ops.elementwise import NUMERIC, adjoint, check_kind
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
