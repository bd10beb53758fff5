"""Cross entropies that weigh easy examples down, and one that is robust against wrong labels."""

from __future__ import annotations

from typing import Any

from graphc.keras.losses.arguments import floats
from graphc.keras.losses.base import FunctionLoss
from graphc.keras.losses.crossentropy import as_classes, binary_pair, binary_terms, categorical_pair, normalized
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.activation import sigmoid
from graphc_ir.ops.arithmetic import pow
from graphc_ir.ops.base import Operand, dtype_of, rank_of, shape_of
from graphc_ir.ops.creation import one_hot
from graphc_ir.ops.elementwise import add, div, log, mul, neg, sub
from graphc_ir.ops.nn import softmax
from graphc_ir.ops.reduction import reduce_mean, reduce_sum

__all__ = [
    "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy",
    "binary_focal_crossentropy", "categorical_focal_crossentropy", "categorical_generalized_cross_entropy",
]  # fmt: skip


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """:func:`binary_crossentropy` whose terms weigh ``(1 - p)**gamma`` for the probability ``p`` given to the label.

    ``apply_class_balancing`` weighs label 1 by ``alpha`` and label 0 by ``1 - alpha``.
    """
    target, prediction = binary_pair(y_true, y_pred, label_smoothing)
    probability = sigmoid(prediction) if from_logits else prediction
    losses = mul(pow(sub(1, _either(target, probability)), gamma), binary_terms(target, probability))
    if apply_class_balancing:
        losses = mul(_either(target, alpha), losses)
    return reduce_mean(losses, axis)


def _either(target: Operand, value: Any) -> Operand:
    """``value`` for label 1, ``1 - value`` for label 0."""
    return add(mul(target, value), mul(sub(1, target), 1 - value))


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """:func:`categorical_crossentropy` whose terms weigh ``alpha * (1 - p)**gamma`` for the probability ``p`` given to
    the class. ``alpha``: a number, or one per class.
    """
    target, prediction = categorical_pair("categorical_focal_crossentropy", y_true, y_pred, label_smoothing, axis)
    probability = normalized(softmax(prediction, axis) if from_logits else prediction, axis)
    weight = mul(pow(sub(1, probability), gamma), alpha)
    return neg(reduce_sum(mul(weight, mul(target, log(probability))), axis))


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """``(1 - p**q) / q`` for the probability ``p`` given to the class number: from cross entropy (q near 0) to the mean
    absolute error (q near 1).
    """
    prediction = floats(y_pred)
    target = as_classes(y_true, prediction, rank_of(prediction) - 1)
    hot = one_hot(target, shape_of(prediction)[-1], dtype=dtype_of(prediction))
    probability = reduce_sum(mul(prediction, hot), -1)
    return div(sub(1, pow(probability, q)), q)


class BinaryFocalCrossentropy(FunctionLoss):
    """The mean of :func:`binary_focal_crossentropy`."""

    def __init__(self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
                 from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
                 reduction: str | None = "sum_over_batch_size", name: str | None = "binary_focal_crossentropy",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(binary_focal_crossentropy, reduction, name, dtype, apply_class_balancing=apply_class_balancing,
                         alpha=alpha, gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing,
                         axis=axis)  # fmt: skip


class CategoricalFocalCrossentropy(FunctionLoss):
    """The mean of :func:`categorical_focal_crossentropy`."""

    def __init__(self, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
                 axis: int = -1, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "categorical_focal_crossentropy", dtype: Any = None) -> None:  # fmt: skip
        super().__init__(categorical_focal_crossentropy, reduction, name, dtype, alpha=alpha, gamma=gamma,
                         from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)  # fmt: skip


class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """The mean of :func:`categorical_generalized_cross_entropy`. Raises ArgumentError unless ``0 < q < 1``."""

    def __init__(self, q: float = 0.5, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "categorical_generalized_cross_entropy", dtype: Any = None) -> None:  # fmt: skip
        if not 0 < q < 1:
            raise ArgumentError(f"CategoricalGeneralizedCrossEntropy: got q={q}, expected a number between 0 and 1")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
