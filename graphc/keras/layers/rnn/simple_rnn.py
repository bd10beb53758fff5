"""SimpleRNN: the recurrence with one activation."""

from __future__ import annotations

from functools import partial
from typing import Any

from graphc.keras import activations
from graphc.keras.layers.rnn.cell import RecurrentCell, cell_arguments
from graphc.keras.layers.rnn.single_cell import SingleCellRNN, WholeOp, is_named
from graphc.keras.layers.rnn.states import as_list
from graphc_ir.ops.elementwise import add
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.rnn import simple_rnn

__all__ = ["SimpleRNN", "SimpleRNNCell"]


class SimpleRNNCell(RecurrentCell):
    """One step of ``h = activation(x kernel + h recurrent_kernel + bias)``; the output is ``h``."""

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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

    def call(self, sequence: Any, states: Any, training: bool | None = False) -> Any:
        x, h = self.dropped(sequence, as_list(states)[0], training)
        output = self.activation(add(self.from_inputs(x), matmul(h, self.recurrent_kernel)))
        return output, [output] if isinstance(states, (list, tuple)) else output

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **self.weight_config(),
            "seed": self.seed,
        }


class SimpleRNN(SingleCellRNN):
    """The fully connected recurrence ``h = activation(x kernel + h recurrent_kernel + bias)`` over ``sequences``
    [batch, time, features]. How sequences are gone over and what comes out: :class:`RNN`."""

    cell_options = (
        "units", "activation", "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer",
        "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
        "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout",
    )  # fmt: skip

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **cell_arguments("simple_rnn_cell", kwargs),
        )  # fmt: skip
        walk = {
            "return_sequences": return_sequences, "return_state": return_state, "go_backwards": go_backwards,
            "stateful": stateful, "unroll": unroll,
        }  # fmt: skip
        super().__init__(cell, activity_regularizer, {**walk, **kwargs})

    def whole_op(self) -> WholeOp | None:
        if not is_named(self.activation, "tanh", "relu"):
            return None
        return partial(self._as_one_op, activation=activations.serialize(self.activation))

    def _as_one_op(self, x: Any, states: Any, how: dict[str, Any], activation: str) -> Any:
        cell = self.cell
        first = None if states is None else states[0]
        return simple_rnn(x, first, cell.kernel, cell.recurrent_kernel, cell.bias, activation, **how)
