"""The losses that ``compile`` was given, and their weighted sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphc.keras import losses as losses_module
from graphc.keras.engine.tracking import Stateful
from graphc.keras.losses.base import LossFunctionWrapper
from graphc.keras.metrics import Mean
from graphc.keras.trainers.outputs import Outputs, children, is_container
from graphc.pytree import flatten, leaves_of, map_leaves, structure_of
from graphc.variable import Variable
from graphc_ir.dtypes import int64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import lift, shape_of
from graphc_ir.ops.elementwise import add, mul
from graphc_ir.ops.shape import size_operand

__all__ = ["CompiledLoss", "batch_size_of", "crossentropy_kind"]


class _Part(NamedTuple):
    """One loss: of which outputs (a node of their structure), called what, with which weight in the sum."""

    node: Any
    name: str
    loss: Any
    weight: Any


class CompiledLoss(Stateful):
    """Adds up the losses of all outputs. ``metrics`` follows each of several losses by a mean of its own.

    Losses come in the structure of the outputs. A single one serves every output, a list for one output adds up, and
    a function that stands for several outputs is called with all of them.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, names: Sequence[str] | None = None) -> None:
        self._loss = loss
        self._loss_weights = loss_weights
        self._names = names
        self._parts: list[_Part] | None = None
        self.metrics: list[Mean] = []

    @property
    def variables(self) -> list[Variable]:
        return [v for metric in self.metrics for v in metric.variables]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The total of all losses; None if there are none. Raises ArgumentError when targets do not fit the outputs."""
        outputs = Outputs(y_pred, self._names)
        parts = self._parts or _parts(self._loss, self._loss_weights, outputs)
        active = sorted({i for part in parts for i in leaves_of(part.node)})
        targets = outputs.per_output(y_true, "y_true", partial_for=active)
        weights = _sample_weights(sample_weight, outputs, active)
        predictions = flatten(y_pred)[0]
        if self._parts is None:
            self._parts = [_made(part, targets, predictions) for part in parts]
            if len(parts) > 1:
                self.metrics = [Mean(name=f"{part.name}_loss") for part in parts]
        values = [_value(part, outputs, targets, predictions, weights) for part in self._parts]
        for metric, value, part in zip(self.metrics, values, self._parts, strict=False):
            metric.update_state(value, sample_weight=batch_size_of(predictions[leaves_of(part.node)[0]]))
        return _weighted_sum(values, [part.weight for part in self._parts])


def _value(part: _Part, outputs: Outputs, targets: list[Any], predictions: list[Any], weights: list[Any]) -> Any:
    if any(targets[i] is None for i in leaves_of(part.node)):
        raise ArgumentError(f"the model was compiled with a loss for {part.name!r}, which needs targets; pass y, or a "
                            "Dataset of (x, y)")  # fmt: skip
    y_true, y_pred = outputs.select(targets, part.node), outputs.select(predictions, part.node)
    return part.loss(y_true, y_pred, _common_weight(part, [weights[i] for i in leaves_of(part.node)]))


def _common_weight(part: _Part, weights: list[Any]) -> Any:
    if any(weight is not weights[0] for weight in weights):
        raise ArgumentError(f"the loss {part.name!r} is of several outputs together, so all of them need the same "
                            "sample_weight")  # fmt: skip
    return weights[0]


def _sample_weights(given: Any, outputs: Outputs, active: list[int]) -> list[Any]:
    if is_container(given):
        return outputs.per_output(given, "sample_weight", partial_for=active)
    return [given] * outputs.count


def _weighted_sum(values: list[Any], weights: list[Any]) -> Any:
    total = None
    for value, weight in zip(values, weights, strict=True):
        weighted = value if weight is None else mul(value, weight)
        total = weighted if total is None else add(total, weighted)
    return total


# --- which loss is of which outputs ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Weighted:
    """A loss with its weight, where both were given in the same structure. No tuple: that would be a container."""

    loss: Any
    weight: Any


def _parts(loss: Any, weights: Any, outputs: Outputs) -> list[_Part]:
    """The losses as the user gave them, with what they are of."""
    if is_container(weights) and structure_of(loss) == structure_of(weights):
        paired = map_leaves(lambda one, weight: None if one is None else _Weighted(one, weight), loss, weights,
                            none_is_leaf=True)  # fmt: skip
        found = _within(paired, outputs.node, (), outputs)
        return [part._replace(loss=part.loss.loss, weight=part.loss.weight) for part in found]
    by_output = outputs.per_output(weights, "loss_weights")
    if is_container(loss):
        found = _within(loss, outputs.node, (), outputs)
    else:
        found = (_Part(i, outputs.labels[i], loss, None) for i in range(outputs.count))
    return [part._replace(weight=by_output[leaves_of(part.node)[0]]) for part in found]


def _within(loss: Any, node: Any, keys: tuple[Any, ...], outputs: Outputs) -> Iterator[_Part]:
    """The losses of one part of the outputs, which stands at ``keys`` in their structure."""
    if loss is None:
        return
    if not is_container(loss) and (isinstance(node, int) or not _is_name(loss)):
        yield _Part(node, _name(node, keys, outputs), loss, None)
        return
    for inner, part, key in _shared_out(loss, node, outputs):
        yield from _within(inner, part, keys if key is None else (*keys, key), outputs)


def _is_name(loss: Any) -> bool:
    return isinstance(loss.loss if isinstance(loss, _Weighted) else loss, str)


def _shared_out(loss: Any, node: Any, outputs: Outputs) -> Iterator[tuple[Any, Any, Any]]:
    """Losses with the parts of the node that they are of, and the keys of those (None: the node itself)."""
    parts = [] if isinstance(node, int) else children(node, outputs.labels)
    if not is_container(loss):
        yield from ((loss, part, key) for key, part in parts)
    elif isinstance(loss, dict):
        named = outputs.named_parts(loss, node, "loss")
        yield from ((one, named[key], key if parts else None) for key, one in loss.items())
    elif _goes_by_position(loss, node, parts):
        yield from ((one, part, key) for one, (key, part) in zip(loss, parts, strict=True))
    else:  # several losses of the same outputs
        yield from ((one, node, None) for one in loss)


def _goes_by_position(loss: Any, node: Any, parts: list[Any]) -> bool:
    if len(loss) != len(parts):
        return False
    return type(loss) is type(node) or not any(is_container(one) for one in loss)


def _name(node: Any, keys: tuple[Any, ...], outputs: Outputs) -> str:
    return "/".join(map(str, keys)) if keys else "_".join(outputs.names_of(node))


def _made(part: _Part, targets: list[Any], predictions: list[Any]) -> _Part:
    """With a Loss of ``(y_true, y_pred, sample_weight)`` for a name, a function or a Loss."""
    identifier = part.loss
    if isinstance(identifier, str) and identifier in ("crossentropy", "ce"):
        identifier = f"{crossentropy_kind(targets[part.node], predictions[part.node])}_crossentropy"
    found = losses_module.get(identifier)
    if not isinstance(found, losses_module.Loss):
        found = LossFunctionWrapper(found, name=getattr(found, "__name__", "loss"))
    return part._replace(loss=found)


def crossentropy_kind(y_true: Any, y_pred: Any) -> str:
    """``"binary"``, ``"sparse_categorical"`` or ``"categorical"``, as the shapes of targets and predictions say."""
    true, pred = shape_of(lift(y_true)), shape_of(lift(y_pred))
    if pred and pred[-1] == 1:
        return "binary"
    sparse = len(true) < len(pred) or (true[-1] == 1 and pred[-1] != 1)
    return "sparse_categorical" if sparse else "categorical"


def batch_size_of(tensor: Any) -> Any:
    """The first size of a tensor, as a number or an integer scalar."""
    size = shape_of(lift(tensor))[0]
    return size if isinstance(size, int) else size_operand(size, int64)
