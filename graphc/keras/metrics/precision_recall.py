"""Precision and recall, and how good one quantity can be while another stays above a bound."""

from __future__ import annotations

from typing import Any

from graphc.keras.metrics.confusion import (
    LOWEST,
    ConfusionMetric,
    confusion,
    parse_thresholds,
    scalar_if_single,
    scored,
)
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import divide_no_nan
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, greater_equal, select
from graphc_ir.ops.reduction import reduce_max

__all__ = [
    "Precision", "PrecisionAtRecall", "Recall", "RecallAtPrecision", "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
]  # fmt: skip


def _share(part: Any, rest: Any) -> Operand:
    return divide_no_nan(part, add(part, rest))


class _AtThresholds(ConfusionMetric):
    """Base of precision and recall."""

    _direction = "up"

    def __init__(self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_thresholds(thresholds, 0.5 if top_k is None else LOWEST)
        self._make_counters((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        dtype = self.true_positives.dtype
        scores = scored(y_true, y_pred, sample_weight, dtype, top_k=self.top_k, class_id=self.class_id)
        self._accumulate(confusion(scores, self.thresholds))

    def get_config(self) -> dict[str, Any]:
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class Precision(_AtThresholds):
    """The share of true positives among what is predicted as positive; 0 if nothing is.

    ``thresholds``: a number or a list (then the result is a vector), 0.5 by default. ``top_k`` counts only the ``k``
    largest predictions of each sample, ``class_id`` only those for one class.
    """

    _counted = ("true_positives", "false_positives")

    def result(self) -> Any:
        return scalar_if_single(_share(self.true_positives, self.false_positives))


class Recall(_AtThresholds):
    """The share of true positives among all positives; 0 if there are none. Arguments as of :class:`Precision`."""

    _counted = ("true_positives", "false_negatives")

    def result(self) -> Any:
        return scalar_if_single(_share(self.true_positives, self.false_negatives))


class _BestUnderBound(ConfusionMetric):
    """Base: the best of one quantity over the thresholds at which another one is at least ``value``; 0 if none is."""

    _direction = "up"
    _bounded: str

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        super().__init__(dtype, name)
        if not 0 <= value <= 1:
            raise ArgumentError(f"{type(self).__name__}: got {self._bounded}={value}, expected a number in [0, 1]")
        if num_thresholds <= 0:
            raise ArgumentError(f"{type(self).__name__}: got num_thresholds={num_thresholds}, expected a positive one")
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        last = max(num_thresholds - 1, 1)
        self.thresholds = [0.5] if num_thresholds == 1 else [i / last for i in range(num_thresholds)]
        self._make_counters((num_thresholds,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        scores = scored(y_true, y_pred, sample_weight, self.true_positives.dtype, class_id=self.class_id)
        self._accumulate(confusion(scores, self.thresholds))

    def _best(self, wanted: Operand, bounded: Operand) -> Operand:
        return reduce_max(select(greater_equal(bounded, self.value), wanted, 0))

    def _precision(self) -> Operand:
        return _share(self.true_positives, self.false_positives)

    def _recall(self) -> Operand:
        return _share(self.true_positives, self.false_negatives)

    def _specificity(self) -> Operand:
        return _share(self.true_negatives, self.false_positives)

    def get_config(self) -> dict[str, Any]:
        own = {"num_thresholds": self.num_thresholds, self._bounded: self.value, "class_id": self.class_id}
        return {**super().get_config(), **own}


class SensitivityAtSpecificity(_BestUnderBound):
    """The best sensitivity (recall) at a specificity (share of negatives predicted as such) of at least so much."""

    _bounded = "specificity"

    def __init__(self, specificity: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def result(self) -> Any:
        return self._best(self._recall(), self._specificity())


class SpecificityAtSensitivity(_BestUnderBound):
    """The best specificity (share of negatives predicted as such) at a sensitivity (recall) of at least so much."""

    _bounded = "sensitivity"

    def __init__(self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def result(self) -> Any:
        return self._best(self._specificity(), self._recall())


class PrecisionAtRecall(_BestUnderBound):
    """The best precision at a recall of at least so much."""

    _bounded = "recall"

    def __init__(self, recall: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def result(self) -> Any:
        return self._best(self._precision(), self._recall())


class RecallAtPrecision(_BestUnderBound):
    """The best recall at a precision of at least so much."""

    _bounded = "precision"

    def __init__(self, precision: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def result(self) -> Any:
        return self._best(self._recall(), self._precision())
