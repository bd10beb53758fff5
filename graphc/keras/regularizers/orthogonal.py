"""The penalty on vectors that are not orthogonal to each other."""

from __future__ import annotations

from typing import Any

from graphc.keras.regularizers.base import Regularizer, checked_factor
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import abs_real
from graphc_ir.ops.base import Operand, dtype_of, lift, shape_of
from graphc_ir.ops.diagonal import eye
from graphc_ir.ops.elementwise import mul, sub
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import transpose
from graphc_ir.ops.normalization import l2_normalize
from graphc_ir.ops.reduction import reduce_sum

__all__ = ["OrthogonalRegularizer"]


class OrthogonalRegularizer(Regularizer):
    """``factor`` times the mean of ``|cos|`` over all pairs of rows, or columns, of a matrix.

    ``mode`` is ``"rows"`` or ``"columns"``. Raises ArgumentError for another mode, ShapeError for another rank than 2.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = checked_factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ArgumentError(f"OrthogonalRegularizer: got mode={mode!r}, expected 'rows' or 'columns'")
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        matrix = lift(x)
        if len(shape_of(matrix)) != 2:
            raise ShapeError(f"OrthogonalRegularizer: got a weight of shape {shape_of(matrix)}, expected a matrix")
        vectors = matrix if self.mode == "rows" else transpose(matrix)
        count = int(shape_of(vectors)[0])
        pairs = max(count * (count - 1), 1)
        return mul(reduce_sum(abs_real(_cosines(vectors, count))), self.factor / pairs)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


def _cosines(rows: Operand, count: int) -> Operand:
    """The cosine of each pair of different rows, and 0 on the diagonal."""
    units = l2_normalize(rows, 1)
    others = sub(1, eye(count, count, dtype=dtype_of(rows)))
    return mul(matmul(units, transpose(units)), others)
