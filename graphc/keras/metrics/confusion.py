"""Counts of true and false positives and negatives at thresholds, and the metrics that are one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from graphc.keras.config import epsilon
from graphc.keras.losses.arguments import align_ranks, convert, spread
from graphc.keras.losses.reduction import align_weights
from graphc.keras.metrics.base import Metric
from graphc_ir.dtypes import int32
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import ceil, clip_by_value
from graphc_ir.ops.base import Operand, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.creation import iota, one_hot, zeros
from graphc_ir.ops.cumulative import cumsum
from graphc_ir.ops.elementwise import add, cast, greater, maximum, mul, select, sub
from graphc_ir.ops.gather import tensor_scatter_nd_add
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.logical import logical_not
from graphc_ir.ops.movement import expand_dims, reshape, slice_axis, transpose
from graphc_ir.ops.rearrange import stack
from graphc_ir.ops.reduction import reduce_any
from graphc_ir.ops.sorting import top_k as largest

__all__ = [
    "LOWEST", "Confusion", "ConfusionMetric", "FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives",
    "confusion", "parse_thresholds", "scalar_if_single", "scored",
]  # fmt: skip

# Below every prediction: what predictions outside the top k become, and the threshold that the others exceed.
LOWEST: Final = -1e10


class Confusion(NamedTuple):
    """Weighted counts, one per threshold (and label). Predictions greater than the threshold are positive."""

    true_positives: Operand
    false_positives: Operand
    true_negatives: Operand
    false_negatives: Operand


class Scored(NamedTuple):
    """Predictions, and the weight of each as a positive and as a negative example (one of the two is 0)."""

    prediction: Operand
    positive: Operand
    negative: Operand


def scored(
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    dtype: Any,
    label_weights: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
) -> Scored:
    """Aligned arguments of an update. Targets other than 0 are positive."""
    prediction, target = align_ranks(convert(y_pred, dtype), convert(y_true, dtype))
    if top_k is not None:
        prediction = _top_k_only(prediction, top_k)
    if class_id is not None:
        prediction, target = _of_class(prediction, class_id), _of_class(target, class_id)
    positive = cast(cast(target, "bool"), dtype)
    weights = _weights(prediction, sample_weight, label_weights)
    if weights is None:
        return Scored(prediction, positive, sub(1, positive))
    return Scored(prediction, mul(positive, weights), mul(sub(1, positive), weights))


def _top_k_only(prediction: Operand, k: int) -> Operand:
    """Predictions outside the ``k`` largest of each row become the lowest."""
    _, places = largest(prediction, k)
    chosen = reduce_any(one_hot(places, shape_of(prediction)[-1], dtype="bool"), -2)
    return select(chosen, prediction, LOWEST)


def _of_class(x: Operand, class_id: int) -> Operand:
    if rank_of(x) < 2:
        raise ShapeError(f"class_id={class_id} needs predictions of shape (samples, classes), got shape {shape_of(x)}")
    return slice_axis(x, rank_of(x) - 1, class_id, class_id + 1)


def _weights(prediction: Operand, sample_weight: Any, label_weights: Any) -> Operand | None:
    """One weight per prediction; None if all weigh the same."""
    dtype, weights = dtype_of(prediction), None
    if sample_weight is not None:
        values, weights = align_weights(prediction, convert(sample_weight, dtype))
        weights = reshape(spread(weights, values), shape_of(prediction))
    if label_weights is None:
        return weights
    labels = spread(convert(label_weights, dtype), prediction)
    return labels if weights is None else mul(weights, labels)


def confusion(scores: Scored, thresholds: Sequence[float], by_label: bool = False) -> Confusion:
    """The counts at each threshold; ``by_label``, at each threshold and label (the last axis)."""
    if not by_label:
        scores = Scored(*(reshape(x, (-1, 1)) for x in scores))
    count = _count_by_bucket if is_even(thresholds) else _count_by_comparison
    above, below = count(scores, thresholds)
    if not by_label:
        above, below = reshape(above, (-1, 2)), reshape(below, (-1, 2))
    return Confusion(above[..., 0], above[..., 1], below[..., 1], below[..., 0])


def is_even(thresholds: Sequence[float]) -> bool:
    """Whether there are at least 3, equally spaced from 0 to 1 (give or take the fuzz factor)."""
    even = np.linspace(0, 1, len(thresholds))
    return len(thresholds) > 2 and bool(np.allclose(thresholds, even, atol=epsilon()))


def _count_by_bucket(scores: Scored, thresholds: Sequence[float]) -> tuple[Operand, Operand]:
    """Sums of the positive and negative weights above and below each threshold: (thresholds, labels, 2).

    How many of equally spaced thresholds a prediction exceeds follows from a multiplication; predictions are then
    counted in time that does not depend on the number of thresholds.
    """
    number, labels = len(thresholds), shape_of(scores.prediction)[1]
    exceeded = ceil(mul(clip_by_value(scores.prediction, 0, 1), number - 1))
    if thresholds[0] < 0:
        exceeded = maximum(exceeded, 1)
    bucket = cast(exceeded, int32)
    if labels != 1:
        bucket = add(mul(bucket, labels), iota(labels, int32))
    sides = stack([scores.positive, scores.negative], -1)
    sums = tensor_scatter_nd_add(zeros((number * labels, 2), dtype_of(sides)), expand_dims(bucket, -1), sides)
    counts = reshape(sums, (number, labels, 2))
    return cumsum(counts, 0, exclusive=True, reverse=True), cumsum(counts, 0)


def _count_by_comparison(scores: Scored, thresholds: Sequence[float]) -> tuple[Operand, Operand]:
    """The same for any thresholds, by comparing every prediction with each."""
    dtype = dtype_of(scores.prediction)
    edges = lift(np.reshape(np.asarray(thresholds, dtype.np), (1, -1, 1)))
    above = greater(expand_dims(transpose(scores.prediction), 1), edges)  # (labels, thresholds, samples)
    sides = transpose(stack([scores.positive, scores.negative], -1), (1, 0, 2))  # (labels, samples, 2)
    higher, lower = (matmul(cast(side, dtype), sides) for side in (above, logical_not(above)))
    return transpose(higher, (1, 0, 2)), transpose(lower, (1, 0, 2))


def parse_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list; None means the default one. Raises ArgumentError for one outside [0, 1]."""
    if thresholds is None:
        return [default]
    listed = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    wrong = [t for t in listed if t is None or not 0 <= t <= 1]
    if wrong:
        raise ArgumentError(f"got thresholds {wrong}, expected numbers in [0, 1]")
    return listed


class ConfusionMetric(Metric):
    """Base of metrics of accumulated counts: a Variable for each of ``_counted``, with an axis of thresholds."""

    _counted: tuple[str, ...] = Confusion._fields
    thresholds: Any

    true_positives: Any
    false_positives: Any
    true_negatives: Any
    false_negatives: Any

    def _make_counters(self, shape: tuple[int, ...]) -> None:
        for name in self._counted:
            setattr(self, name, self.add_weight(shape, "zeros", name=name))

    def _accumulate(self, counts: Confusion) -> None:
        for name in self._counted:
            getattr(self, name).assign_add(getattr(counts, name))


class _SingleCount(Metric):
    """One of the counts, at one threshold (a scalar) or several."""

    _count: str

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds)
        self.accumulator = self.add_weight((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        scores = scored(y_true, y_pred, sample_weight, self.accumulator.dtype)
        self.accumulator.assign_add(getattr(confusion(scores, self.thresholds), self._count))

    def result(self) -> Any:
        return scalar_if_single(self.accumulator.read_value())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


def scalar_if_single(values: Operand) -> Operand:
    """The only value of a vector of one, else the vector."""
    return values[0] if shape_of(values)[0] == 1 else values


class TruePositives(_SingleCount):
    """The number (or weight) of positives predicted as such."""

    _count = "true_positives"
    _direction = "up"


class FalsePositives(_SingleCount):
    """The number (or weight) of negatives predicted as positive."""

    _count = "false_positives"
    _direction = "down"


class TrueNegatives(_SingleCount):
    """The number (or weight) of negatives predicted as such."""

    _count = "true_negatives"
    _direction = "up"


class FalseNegatives(_SingleCount):
    """The number (or weight) of positives predicted as negative."""

    _count = "false_negatives"
    _direction = "down"
