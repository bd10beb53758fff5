"""LSTM: long short-term memory."""

from __future__ import annotations

from typing import Any

from graphc.keras import activations
from graphc.keras.layers.rnn.cell import RecurrentCell, cell_arguments
from graphc.keras.layers.rnn.single_cell import OfCell, SingleCellRNN, WholeOp, is_named
from graphc_ir.ops.base import Operand, lift
from graphc_ir.ops.creation import ones
from graphc_ir.ops.elementwise import add, cast, mul
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import concat, split
from graphc_ir.ops.rnn import lstm

__all__ = ["LSTM", "LSTMCell"]


class LSTMCell(RecurrentCell):
    """One step of an LSTM, with the states ``h`` and ``c``:

    ``i, f, o = recurrent_activation(...)`` and ``g = activation(...)`` of ``x kernel + h recurrent_kernel + bias``,
    whose blocks are in the order i, f, g, o; then ``c = f * c + i * g`` and ``h = o * activation(c)``. The output is
    ``h``.
    ``unit_forget_bias``: the bias of f starts at 1.
    """

    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            {
                "use_bias": use_bias, "kernel_initializer": kernel_initializer,
                "recurrent_initializer": recurrent_initializer, "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer, "recurrent_regularizer": recurrent_regularizer,
                "bias_regularizer": bias_regularizer, "kernel_constraint": kernel_constraint,
                "recurrent_constraint": recurrent_constraint, "bias_constraint": bias_constraint,
                "dropout": dropout, "recurrent_dropout": recurrent_dropout, "seed": seed,
            },
            **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def first_bias(self) -> Any:
        return self._bias_with_open_forget_gate if self.unit_forget_bias else self.bias_initializer

    def _bias_with_open_forget_gate(self, shape: tuple[int, ...], dtype: Any = None) -> Operand:
        size = (self.units,)
        others = (2 * self.units,)
        return concat([self.bias_initializer(size, dtype=dtype), ones(size, dtype),
                       self.bias_initializer(others, dtype=dtype)], 0)  # fmt: skip

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        x, h = self.dropped(inputs, states[0], training)
        c = cast(lift(states[1]), self.compute_dtype)
        i, f, g, o = split(add(self.from_inputs(x), matmul(h, self.recurrent_kernel)), self.gates, -1)
        gate = self.recurrent_activation
        c = add(mul(gate(f), c), mul(gate(i), self.activation(g)))
        h = mul(gate(o), self.activation(c))
        return h, [h, c]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "use_bias": self.use_bias,
            "unit_forget_bias": self.unit_forget_bias,
            **self.weight_config(),
            "seed": self.seed,
        }


class LSTM(SingleCellRNN):
    """Long short-term memory over ``sequences`` [batch, time, features]; the step: :class:`LSTMCell`. The states are
    ``h`` and ``c``. How sequences are gone over and what comes out: :class:`RNN`.

    With the default activations it is one op in the compiler and one node in ONNX. ``use_cudnn`` is accepted and makes
    no difference.
    """

    recurrent_activation = OfCell()
    unit_forget_bias = OfCell()
    cell_options = (
        "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer",
        "bias_initializer", "unit_forget_bias", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer",
        "activity_regularizer", "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout",
        "recurrent_dropout", "seed",
    )  # fmt: skip

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = LSTMCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed,
            **cell_arguments("lstm_cell", kwargs),
        )  # fmt: skip
        walk = {
            "return_sequences": return_sequences, "return_state": return_state, "go_backwards": go_backwards,
            "stateful": stateful, "unroll": unroll,
        }  # fmt: skip
        super().__init__(cell, activity_regularizer, {**walk, **kwargs})
        self.use_cudnn = use_cudnn

    def whole_op(self) -> WholeOp | None:
        usual = is_named(self.activation, "tanh") and is_named(self.recurrent_activation, "sigmoid")
        return self._as_one_op if usual else None

    def _as_one_op(self, x: Any, states: Any, how: dict[str, Any]) -> Any:
        cell = self.cell
        h, c = (None, None) if states is None else states
        return lstm(x, h, c, cell.kernel, cell.recurrent_kernel, cell.bias, **how)
