"""Losses of distributions and counts."""

from __future__ import annotations

from typing import Any

from graphc.keras.config import epsilon
from graphc.keras.losses.arguments import same_dtype
from graphc.keras.losses.base import FunctionLoss
from graphc_ir.ops.arithmetic import clip_by_value
from graphc_ir.ops.elementwise import add, div, log, mul, sub
from graphc_ir.ops.reduction import reduce_mean, reduce_sum

__all__ = ["KLDivergence", "Poisson", "kl_divergence", "poisson"]


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """``sum(y_true * log(y_true / y_pred))`` over the last axis, of probabilities clipped away from 0."""
    target, prediction = (clip_by_value(x, epsilon(), 1) for x in same_dtype(y_true, y_pred))
    return reduce_sum(mul(target, log(div(target, prediction))), -1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """``mean(y_pred - y_true * log(y_pred))`` over the last axis, for counts and their predicted means."""
    target, prediction = same_dtype(y_true, y_pred)
    return reduce_mean(sub(prediction, mul(target, log(add(prediction, epsilon())))), -1)


class KLDivergence(FunctionLoss):
    """The mean of :func:`kl_divergence`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "kl_divergence",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(FunctionLoss):
    """The mean of :func:`poisson`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "poisson",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(poisson, reduction, name, dtype)
