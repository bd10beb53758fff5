"""F scores: precision and recall in one number, per class."""

from __future__ import annotations

from typing import Any

from graphc.keras.config import epsilon
from graphc.keras.losses.arguments import convert
from graphc.keras.metrics.base import Metric
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import abs_real
from graphc_ir.ops.base import Operand, rank_of, shape_of
from graphc_ir.ops.elementwise import add, cast, div, greater, greater_equal, mul, sub
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.movement import expand_dims
from graphc_ir.ops.reduction import reduce_max, reduce_mean, reduce_sum

__all__ = ["F1Score", "FBetaScore"]

_AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """``(1 + beta**2) * precision * recall / (beta**2 * precision + recall)`` of one-hot or multi-label targets.

    Predictions (batch, classes) count as positive above ``threshold``, by default where they are the largest of their
    row. ``average``: None gives one score per class, ``"macro"`` their mean, ``"weighted"`` their mean weighted by the
    number of positives, ``"micro"`` the score of all classes together.
    Raises ArgumentError for other values, ShapeError for arguments that are no matrices.
    """

    _direction = "up"

    true_positives: Any
    false_positives: Any
    false_negatives: Any
    intermediate_weights: Any

    def __init__(self, average: str | None = None, beta: float = 1.0, threshold: float | None = None,
                 name: str | None = "fbeta_score", dtype: Any = None) -> None:  # fmt: skip
        super().__init__(dtype, name)
        if average not in _AVERAGES:
            raise ArgumentError(f"got average={average!r}, expected None, 'micro', 'macro' or 'weighted'")
        if not isinstance(beta, float) or beta <= 0:
            raise ArgumentError(f"got beta={beta!r}, expected a positive float")
        if threshold is not None and (not isinstance(threshold, float) or not 0 < threshold <= 1):
            raise ArgumentError(f"got threshold={threshold!r}, expected a float in (0, 1] or None")
        self.average = average
        self.beta = beta
        self.threshold = threshold

    def _build(self, target: Operand, prediction: Operand) -> None:
        classes = shape_of(prediction)[-1] if rank_of(prediction) == 2 and rank_of(target) == 2 else None
        if not isinstance(classes, int):
            raise ShapeError(
                f"{self.name}: got y_true of shape {shape_of(target)} and y_pred of shape {shape_of(prediction)}, "
                "expected (batch, classes) with a known number of classes"
            )
        shape = () if self.average == "micro" else (classes,)
        for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, name, self.add_weight(shape, "zeros", self.dtype, name))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        target, prediction = convert(y_true, self.dtype), convert(y_pred, self.dtype)
        if not hasattr(self, "true_positives"):
            self._build(target, prediction)
        positive = cast(self._is_positive(prediction), self.dtype)
        weights = None if sample_weight is None else expand_dims(convert(sample_weight, self.dtype), 1)
        terms = {
            "true_positives": mul(positive, target),
            "false_positives": mul(positive, sub(1, target)),
            "false_negatives": mul(sub(1, positive), target),
            "intermediate_weights": target,
        }
        for name, term in terms.items():
            weighted = term if weights is None else mul(term, weights)
            getattr(self, name).assign_add(reduce_sum(weighted, None if self.average == "micro" else 0))

    def _is_positive(self, prediction: Operand) -> Operand:
        if self.threshold is not None:
            return greater(prediction, self.threshold)
        # A row of zeros has no largest element.
        largest = greater_equal(prediction, reduce_max(prediction, -1, True))
        return logical_and(largest, greater(abs_real(prediction), 1e-9))

    def result(self) -> Any:
        precision, recall = (
            div(self.true_positives, add(add(self.true_positives, errors), epsilon()))
            for errors in (self.false_positives, self.false_negatives)
        )
        square = self.beta**2
        total = add(add(mul(precision, square), recall), epsilon())
        return self._averaged(mul(div(mul(precision, recall), total), 1 + square))

    def _averaged(self, scores: Operand) -> Operand:
        if self.average is None:
            return scores
        if self.average != "weighted":
            return reduce_mean(scores)
        weights = div(self.intermediate_weights, add(reduce_sum(self.intermediate_weights), epsilon()))
        return reduce_sum(mul(scores, weights))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: :class:`FBetaScore` with ``beta=1``."""

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = "f1_score",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {key: value for key, value in super().get_config().items() if key != "beta"}
