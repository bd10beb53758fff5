"""Metrics of numbers that are no mean of a function."""

from __future__ import annotations

from typing import Any

from graphc.keras.losses.arguments import align_ranks, convert, spread
from graphc.keras.metrics.base import Metric
from graphc.keras.metrics.reduction import Mean
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import squared_difference
from graphc_ir.ops.base import Operand, lift, rank_of, shape_of
from graphc_ir.ops.elementwise import div, greater, mul, select, sqrt, sub
from graphc_ir.ops.logical import is_inf
from graphc_ir.ops.movement import expand_dims
from graphc_ir.ops.reduction import element_count, reduce_mean, reduce_sum

__all__ = ["R2Score", "RootMeanSquaredError"]

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class RootMeanSquaredError(Mean):
    """The square root of the mean of the squared errors."""

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]  # a Mean all the same, as in Keras
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        target, prediction = align_ranks(convert(y_true, self.dtype), convert(y_pred, self.dtype))
        super().update_state(squared_difference(prediction, target), sample_weight)

    def result(self) -> Any:
        return sqrt(super().result())


class R2Score(Metric):
    """The share of the variance of the targets (batch, outputs) that predictions explain: 1 for perfect ones, 0 for
    predicting the mean.

    ``class_aggregation``: ``"uniform_average"`` of the outputs, ``"variance_weighted_average"``, or None for one score
    each. ``num_regressors``, the number of independent inputs, gives the adjusted score (the plain one while there are
    no more samples than that plus one). Raises ArgumentError for other values, ShapeError for arguments that are no
    matrices.
    """

    _direction = "up"

    squared_sum: Any
    sum: Any
    total_mse: Any
    count: Any

    def __init__(self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0,
                 name: str | None = "r2_score", dtype: Any = None) -> None:  # fmt: skip
        super().__init__(dtype, name)
        if class_aggregation not in _AGGREGATIONS:
            raise ArgumentError(f"R2Score: got class_aggregation={class_aggregation!r}, expected 'uniform_average', "
                                "'variance_weighted_average' or None")  # fmt: skip
        if num_regressors < 0:
            raise ArgumentError(f"R2Score: got num_regressors={num_regressors}, expected a number >= 0")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_weight((), "zeros", name="num_samples")

    def _build(self, target: Operand, prediction: Operand) -> None:
        outputs = shape_of(prediction)[-1] if rank_of(prediction) == 2 and rank_of(target) == 2 else None
        if not isinstance(outputs, int):
            raise ShapeError(
                f"R2Score: got y_true of shape {shape_of(target)} and y_pred of shape {shape_of(prediction)}, "
                "expected (batch, outputs) with a known number of outputs"
            )
        for attribute, name in (("squared_sum", "squared_sum"), ("sum", "sum"), ("total_mse", "residual"),
                                ("count", "count")):  # fmt: skip
            setattr(self, attribute, self.add_weight((outputs,), "zeros", name=name))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        target, prediction = align_ranks(convert(y_true, self.dtype), convert(y_pred, self.dtype))
        if not hasattr(self, "count"):
            self._build(target, prediction)
        weights = self._weights(sample_weight, target)
        weighted = mul(target, weights)
        self.sum.assign_add(reduce_sum(weighted, 0))
        self.squared_sum.assign_add(reduce_sum(mul(target, weighted), 0))
        self.total_mse.assign_add(reduce_sum(mul(squared_difference(target, prediction), weights), 0))
        self.count.assign_add(reduce_sum(weights, 0))
        self.num_samples.assign_add(element_count(target, (0, 1), self.num_samples.dtype))

    def _weights(self, sample_weight: Any, target: Operand) -> Operand:
        weights = convert(1 if sample_weight is None else sample_weight, self.dtype)
        column = expand_dims(weights, 1) if rank_of(weights) == 1 else weights
        return spread(column, target)

    def result(self) -> Any:
        total = sub(self.squared_sum, div(mul(self.sum, self.sum), self.count))
        scores = sub(1, div(self.total_mse, total))
        score = self._aggregated(select(is_inf(scores), 0, scores), total)
        return self._adjusted(score) if self.num_regressors else score

    def _aggregated(self, scores: Operand, total: Operand) -> Operand:
        if self.class_aggregation is None:
            return scores
        if self.class_aggregation == "uniform_average":
            return reduce_mean(scores)
        return div(reduce_sum(mul(total, scores)), reduce_sum(total))

    def _adjusted(self, score: Operand) -> Operand:
        samples = self.num_samples.read_value()
        freedom = sub(samples, self.num_regressors + 1)
        lost = div(mul(sub(1, score), sub(samples, 1)), select(greater(freedom, 0), freedom, lift(1.0)))
        return select(greater(freedom, 0), sub(1, lost), score)

    def get_config(self) -> dict[str, Any]:
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
