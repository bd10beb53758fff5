"""The metrics that ``compile`` was given, per output, made once targets and predictions show their shapes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from graphc.autograph import convert
from graphc.keras import metrics as metrics_module
from graphc.keras.engine.tracking import Stateful
from graphc.keras.metrics import Metric
from graphc.keras.trainers.compiled_loss import crossentropy_kind
from graphc.keras.trainers.outputs import Outputs, is_container
from graphc.pytree import flatten
from graphc.variable import Variable

__all__ = ["CompiledMetrics"]

_ACCURACY = {
    "binary": metrics_module.BinaryAccuracy,
    "categorical": metrics_module.CategoricalAccuracy,
    "sparse_categorical": metrics_module.SparseCategoricalAccuracy,
}  # fmt: skip
_CROSSENTROPY = {
    "binary": metrics_module.BinaryCrossentropy,
    "categorical": metrics_module.CategoricalCrossentropy,
    "sparse_categorical": metrics_module.SparseCategoricalCrossentropy,
}  # fmt: skip


class CompiledMetrics(Stateful):
    """Updates metrics by output: ``metrics`` without sample weights, ``weighted_metrics`` with them."""

    def __init__(self, metrics: Any, weighted_metrics: Any, names: Sequence[str] | None = None) -> None:
        self._given = (metrics, weighted_metrics)
        self._names = names
        self._per_output: list[tuple[list[Metric], list[Metric]]] | None = None
        self._labels: dict[int, str] = {}

    @property
    def built(self) -> bool:
        return self._per_output is not None

    @property
    def metrics(self) -> list[Metric]:
        """All metrics, output by output. Before the first update, those that are objects already."""
        if self._per_output is None:
            return [m for given in self._given for m in _listed_objects(given)]
        return [m for plain, weighted in self._per_output for m in (*plain, *weighted)]

    @property
    def variables(self) -> list[Variable]:
        return [v for metric in self.metrics for v in metric.variables]

    def label(self, metric: Metric) -> str:
        """What logs call a metric: its name, after that of its output if there are several."""
        return self._labels.get(id(metric), metric.name)

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Makes the metrics for targets and predictions like these. Raises ArgumentError when they do not fit."""
        if any(self._given):
            self._prepared(y_true, y_pred, None)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Updates all metrics. Raises ArgumentError when what was given does not fit the outputs."""
        if not any(self._given):
            return
        targets, weights, metrics = self._prepared(y_true, y_pred, sample_weight)
        for y, pred, weight, (plain, weighted) in zip(targets, flatten(y_pred)[0], weights, metrics, strict=True):
            for metric in plain if y is not None else ():
                convert(metric.update_state)(y, pred)
            for metric in weighted if y is not None else ():
                convert(metric.update_state)(y, pred, sample_weight=weight)

    def _prepared(
        self, y_true: Any, y_pred: Any, sample_weight: Any
    ) -> tuple[list[Any], list[Any], list[tuple[list[Metric], list[Metric]]]]:
        """The targets, the sample weights and the metrics of each output."""
        outputs = Outputs(y_pred, self._names)
        given = [_by_output(metrics, outputs) for metrics in self._given]
        measured = [i for i in range(outputs.count) if given[0][i] or given[1][i]]
        targets = outputs.per_output(y_true, "y_true", partial_for=measured)
        weights = [sample_weight] * outputs.count
        if is_container(sample_weight):
            weights = outputs.per_output(sample_weight, "sample_weight", partial_for=measured)
        if self._per_output is None:
            self._per_output = self._made(given, targets, flatten(y_pred)[0], outputs)
        return targets, weights, self._per_output

    def _made(
        self, given: list[list[list[Any]]], targets: list[Any], predictions: list[Any], outputs: Outputs
    ) -> list[tuple[list[Metric], list[Metric]]]:
        made = []
        for i, (y, pred) in enumerate(zip(targets, predictions, strict=True)):
            plain, weighted = ([_as_metric(m, y, pred) for m in metrics[i]] for metrics in given)
            prefix = "" if outputs.only_one else f"{outputs.labels[i]}_"
            names = {metric.name for metric in plain}
            for metric in plain:
                self._add_label(metric, f"{prefix}{metric.name}")
            for metric in weighted:
                self._add_label(metric, f"{prefix}{'weighted_' if metric.name in names else ''}{metric.name}")
            made.append((plain, weighted))
        return made

    def _add_label(self, metric: Metric, label: str) -> None:
        taken = set(self._labels.values())
        numbered = (f"{label}_{i}" if i else label for i in itertools.count())
        self._labels[id(metric)] = next(name for name in numbered if name not in taken)


def _listed_objects(given: Any) -> list[Metric]:
    if isinstance(given, Metric):
        return [given]
    if not isinstance(given, (dict, list, tuple)):
        return []
    return [m for value in (given.values() if isinstance(given, dict) else given) for m in _listed_objects(value)]


def _by_output(given: Any, outputs: Outputs) -> list[list[Any]]:
    """The metrics of each output, as names or objects."""
    if not outputs.only_one:
        return [_flat(value) for value in outputs.per_output(given, "metrics")]
    if isinstance(given, dict):
        outputs.named_parts(given, 0, "metrics")  # raises for a name that is not the output's
    return [_flat(given)]


def _flat(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, dict):
        value = list(value.values())
    return [m for item in value for m in _flat(item)] if isinstance(value, (list, tuple)) else [value]


def _as_metric(identifier: Any, y_true: Any, y_pred: Any) -> Metric:
    """A metric for a name, a function or a Metric; ``"accuracy"`` is the one that fits the shapes."""
    lowered = str(identifier).lower() if isinstance(identifier, str) else ""
    for words, table in ((("accuracy", "acc"), _ACCURACY), (("crossentropy", "ce"), _CROSSENTROPY)):
        if lowered in words:
            made: Metric = table[crossentropy_kind(y_true, y_pred)](name=str(identifier))
            return made
    found: Any = metrics_module.get(identifier)
    if isinstance(found, Metric):
        if isinstance(identifier, str) and identifier != type(found).__name__:
            found.name = identifier  # logs say "mae" where the user does
        return found
    name = identifier if isinstance(identifier, str) else getattr(found, "__name__", "metric")
    wrapped: Metric = metrics_module.MeanMetricWrapper(found, name=name)
    return wrapped
