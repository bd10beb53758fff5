"""From one loss per element to one number: sample weights, masks and reductions."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from graphc.keras.losses.arguments import align_ranks, convert
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import divide_no_nan
from graphc_ir.ops.base import Operand, dtype_of, rank_of, shape_of
from graphc_ir.ops.elementwise import cast, mul
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.movement import expand_dims
from graphc_ir.ops.reduction import element_count, reduce_mean, reduce_sum

__all__ = ["Reduction", "align_weights", "mask_of", "reduce_weighted", "standardize_reduction"]

_KNOWN = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")


class Reduction(StrEnum):
    """TensorFlow 2.0's names of the reductions."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """The values of all reductions."""
        return tuple(item.value for item in cls)


def standardize_reduction(reduction: Any) -> str | None:
    """A known reduction; ``"auto"`` is the default one. Raises ArgumentError for another."""
    if reduction is None:
        return None
    name = "sum_over_batch_size" if reduction == "auto" else str(reduction)
    if name not in _KNOWN:
        raise ArgumentError(f"got reduction={reduction!r}, expected one of {', '.join(_KNOWN)} or None")
    return name


def mask_of(*tensors: Any) -> Any | None:
    """What the masks that tensors carry keep in common; None if they carry none."""
    masks = [mask for mask in (getattr(tensor, "_keras_mask", None) for tensor in tensors) if mask is not None]
    if not masks:
        return None
    both = convert(masks[0], "bool")
    for mask in masks[1:]:
        both = logical_and(both, convert(mask, "bool"))
    return both


def align_weights(values: Operand, weights: Operand) -> tuple[Operand, Operand]:
    """Weights broadcast to the values they belong to: those of fewer axes weigh whole samples, or whole steps."""
    values, weights = align_ranks(values, weights)
    while 0 < rank_of(weights) < rank_of(values):
        weights = expand_dims(weights, -1)
    return values, weights


def reduce_weighted(values: Any, sample_weight: Any, mask: Any, reduction: str | None, dtype: Any) -> Any:
    """Losses times weights, without what the mask leaves out, reduced.

    A mean is taken over all elements, weighted or not; a mask makes it one over those that it keeps.
    """
    losses = convert(values, dtype)
    weights = None if sample_weight is None else convert(sample_weight, dtype)
    if mask is not None:
        weights = _with_mask(weights, mask, reduction, dtype)
    if weights is not None:
        losses, weights = align_weights(losses, weights)
        losses = mul(losses, weights)
    return _reduce(losses, weights, reduction)


def _with_mask(weights: Operand | None, mask: Any, reduction: str | None, dtype: Any) -> Operand:
    factor = cast(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        # The mean below divides by the number of all elements.
        total = element_count(factor, tuple(range(rank_of(factor))), dtype_of(factor))
        factor = mul(factor, divide_no_nan(total, reduce_sum(factor)))
    if weights is None:
        return factor
    return mul(*align_weights(factor, weights))


def _reduce(losses: Operand, weights: Operand | None, reduction: str | None) -> Operand:
    if reduction in (None, "none") or not rank_of(losses) or 0 in shape_of(losses):
        return losses
    if reduction == "sum":
        return reduce_sum(losses)
    if reduction == "mean_with_sample_weight" and weights is not None:
        return divide_no_nan(reduce_sum(losses), reduce_sum(weights))
    return reduce_mean(losses)
