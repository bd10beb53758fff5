"""Dot: products of tensors, summed over one axis of each, example by example."""

from __future__ import annotations

from typing import Any

from graphc.keras.layers.merging.base import MergeLayer
from graphc_ir.dims import element_count, known_equal
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import rsqrt
from graphc_ir.ops.base import Operand, normalize_axis, rank_of, shape_of
from graphc_ir.ops.elementwise import maximum, mul, square
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.rearrange import moveaxis
from graphc_ir.ops.reduction import reduce_sum

__all__ = ["Dot", "dot"]

_TINY = 1e-12


class Dot(MergeLayer):
    """Sums the products of two tensors over axis ``axes`` (of both, or one axis for each), for each example.

    ``[batch, a..., n]`` and ``[batch, n, b...]`` give ``[batch, a..., b...]``; two batches of vectors give
    ``[batch, 1]``. ``normalize`` scales the vectors along these axes to length 1 before: the result is their cosine.
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = axes if isinstance(axes, (list, tuple)) else (axes, axes)
        if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
            raise ArgumentError(f"Dot: axes must be an integer or two of them, got {axes!r}")
        if 0 in pair:
            raise ArgumentError(f"Dot: axes {axes!r} name axis 0, the batch; examples are not mixed")
        self.axes = axes
        self.normalize = normalize

    def merge(self, operands: list[Operand]) -> Operand:
        if len(operands) != 2:
            raise ArgumentError(f"Dot {self.name!r} is called on exactly 2 tensors, got {len(operands)}")
        first, second = operands
        i, j = self._checked_axes(first, second)
        if self.normalize:
            first, second = _to_unit_length(first, i), _to_unit_length(second, j)
        return _batch_dot(first, second, i, j)

    def _checked_axes(self, first: Operand, second: Operand) -> tuple[int, int]:
        pair = self.axes if isinstance(self.axes, (list, tuple)) else (self.axes, self.axes)
        i, j = normalize_axis(pair[0], rank_of(first)), normalize_axis(pair[1], rank_of(second))
        if known_equal(shape_of(first)[i], shape_of(second)[j]) is False:
            raise ShapeError(f"Dot {self.name!r}: axis {i} of shape {list(shape_of(first))} and axis {j} of shape "
                             f"{list(shape_of(second))} differ in size; choose axes of the same size")  # fmt: skip
        return i, j

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None."""
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _to_unit_length(x: Operand, axis: int) -> Operand:
    return mul(x, rsqrt(maximum(reduce_sum(square(x), axis, keepdims=True), _TINY)))


def _batch_dot(first: Operand, second: Operand, i: int, j: int) -> Operand:
    left, right = moveaxis(first, i, -1), moveaxis(second, j, 1)
    rows, columns = shape_of(left)[1:-1], shape_of(right)[2:]
    product = matmul(
        reshape(left, (shape_of(left)[0], element_count(rows), shape_of(left)[-1])),
        reshape(right, (*shape_of(right)[:2], element_count(columns))),
    )
    return reshape(product, (shape_of(product)[0], *((*rows, *columns) or (1,))))


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """:class:`Dot` as a function of a list of two tensors."""
    return Dot(axes=axes, **kwargs)(inputs)
