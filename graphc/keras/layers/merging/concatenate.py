"""Concatenate: tensors one after the other."""

from __future__ import annotations

from typing import Any

from graphc.keras.layers.merging.base import MergeLayer, agreeing
from graphc_ir.dtypes import bool_
from graphc_ir.ops.base import Operand, normalize_axis, rank_of, shape_of
from graphc_ir.ops.creation import ones
from graphc_ir.ops.movement import broadcast_to, concat, expand_dims
from graphc_ir.ops.reduction import reduce_any

__all__ = ["Concatenate", "concatenate"]


class Concatenate(MergeLayer):
    """Joins tensors along ``axis``; their other sizes must be equal."""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def merge(self, operands: list[Operand]) -> Operand:
        ranks = {rank_of(x) for x in operands}
        if len(ranks) == 1:
            operands = agreeing(operands, normalize_axis(self.axis, ranks.pop()))
        return concat(operands, self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks joined in the same way; along the features, what any input counts. Inputs without a mask count
        everywhere; None if no input has one."""
        masks = self.masks(inputs, mask)
        if all(m is None for m in masks):
            return None
        operands = self.operands(inputs)
        whole = [_whole_mask(x, m) for x, m in zip(operands, masks, strict=True)]
        return reduce_any(concat(whole, normalize_axis(self.axis, rank_of(operands[0]))), -1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _whole_mask(x: Operand, mask: Operand | None) -> Operand:
    """A mask of the shape of ``x``."""
    if mask is None:
        return ones(shape_of(x), bool_)
    missing = tuple(range(rank_of(mask), rank_of(x)))
    return broadcast_to(expand_dims(mask, missing), shape_of(x)) if missing else mask


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """:class:`Concatenate` as a function of a list of tensors."""
    return Concatenate(axis=axis, **kwargs)(inputs)
