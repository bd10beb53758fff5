"""The metrics that ``compile`` was given, per output, made once targets and predictions show their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras import metrics as metrics_module
from graphc.keras.engine.tracking import Stateful
from graphc.keras.metrics import Metric
from graphc.keras.trainers.compiled_loss import crossentropy_kind
from graphc.keras.trainers.outputs import Output, outputs_of, per_output
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError

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

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Updates all metrics. Raises ArgumentError when what was given does not fit the outputs."""
        if not any(self._given):
            return
        outputs = outputs_of(y_true, y_pred, sample_weight, self._names)
        if self._per_output is None:
            self._per_output = self._build(outputs)
        for output, (plain, weighted) in zip(outputs, self._per_output, strict=True):
            if output.y_true is None:
                continue
            for metric in plain:
                metric.update_state(output.y_true, output.y_pred)
            for metric in weighted:
                metric.update_state(output.y_true, output.y_pred, sample_weight=output.sample_weight)

    def _build(self, outputs: list[Output]) -> list[tuple[list[Metric], list[Metric]]]:
        plain, weighted = (_by_output(given, outputs) for given in self._given)
        built = []
        for output, one, other in zip(outputs, plain, weighted, strict=True):
            pair = ([_as_metric(m, output) for m in one], [_as_metric(m, output) for m in other])
            if output.name is not None and len(outputs) > 1:
                self._labels.update({id(m): f"{output.name}_{m.name}" for part in pair for m in part})
            built.append(pair)
        return built


def _listed_objects(given: Any) -> list[Metric]:
    if isinstance(given, Metric):
        return [given]
    if not isinstance(given, (dict, list, tuple)):
        return []
    return [m for value in (given.values() if isinstance(given, dict) else given) for m in _listed_objects(value)]


def _by_output(given: Any, outputs: list[Output]) -> list[list[Any]]:
    """The metrics of each output: a flat list serves the only output, or all of them."""
    if not given:
        return [[] for _ in outputs]
    names = [str(output.name) for output in outputs]
    if len(outputs) == 1:
        value = next(iter(given.values())) if isinstance(given, dict) else given
        return [_flat(value)]
    if isinstance(given, dict):
        return [_flat(value) for value in per_output(given, names, "metrics", partial=True)]
    if any(isinstance(item, (list, tuple)) or item is None for item in given) or len(given) == len(outputs):
        return [_flat(value) for value in per_output(given, names, "metrics")]
    raise ArgumentError(f"metrics has {len(given)} entries for the outputs {names}; give a list of lists or a dict with "
                        "the metrics of each output")  # fmt: skip


def _flat(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        return [value]
    return [m for item in value for m in _flat(item)]


def _as_metric(identifier: Any, output: Output) -> Metric:
    """A metric for a name, a function or a Metric; ``"accuracy"`` is the one that fits the shapes."""
    lowered = str(identifier).lower() if isinstance(identifier, str) else ""
    for words, table in ((("accuracy", "acc"), _ACCURACY), (("crossentropy", "ce"), _CROSSENTROPY)):
        if lowered in words:
            return table[crossentropy_kind(output.y_true, output.y_pred)](name=str(identifier))
    found = metrics_module.get(identifier)
    if isinstance(found, Metric):
        if isinstance(identifier, str) and identifier != type(found).__name__:
            found.name = identifier  # logs say "mae" where the user does
        return found
    name = identifier if isinstance(identifier, str) else getattr(found, "__name__", "metric")
    return metrics_module.MeanMetricWrapper(found, name=name)
