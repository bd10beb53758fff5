"""Cosines and correlations of predictions and targets, along an axis."""

from __future__ import annotations

from typing import Any

from graphc.keras import losses
from graphc.keras.config import epsilon
from graphc.keras.losses.arguments import align_ranks, same_dtype
from graphc.keras.metrics.reduction import FunctionMetric
from graphc_ir.ops.arithmetic import squared_difference
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, div, mul, neg, sub
from graphc_ir.ops.reduction import reduce_mean, reduce_std, reduce_variance

__all__ = [
    "ConcordanceCorrelation", "CosineSimilarity", "PearsonCorrelation", "concordance_correlation",
    "cosine_similarity", "pearson_correlation",
]  # fmt: skip


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine of the angle between vectors: 1 for the same direction, 0 for a zero vector."""
    return neg(losses.cosine_similarity(y_true, y_pred, axis))


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The covariance divided by the standard deviations: 1 or -1 if one is a linear function of the other."""
    scores = (_standardized(x, axis) for x in align_ranks(*same_dtype(y_true, y_pred)))
    return reduce_mean(mul(*scores), axis)


def _standardized(x: Operand, axis: int) -> Operand:
    return div(sub(x, reduce_mean(x, axis, True)), reduce_std(x, axis, True))


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Like :func:`pearson_correlation`, lowered by differences of mean and scale: 1 only for equal values."""
    target, prediction = align_ranks(*same_dtype(y_true, y_pred))
    target_mean, mean = reduce_mean(target, axis, True), reduce_mean(prediction, axis, True)
    spread = add(reduce_variance(target, axis, True), reduce_variance(prediction, axis, True))
    scale = add(add(spread, squared_difference(target_mean, mean)), epsilon())
    # One factor centred is enough: deviations from a mean sum to 0.
    products = mul(sub(target, mean), sub(prediction, mean))
    return reduce_mean(div(mul(products, 2), scale), axis)


class CosineSimilarity(FunctionMetric):
    """The mean of the cosine of the angle between predictions and targets."""

    _direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)


class PearsonCorrelation(FunctionMetric):
    """The mean of the Pearson correlation of predictions and targets."""

    _direction = "up"

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(FunctionMetric):
    """The mean of the concordance correlation of predictions and targets."""

    _direction = "up"

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
