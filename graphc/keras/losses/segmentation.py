"""Losses of overlapping areas. Sums run over ``axis``, one axis or several; None means the whole batch."""

from __future__ import annotations

from typing import Any

from graphc.keras.config import epsilon
from graphc.keras.losses.arguments import same_dtype
from graphc.keras.losses.base import FunctionLoss
from graphc_ir.ops.elementwise import add, div, mul, sub
from graphc_ir.ops.reduction import reduce_sum

__all__ = ["Dice", "Tversky", "dice", "tversky"]


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """``1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))``."""
    target, prediction = same_dtype(y_true, y_pred)
    common = reduce_sum(mul(target, prediction), axis)
    total = add(reduce_sum(target, axis), reduce_sum(prediction, axis))
    return sub(1, div(mul(common, 2), add(total, epsilon())))


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Any:
    """One minus the Tversky index: the common area divided by itself plus what only one of the two covers.

    ``alpha`` weighs what only ``y_true`` covers, ``beta`` what only ``y_pred`` does; 0.5 for both is :func:`dice`.
    """
    target, prediction = same_dtype(y_true, y_pred)
    common = reduce_sum(mul(target, prediction), axis)
    missed = reduce_sum(mul(sub(1, prediction), target), axis)
    extra = reduce_sum(mul(prediction, sub(1, target)), axis)
    total = add(add(common, mul(missed, alpha)), add(mul(extra, beta), epsilon()))
    return sub(1, div(common, total))


class Dice(FunctionLoss):
    """:func:`dice`, one value for the batch unless ``axis`` leaves axes over."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "dice", axis: Any = None,
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(FunctionLoss):
    """:func:`tversky`, one value for the batch unless ``axis`` leaves axes over."""

    def __init__(self, alpha: float = 0.5, beta: float = 0.5, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "tversky", axis: Any = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
