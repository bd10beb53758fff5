"""Cross entropies of binary and of categorical predictions."""

from __future__ import annotations

import warnings
from typing import Any

from graphc.keras.config import epsilon
from graphc.keras.losses.arguments import convert, floats, same_dtype
from graphc.keras.losses.base import FunctionLoss
from graphc.keras.losses.logits import sigmoid_logits, softmax_logits
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import clip_by_value
from graphc_ir.ops.base import Operand, dtype_of, lift, normalize_axis, rank_of, shape_of
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add, cast, div, log, mul, neg, not_equal, select, sub
from graphc_ir.ops.movement import squeeze
from graphc_ir.ops.nn import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from graphc_ir.ops.rearrange import moveaxis
from graphc_ir.ops.reduction import element_count, reduce_mean, reduce_sum

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy", "as_classes",
    "binary_crossentropy", "binary_terms", "categorical_crossentropy", "categorical_pair", "clipped",
    "sparse_categorical_crossentropy",
]  # fmt: skip


def clipped(probabilities: Operand) -> Operand:
    """Probabilities kept away from 0 and 1 by the fuzz factor, so that logarithms are finite."""
    return clip_by_value(probabilities, epsilon(), 1 - epsilon())


# --- binary ----------------------------------------------------------------------------------------------------------


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """``mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred))`` over ``axis``.

    ``y_pred``: probabilities, or logits if ``from_logits``. ``label_smoothing`` moves labels towards 0.5.
    Raises ShapeError when the shapes differ.
    """
    target, prediction = binary_pair(y_true, y_pred, label_smoothing)
    logits = sigmoid_logits(prediction, from_logits)
    if logits is None:
        return reduce_mean(binary_terms(target, prediction), axis)
    return reduce_mean(sigmoid_cross_entropy_with_logits(target, logits), axis)


def binary_pair(y_true: Any, y_pred: Any, label_smoothing: float) -> tuple[Operand, Operand]:
    """Smoothed labels and predictions of one shape."""
    target, prediction = same_dtype(y_true, y_pred)
    _require_same_shape("binary_crossentropy", target, prediction)
    if label_smoothing:
        target = add(mul(target, 1 - label_smoothing), label_smoothing / 2)
    return target, prediction


def binary_terms(target: Operand, probabilities: Operand) -> Operand:
    """The cross entropy of each element."""
    safe = clipped(probabilities)
    return neg(add(mul(target, log(safe)), mul(sub(1, target), log(sub(1, safe)))))


def _require_same_shape(what: str, target: Operand, prediction: Operand) -> None:
    have, wanted = shape_of(target), shape_of(prediction)
    known = [(a, b) for a, b in zip(have, wanted, strict=False) if isinstance(a, int) and isinstance(b, int)]
    if len(have) != len(wanted) or any(a != b for a, b in known):
        raise ShapeError(
            f"{what}: got y_true of shape {_text(have)} and y_pred of shape {_text(wanted)}, expected the same shape "
            "for both; reshape one of them, or use a sparse loss for class numbers"
        )


def _text(shape: Any) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


# --- categorical -----------------------------------------------------------------------------------------------------


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """``-sum(y_true * log(y_pred))`` over the classes, which lie along ``axis``.

    ``y_true``: a probability per class, e.g. one-hot. ``y_pred``: the same, or logits if ``from_logits``; what is
    no distribution is scaled to one. ``label_smoothing`` mixes labels with the uniform distribution.
    Raises ShapeError when the shapes differ, ArgumentError for an axis that is no integer.
    """
    target, prediction = categorical_pair("categorical_crossentropy", y_true, y_pred, label_smoothing, axis)
    if _is_last(axis, prediction):
        logits = softmax_logits(prediction, from_logits)
    else:
        logits = prediction if from_logits else None
    if logits is not None:
        return softmax_cross_entropy_with_logits(target, logits, axis)
    return neg(reduce_sum(mul(target, log(normalized(prediction, axis))), axis))


def normalized(probabilities: Operand, axis: int) -> Operand:
    """Probabilities scaled to sum 1 along ``axis``, and clipped."""
    return clipped(div(probabilities, reduce_sum(probabilities, axis, True)))


def categorical_pair(what: str, y_true: Any, y_pred: Any, label_smoothing: float, axis: int) -> tuple[Operand, Operand]:
    """Smoothed labels and predictions of one shape."""
    if isinstance(axis, bool):
        raise ArgumentError(f"{what}: got axis={axis}, expected an integer")
    target, prediction = same_dtype(y_true, y_pred)
    _require_same_shape(what, target, prediction)
    classes = shape_of(prediction)[-1]
    if isinstance(classes, int) and classes == 1:
        text = f"{what}: y_pred of shape {_text(shape_of(prediction))} has one class, whose probability is always 1"
        warnings.warn(f"{text}; use binary_crossentropy for two classes", SyntaxWarning, stacklevel=3)
    if label_smoothing:
        uniform = div(label_smoothing, _count(target))
        target = add(mul(target, 1 - label_smoothing), uniform)
    return target, prediction


def _count(target: Operand) -> Operand:
    """The number of classes, as a number of the dtype of the labels."""
    return element_count(target, (rank_of(target) - 1,), dtype_of(target))


def _is_last(axis: int, x: Operand) -> bool:
    return normalize_axis(axis, rank_of(x)) == rank_of(x) - 1


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """``-log(y_pred[y_true])``: like :func:`categorical_crossentropy`, for class numbers instead of probabilities.

    ``y_true`` has the shape of ``y_pred`` without the class axis, or with size 1 there. Elements of class
    ``ignore_class`` have loss 0, and carry a mask that leaves them out of a mean.
    Raises ShapeError when the shapes do not fit, ArgumentError for a class number out of range.
    """
    prediction = floats(y_pred)
    place = normalize_axis(axis, rank_of(prediction))
    target = as_classes(y_true, prediction, place)
    kept = None if ignore_class is None else not_equal(target, ignore_class)
    if kept is not None:
        target = select(kept, target, zeros_like(target))
    losses = _sparse_losses(target, prediction, from_logits, place)
    if kept is None:
        return losses
    masked = select(kept, losses, zeros_like(losses))
    masked._keras_mask = kept
    return masked


def as_classes(y_true: Any, prediction: Operand, axis: int) -> Operand:
    """Class numbers as integers, without a class axis of size 1."""
    given = lift(y_true)
    target = given if dtype_of(given).is_integer else cast(given, "int64")
    sizes = shape_of(target)
    if len(sizes) == rank_of(prediction) and isinstance(sizes[axis], int) and sizes[axis] == 1:
        return squeeze(target, axis)
    return target


def _sparse_losses(target: Operand, prediction: Operand, from_logits: bool, axis: int) -> Operand:
    last = rank_of(prediction) - 1
    if axis != last:
        prediction = moveaxis(prediction, axis, last)
    logits = softmax_logits(prediction, from_logits)
    return sparse_softmax_cross_entropy_with_logits(target, log(clipped(prediction)) if logits is None else logits)


# --- classes ---------------------------------------------------------------------------------------------------------


class BinaryCrossentropy(FunctionLoss):
    """The mean of :func:`binary_crossentropy`."""

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
                 reduction: str | None = "sum_over_batch_size", name: str | None = "binary_crossentropy",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(binary_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)  # fmt: skip


class CategoricalCrossentropy(FunctionLoss):
    """The mean of :func:`categorical_crossentropy`."""

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
                 reduction: str | None = "sum_over_batch_size", name: str | None = "categorical_crossentropy",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(categorical_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)  # fmt: skip


class SparseCategoricalCrossentropy(FunctionLoss):
    """The mean of :func:`sparse_categorical_crossentropy`."""

    def __init__(self, from_logits: bool = False, ignore_class: int | None = None,
                 reduction: str | None = "sum_over_batch_size", axis: int = -1,
                 name: str | None = "sparse_categorical_crossentropy", dtype: Any = None) -> None:  # fmt: skip
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         ignore_class=ignore_class, axis=axis)  # fmt: skip

    def _targets(self, y_true: Any) -> Any:
        # Class numbers stay integers: a float holds large ones inexactly.
        given = lift(y_true)
        return given if dtype_of(given).is_integer else convert(given, self.dtype)
