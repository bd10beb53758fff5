"""What SimpleRNN, LSTM and GRU have in common: one built-in cell, run as one op where that is possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from graphc.keras import activations, regularizers
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.rnn.cell import RecurrentCell
from graphc.keras.layers.rnn.loop import Result
from graphc.keras.layers.rnn.rnn import RNN
from graphc.mode import mode
from graphc_ir.dtypes import int32
from graphc_ir.ops.base import Operand, dtype_of, lift, shape_of
from graphc_ir.ops.elementwise import cast, mul, select
from graphc_ir.ops.movement import expand_dims, slice_axis
from graphc_ir.ops.reduction import reduce_any, reduce_sum

__all__ = ["OfCell", "SingleCellRNN", "is_named"]

WholeOp = Callable[..., tuple[Operand, ...]]
"""(x, first states or None, how to go over the steps) -> (sequence, last states)."""


class OfCell:
    """An attribute that a layer has from its cell."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, layer: Any, owner: type) -> Any:
        return self if layer is None else getattr(layer.cell, self._name)


class SingleCellRNN(RNN):
    """Base of recurrent layers whose arguments are those of their cell.

    A layer whose cell is an op of the compiler (:meth:`whole_op`), without recurrent dropout and not unrolled, runs as
    that op; any other one runs its cell step by step. ``implementation`` (how Keras orders the products) is accepted
    and makes no difference.
    """

    units = OfCell()
    activation = OfCell()
    use_bias = OfCell()
    kernel_initializer = OfCell()
    recurrent_initializer = OfCell()
    bias_initializer = OfCell()
    kernel_regularizer = OfCell()
    recurrent_regularizer = OfCell()
    bias_regularizer = OfCell()
    kernel_constraint = OfCell()
    recurrent_constraint = OfCell()
    bias_constraint = OfCell()
    dropout = OfCell()
    recurrent_dropout = OfCell()

    cell_options: ClassVar[tuple[str, ...]]
    """What of the cell's configuration is the layer's, in order."""

    def __init__(self, cell: RecurrentCell, activity_regularizer: Any, options: dict[str, Any]) -> None:
        options.pop("implementation", None)
        super().__init__(cell, activity_regularizer=activity_regularizer, **options)
        self.input_spec = InputSpec(ndim=3)

    def whole_op(self) -> WholeOp | None:
        """The op that computes the layer; None if its cell has activations that no op has."""
        raise NotImplementedError

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = False) -> Any:
        return super().call(cast(sequences, self.compute_dtype), initial_state, mask, training)

    def process(self, x: Operand, states: Any, mask: Operand | None, training: Any) -> Result:
        whole = None if self.unroll or (training and self.recurrent_dropout) else self.whole_op()
        if whole is None:
            return super().process(x, states, mask, training)
        if training and self.dropout:
            x = self._dropped(x)
        how = {"reverse": self.go_backwards, "zero_output": self.zero_output_for_mask, **_idle_steps(mask)}
        sequence, *last = whole(x, states, how)
        return Result(sequence if self.return_sequences else self._last(last[0], states, mask), last)

    def _dropped(self, x: Operand) -> Operand:
        """``x`` with the same elements dropped at every step."""
        batch, _, features = shape_of(x)
        mask = self.cell.masks.of_inputs((batch, features), self.compute_dtype)
        return x if mask is None else mul(x, expand_dims(mask, 1))

    def _last(self, h: Operand, states: Any, mask: Operand | None) -> Operand:
        """The output of the last step: the state, except that idle steps may show 0."""
        if mask is None or (states is None and not self.zero_output_for_mask):
            return h
        time = shape_of(mask)[1]
        last = 0 if self.go_backwards else time - 1
        counted = slice_axis(mask, 1, last, last + 1) if self.zero_output_for_mask else mask
        return select(reduce_any(counted, 1, keepdims=True), h, lift(0, dtype_of(h)))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["cell"]
        own = self.cell.get_config()
        penalty = {"activity_regularizer": regularizers.serialize(self.activity_regularizer)}
        return {**config, **{name: {**own, **penalty}[name] for name in self.cell_options}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        return cls(**config)


def _idle_steps(mask: Operand | None) -> dict[str, Any]:
    """A mask as what the op takes: lengths if it is known to hide the ends of rows only, else the mask itself."""
    if mask is None:
        return {}
    known = mask.numpy() if mode.tracer is None else mode.tracer.static_value(mask)
    if known is not None and (known[:, :-1] >= known[:, 1:]).all():
        return {"lengths": reduce_sum(cast(mask, int32), 1)}
    return {"mask": mask}


def is_named(activation: Any, *names: str) -> bool:
    """Whether an activation is one of the built-in ones of these names."""
    return activations.serialize(activation) in names
