"""Losses of maximum-margin classification."""

from __future__ import annotations

from typing import Any

from graphc.keras.losses.arguments import same_dtype
from graphc.keras.losses.base import FunctionLoss
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, equal, mul, relu, select, square, sub
from graphc_ir.ops.logical import logical_or
from graphc_ir.ops.reduction import reduce_all, reduce_max, reduce_mean, reduce_sum

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge", "categorical_hinge", "hinge", "squared_hinge"]


def _signed(labels: Operand) -> Operand:
    """Labels 0 and 1 as -1 and 1; labels with other values in them stay."""
    is_binary = reduce_all(logical_or(equal(labels, 0), equal(labels, 1)))
    return select(is_binary, sub(mul(labels, 2), 1), labels)


def _margins(y_true: Any, y_pred: Any) -> Operand:
    target, prediction = same_dtype(y_true, y_pred)
    return relu(sub(1, mul(_signed(target), prediction)))


def hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true * y_pred, 0))`` over the last axis, for labels -1 and 1 (or 0 and 1)."""
    return reduce_mean(_margins(y_true, y_pred), -1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true * y_pred, 0)**2)`` over the last axis, for labels -1 and 1 (or 0 and 1)."""
    return reduce_mean(square(_margins(y_true, y_pred)), -1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """How far the prediction for the right class stays from being 1 above all others; ``y_true`` is one-hot."""
    target, prediction = same_dtype(y_true, y_pred)
    right = reduce_sum(mul(target, prediction), -1)
    wrong = reduce_max(mul(sub(1, target), prediction), -1)
    return relu(add(sub(wrong, right), 1))


class Hinge(FunctionLoss):
    """The mean of :func:`hinge`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "hinge",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(FunctionLoss):
    """The mean of :func:`squared_hinge`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "squared_hinge",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(FunctionLoss):
    """The mean of :func:`categorical_hinge`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "categorical_hinge",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(categorical_hinge, reduction, name, dtype)
