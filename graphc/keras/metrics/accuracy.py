"""How often predictions are right. The functions give 1 or 0 per element, or per sample for classes."""

from __future__ import annotations

from typing import Any

from graphc.keras.config import floatx
from graphc.keras.losses.arguments import align_ranks, convert, floats
from graphc.keras.metrics.reduction import FunctionMetric
from graphc_ir.ops.base import Operand, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.elementwise import cast, equal, greater
from graphc_ir.ops.movement import expand_dims, reshape, slice_axis, squeeze
from graphc_ir.ops.nn import in_top_k
from graphc_ir.ops.reduction import argmax, reduce_any

__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy", "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy",
]  # fmt: skip


def _hits(right: Operand) -> Operand:
    return cast(right, floatx())


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether predictions equal targets."""
    prediction = lift(y_pred)
    target, prediction = align_ranks(convert(y_true, dtype_of(prediction)), prediction)
    return _hits(equal(target, prediction))


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Whether predictions are greater than ``threshold`` where targets are 1, and not where they are 0."""
    target, prediction = align_ranks(lift(y_true), floats(y_pred))
    return _hits(equal(target, cast(greater(prediction, threshold), dtype_of(target))))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether the class with the largest prediction is that with the largest target, over the last axis."""
    return _hits(equal(argmax(y_true, -1), argmax(y_pred, -1)))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether the class with the largest prediction, over the last axis, is that of the target's number."""
    target, prediction = lift(y_true), lift(y_pred)
    if rank_of(target) == rank_of(prediction) and _ends_in_one(target):
        target = squeeze(target, -1)
    found = argmax(prediction, -1)
    right = _hits(equal(cast(target, "int64"), found) if dtype_of(target).is_integer else
                  equal(target, cast(found, dtype_of(target))))  # fmt: skip
    return squeeze(right, -1) if rank_of(right) > 1 and _ends_in_one(right) else right


def _ends_in_one(x: Operand) -> bool:
    size = shape_of(x)[-1] if rank_of(x) else None
    return isinstance(size, int) and size == 1


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Whether the class with the largest target is among the ``k`` largest predictions, over the last axis."""
    return sparse_top_k_categorical_accuracy(argmax(y_true, -1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """Whether the target's class is among the ``k`` largest predictions, over the last axis.

    ``from_sorted_ids``: predictions are class numbers, the most likely ones first.
    """
    prediction = lift(y_pred)
    target = convert(y_true, dtype_of(prediction) if from_sorted_ids else "int32")
    rows = reshape(prediction, (-1, shape_of(prediction)[-1]))
    wanted = reshape(target, (-1,))
    right = _among_first(wanted, rows, k) if from_sorted_ids else in_top_k(wanted, rows, k)
    hits = _hits(right)
    return reshape(hits, shape_of(target)) if rank_of(target) > 1 else hits


def _among_first(wanted: Operand, ids: Operand, k: int) -> Operand:
    return reduce_any(equal(expand_dims(wanted, 1), slice_axis(ids, 1, 0, k)), 1)


class Accuracy(FunctionMetric):
    """How often predictions equal targets."""

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(FunctionMetric):
    """How often predictions on their side of ``threshold`` equal binary targets."""

    _direction = "up"

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(FunctionMetric):
    """How often the most likely class is that of the one-hot target."""

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(FunctionMetric):
    """How often the most likely class is that of the target's class number."""

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(FunctionMetric):
    """How often the class of the one-hot target is among the ``k`` most likely ones."""

    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(FunctionMetric):
    """How often the target's class number is among the ``k`` most likely ones, or the first ``k`` of sorted ids."""

    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy", dtype: Any = None,
                 from_sorted_ids: bool = False) -> None:  # fmt: skip
        # Keras's files know no such option, so they hold it only where it matters.
        options = {"from_sorted_ids": True} if from_sorted_ids else {}
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, **options)
        self.from_sorted_ids = from_sorted_ids
