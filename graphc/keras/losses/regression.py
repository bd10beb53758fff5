"""Losses of numbers. The functions give the mean over the last axis: (batch, ..., n) becomes (batch, ...)."""

from __future__ import annotations

import math
from typing import Any

from graphc.keras.config import epsilon
from graphc.keras.losses.arguments import align_ranks, same_dtype
from graphc.keras.losses.base import FunctionLoss
from graphc_ir.ops.activation import softplus
from graphc_ir.ops.arithmetic import abs_real, squared_difference
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, div, less_equal, maximum, mul, neg, select, square, sub
from graphc_ir.ops.normalization import l2_normalize
from graphc_ir.ops.reduction import reduce_mean, reduce_sum
from graphc_ir.ops.transcendental import log1p

__all__ = [
    "CosineSimilarity", "Huber", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "cosine_similarity", "huber", "log_cosh", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error",
]  # fmt: skip


def _pair(y_true: Any, y_pred: Any) -> tuple[Operand, Operand]:
    return align_ranks(*same_dtype(y_true, y_pred))


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """``mean((y_true - y_pred)**2)``."""
    return reduce_mean(squared_difference(*_pair(y_true, y_pred)), -1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(|y_true - y_pred|)``."""
    return reduce_mean(abs_real(sub(*_pair(y_true, y_pred))), -1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """``100 * mean(|y_true - y_pred| / |y_true|)``; targets near 0 count as the fuzz factor."""
    target, prediction = _pair(y_true, y_pred)
    relative = div(abs_real(sub(target, prediction)), maximum(abs_real(target), epsilon()))
    return mul(reduce_mean(relative, -1), 100)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """``mean((log(1 + y_true) - log(1 + y_pred))**2)`` of numbers >= 0; negative ones count as 0."""
    target, prediction = _pair(y_true, y_pred)
    logarithms = (log1p(maximum(x, epsilon())) for x in (target, prediction))
    return reduce_mean(squared_difference(*logarithms), -1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between vectors along ``axis``: -1 for the same direction, 0 for a zero vector."""
    units = (l2_normalize(x, axis, epsilon() ** 2) for x in _pair(y_true, y_pred))
    return neg(reduce_sum(mul(*units), axis))


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """``mean(e**2 / 2)`` for errors ``e`` up to ``delta``, growing linearly from there."""
    target, prediction = _pair(y_true, y_pred)
    error = sub(prediction, target)
    size = abs_real(error)
    linear = sub(mul(size, delta), delta * delta / 2)
    return reduce_mean(select(less_equal(size, delta), mul(square(error), 0.5), linear), -1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """``mean(log(cosh(y_pred - y_true)))``: quadratic for small errors, linear for large ones."""
    target, prediction = _pair(y_true, y_pred)
    error = sub(prediction, target)
    return reduce_mean(sub(add(error, softplus(mul(error, -2))), math.log(2)), -1)


class MeanSquaredError(FunctionLoss):
    """The mean of :func:`mean_squared_error`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_squared_error",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(FunctionLoss):
    """The mean of :func:`mean_absolute_error`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_absolute_error",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(FunctionLoss):
    """The mean of :func:`mean_absolute_percentage_error`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "mean_absolute_percentage_error", dtype: Any = None) -> None:  # fmt: skip
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(FunctionLoss):
    """The mean of :func:`mean_squared_logarithmic_error`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "mean_squared_logarithmic_error", dtype: Any = None) -> None:  # fmt: skip
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(FunctionLoss):
    """The mean of :func:`cosine_similarity` along ``axis``."""

    def __init__(self, axis: int = -1, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "cosine_similarity", dtype: Any = None) -> None:  # fmt: skip
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


class Huber(FunctionLoss):
    """The mean of :func:`huber`."""

    def __init__(self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "huber_loss", dtype: Any = None) -> None:  # fmt: skip
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(FunctionLoss):
    """The mean of :func:`log_cosh`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "log_cosh",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(log_cosh, reduction, name, dtype)
