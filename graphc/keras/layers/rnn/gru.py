"""GRU: the gated recurrent unit."""

from __future__ import annotations

from typing import Any

from graphc.keras import activations
from graphc.keras.layers.rnn.cell import RecurrentCell, cell_arguments
from graphc.keras.layers.rnn.single_cell import OfCell, SingleCellRNN, WholeOp, is_named
from graphc.keras.layers.rnn.states import as_list
from graphc_ir.ops.base import Operand, lift
from graphc_ir.ops.elementwise import add, cast, mul, sub
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import slice_axis, split
from graphc_ir.ops.rearrange import unstack
from graphc_ir.ops.rnn import gru

__all__ = ["GRU", "GRUCell"]


class GRUCell(RecurrentCell):
    """One step of a GRU, with the state ``h``:

    ``z, r = recurrent_activation(...)`` of ``x kernel + h recurrent_kernel + bias``, whose blocks are in the order
    z, r, n; ``n = activation(x kernel + r * (h recurrent_kernel))``; then ``h = z * h + (1 - z) * n``, which is the
    output. ``reset_after=False``: ``n`` gets ``(r * h) recurrent_kernel``. With ``reset_after`` there are two biases,
    one for each product: shape (2, 3 units).
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
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
        self.reset_after = reset_after

    def bias_shape(self) -> tuple[int, ...]:
        width = self.gates * self.units
        return (2, width) if self.reset_after else (width,)

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        before = cast(lift(as_list(states)[0]), self.compute_dtype)
        x, h = self.dropped(inputs, before, training)
        z, n = self._after_reset(x, h) if self.reset_after else self._before_reset(x, h)
        output = add(mul(z, before), mul(sub(1, z), n))
        return output, [output] if isinstance(states, (list, tuple)) else output

    def _after_reset(self, x: Operand, h: Operand) -> tuple[Operand, Operand]:
        of_x, of_h = (None, None) if self.bias is None else unstack(lift(self.bias))
        x_z, x_r, x_n = split(_plus(matmul(x, self.kernel), of_x), self.gates, -1)
        h_z, h_r, h_n = split(_plus(matmul(h, self.recurrent_kernel), of_h), self.gates, -1)
        gate = self.recurrent_activation
        return gate(add(x_z, h_z)), self.activation(add(x_n, mul(gate(add(x_r, h_r)), h_n)))

    def _before_reset(self, x: Operand, h: Operand) -> tuple[Operand, Operand]:
        x_z, x_r, x_n = split(self.from_inputs(x), self.gates, -1)
        recurrent, gate = lift(self.recurrent_kernel), self.recurrent_activation
        h_z, h_r = split(matmul(h, slice_axis(recurrent, 1, 0, 2 * self.units)), 2, -1)
        of_candidate = slice_axis(recurrent, 1, 2 * self.units, 3 * self.units)
        candidate = add(x_n, matmul(mul(gate(add(x_r, h_r)), h), of_candidate))
        return gate(add(x_z, h_z)), self.activation(candidate)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "use_bias": self.use_bias,
            **self.weight_config(),
            "reset_after": self.reset_after,
            "seed": self.seed,
        }


def _plus(x: Operand, bias: Operand | None) -> Operand:
    return x if bias is None else add(x, bias)


class GRU(SingleCellRNN):
    """The gated recurrent unit over ``sequences`` [batch, time, features]; the step: :class:`GRUCell`. How sequences
    are gone over and what comes out: :class:`RNN`.

    With the default activations it is one op in the compiler and one node in ONNX. ``use_cudnn`` is accepted and makes
    no difference.
    """

    recurrent_activation = OfCell()
    reset_after = OfCell()
    cell_options = (
        "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer",
        "bias_initializer", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer",
        "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout", "reset_after",
        "seed",
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
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, reset_after, seed,
            **cell_arguments("gru_cell", kwargs),
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
        cell, first = self.cell, None if states is None else states[0]
        return gru(x, first, cell.kernel, cell.recurrent_kernel, cell.bias, cell.reset_after, **how)
