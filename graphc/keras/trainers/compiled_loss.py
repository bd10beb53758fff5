"""The losses that ``compile`` was given, one per output, and their weighted sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.keras import losses as losses_module
from graphc.keras.engine.tracking import Stateful
from graphc.keras.metrics import Mean
from graphc.keras.trainers.outputs import Output, outputs_of, per_output
from graphc.variable import Variable
from graphc_ir.dtypes import int64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import lift, shape_of
from graphc_ir.ops.elementwise import add, mul
from graphc_ir.ops.shape import size_operand

__all__ = ["CompiledLoss", "batch_size_of"]


class CompiledLoss(Stateful):
    """Adds up the losses of all outputs. ``metrics`` follows each of several losses by a mean of its own."""

    def __init__(self, loss: Any, loss_weights: Any = None, names: Sequence[str] | None = None) -> None:
        self._loss = loss
        self._loss_weights = loss_weights
        self._names = names
        self._functions: list[Callable[..., Any] | None] | None = None
        self._weights: list[float | None] = []
        self.metrics: list[Mean] = []

    @property
    def variables(self) -> list[Variable]:
        return [v for metric in self.metrics for v in metric.variables]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The total of all losses. Raises ArgumentError when targets do not fit the outputs."""
        outputs = outputs_of(y_true, y_pred, sample_weight, self._names)
        if self._functions is None:
            self._functions = self._build(outputs)
        total = None
        values = []
        for output, function, weight in zip(outputs, self._functions, self._weights, strict=True):
            if function is None:
                continue
            value = self._value(function, output)
            values.append((value, output))
            weighted = value if weight is None else mul(value, weight)
            total = weighted if total is None else add(total, weighted)
        for metric, (value, output) in zip(self.metrics, values, strict=False):
            metric.update_state(value, sample_weight=batch_size_of(output.y_pred))
        return total

    def _value(self, function: Callable[..., Any], output: Output) -> Any:
        if output.y_true is None:
            raise ArgumentError("the model was compiled with a loss"
                                + (f" for {output.name!r}" if output.name else "")
                                + ", which needs targets; pass y, or a Dataset of (x, y)")  # fmt: skip
        return function(output.y_true, output.y_pred, output.sample_weight)

    def _build(self, outputs: list[Output]) -> list[Callable[..., Any] | None]:
        keys = [output.name for output in outputs]
        if keys == [None]:
            given, weights = [_only(self._loss)], [_only(self._loss_weights)]
        else:
            names = [str(key) for key in keys]
            broadcast = not isinstance(self._loss, (dict, list, tuple))
            given = [self._loss] * len(names) if broadcast else per_output(self._loss, names, "loss")
            weights = per_output(self._loss_weights, names, "loss_weights")
        self._weights = weights
        functions = [_as_loss(one, output) for one, output in zip(given, outputs, strict=True)]
        active = [output for function, output in zip(functions, outputs, strict=True) if function is not None]
        if len(active) > 1:
            self.metrics = [Mean(name=f"{output.name}_loss") for output in active]
        return functions


def _only(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and len(value) == 1:
        return value[0]
    return next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value


def _as_loss(identifier: Any, output: Output) -> Callable[..., Any] | None:
    """A Loss of ``(y_true, y_pred, sample_weight)`` for a name, a function or a Loss."""
    if identifier is None:
        return None
    if identifier in ("crossentropy", "ce") if isinstance(identifier, str) else False:
        identifier = f"{crossentropy_kind(output.y_true, output.y_pred)}_crossentropy"
    found = losses_module.get(identifier)
    if isinstance(found, losses_module.Loss):
        return found
    return losses_module.LossFunctionWrapper(found, name=getattr(found, "__name__", "loss"))


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


