"""The area under the curve of two rates over all thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.config import epsilon
from graphc.keras.losses.arguments import convert, floats
from graphc.keras.metrics.confusion import ConfusionMetric, confusion, scored
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.activation import sigmoid
from graphc_ir.ops.arithmetic import divide_no_nan
from graphc_ir.ops.base import Operand, rank_of, shape_of
from graphc_ir.ops.elementwise import add, equal, greater, log, maximum, minimum, mul, select, sub
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.reduction import reduce_mean, reduce_sum

__all__ = ["AUC"]

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "majoring", "minoring")


class AUC(ConfusionMetric):
    """The area under a curve, approximated by its points at ``num_thresholds`` thresholds.

    ``curve``: ``"ROC"`` (recall over the rate of false positives), ``"PR"`` (precision over recall) or ``"PRGAIN"``
    (precision gain over recall gain). ``summation_method`` between two points: ``"interpolation"``, or the larger
    (``"majoring"``) or smaller (``"minoring"``) height. ``thresholds`` in (0, 1) replace the equally spaced ones.
    ``multi_label`` takes the areas of the labels (batch, labels) apart and averages them, weighted by
    ``label_weights``; without it these weigh the predictions. ``from_logits`` applies a sigmoid to predictions.
    Raises ArgumentError for other values, ShapeError for multi-label predictions that are no matrix.
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        self.curve = _one_of("curve", str(curve).upper(), _CURVES)
        self.summation_method = _one_of("summation_method", str(summation_method).lower(), _SUMMATIONS)
        if num_labels and not multi_label:
            raise ArgumentError(f"AUC: got num_labels={num_labels}, which only multi_label=True needs")
        self._given_thresholds = None if thresholds is None else sorted(thresholds)
        self.thresholds = self._all_thresholds(num_thresholds)
        self.num_thresholds = len(self.thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else np.asarray(label_weights, np.float64).tolist()
        self.from_logits = from_logits
        if not multi_label:
            self._make_counters((self.num_thresholds,))
        elif num_labels:
            self._make_counters((self.num_thresholds, num_labels))

    def _all_thresholds(self, number: int) -> list[float]:
        """With one just below 0 and one just above 1, which all predictions and none exceed."""
        if self._given_thresholds is None and number <= 1:
            raise ArgumentError(f"AUC: got num_thresholds={number}, expected an integer greater than 1")
        inner = self._given_thresholds
        if inner is None:
            inner = [i / (number - 1) for i in range(1, number - 1)]
        return [-epsilon(), *inner, 1 + epsilon()]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        prediction = sigmoid(floats(y_pred)) if self.from_logits else floats(y_pred)
        if not hasattr(self, "true_positives"):
            self._make_counters((self.num_thresholds, _label_count(prediction)))
        # Areas of labels are weighted in the result.
        label_weights = None if self.multi_label else self.label_weights
        scores = scored(y_true, prediction, sample_weight, self.true_positives.dtype, label_weights)
        self._accumulate(confusion(scores, self.thresholds, self.multi_label))

    def result(self) -> Any:
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._averaged(self._interpolated_pr())
        x, y = {"ROC": self._roc, "PR": self._pr, "PRGAIN": self._pr_gain}[self.curve]()
        return self._averaged(mul(sub(x[:-1], x[1:]), self._heights(y)))

    def _averaged(self, areas: Operand) -> Operand:
        """The sum of the areas between points; with labels, the mean of their sums."""
        if not self.multi_label:
            return reduce_sum(areas)
        by_label = reduce_sum(areas, 0)
        if self.label_weights is None:
            return reduce_mean(by_label)
        weights = convert(self.label_weights, self.true_positives.dtype)
        return divide_no_nan(reduce_sum(mul(by_label, weights)), reduce_sum(weights))

    def _heights(self, y: Operand) -> Operand:
        left, right = y[:-1], y[1:]
        if self.summation_method == "interpolation":
            return mul(add(left, right), 0.5)
        return minimum(left, right) if self.summation_method == "minoring" else maximum(left, right)

    # --- curves: x and y at each threshold -----------------------------------------------------------------------

    def _recall(self) -> Operand:
        return divide_no_nan(self.true_positives, add(self.true_positives, self.false_negatives))

    def _roc(self) -> tuple[Operand, Operand]:
        rate = divide_no_nan(self.false_positives, add(self.false_positives, self.true_negatives))
        return rate, self._recall()

    def _pr(self) -> tuple[Operand, Operand]:
        precision = divide_no_nan(self.true_positives, add(self.true_positives, self.false_positives))
        return self._recall(), precision

    def _pr_gain(self) -> tuple[Operand, Operand]:
        """Flach and Kull (2015). Without true positives the gains diverge; they then count as 0 and 1."""
        positives = add(self.true_positives, self.false_negatives)
        odds = divide_no_nan(positives, add(self.true_negatives, self.false_positives))
        none = equal(self.true_positives, 0)
        recall, precision = (
            sub(1, mul(odds, divide_no_nan(errors, self.true_positives)))
            for errors in (self.false_negatives, self.false_positives)
        )
        return maximum(select(none, 0, recall), 0), select(none, 1, precision)

    def _interpolated_pr(self) -> Operand:
        """Areas between points, along which true positives grow linearly with predicted positives (Davis and Goadrich,
        2006): precision is ``slope + intercept / predicted`` there."""
        true, predicted = self.true_positives.read_value(), add(self.true_positives, self.false_positives)
        more, fewer = predicted[:-1], predicted[1:]
        gained = sub(true[:-1], true[1:])
        slope = divide_no_nan(gained, maximum(sub(more, fewer), 0))
        intercept = sub(true[1:], mul(slope, fewer))
        ratio = divide_no_nan(more, maximum(fewer, 0))
        safe_ratio = select(logical_and(greater(more, 0), greater(fewer, 0)), ratio, 1)
        positives = maximum(add(true[1:], self.false_negatives[1:]), 0)
        return divide_no_nan(mul(slope, add(gained, mul(intercept, log(safe_ratio)))), positives)

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }
        return config if self._given_thresholds is None else {**config, "thresholds": self._given_thresholds}


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ArgumentError(f"AUC: got {name}={value!r}, expected one of {', '.join(allowed)}")
    return value


def _label_count(prediction: Operand) -> int:
    labels = shape_of(prediction)[-1] if rank_of(prediction) == 2 else None
    if not isinstance(labels, int):
        raise ShapeError(f"AUC: got predictions of shape {shape_of(prediction)}, expected (batch, labels) with a known "
                         "number of labels for multi_label=True")  # fmt: skip
    return labels
