"""Convolutional LSTMs: the products of an LSTM are convolutions, its states images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from graphc.keras.config import standardize_data_format
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.arguments import axis_sizes, channel_axis, one_of
from graphc.keras.layers.rnn.cell import cell_arguments
from graphc.keras.layers.rnn.dropout_masks import masked
from graphc.keras.layers.rnn.loop import Result, Walk, walk
from graphc.keras.layers.rnn.lstm import LSTMCell
from graphc.keras.layers.rnn.single_cell import OfCell, SingleCellRNN
from graphc_ir.dims import Dim, Shape
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, lift, shape_of
from graphc_ir.ops.conv import conv
from graphc_ir.ops.creation import zeros
from graphc_ir.ops.elementwise import add, cast, mul
from graphc_ir.ops.movement import expand_dims, reshape, split

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "ConvLSTMCell"]


class ConvLSTMCell(LSTMCell):
    """One step of an LSTM on images [batch, spatial..., channels] (or channels first), with ``rank`` spatial axes.

    ``kernel`` (kernel_size, channels, 4 filters) convolves the inputs as the other arguments say, ``recurrent_kernel``
    (kernel_size, filters, 4 filters) the state ``h``, whose size it keeps. The rest is as in :class:`LSTMCell`.
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
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
            filters, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        self.rank = rank
        self.filters = filters
        self.kernel_size = axis_sizes(kernel_size, rank, "ConvLSTM: kernel_size")
        self.strides = axis_sizes(strides, rank, "ConvLSTM: strides")
        self.padding = one_of(padding, ("valid", "same"), "ConvLSTM: padding")
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = axis_sizes(dilation_rate, rank, "ConvLSTM: dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError(f"ConvLSTM: strides {self.strides} and dilation_rate {self.dilation_rate} cannot both "
                                "be above 1; set one of them to 1")  # fmt: skip
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def channels(self) -> int:
        """The axis of the channels in the data of one step."""
        return channel_axis(self.data_format, self.rank)

    def kernel_shape(self, inputs: int) -> tuple[int, ...]:
        return (*self.kernel_size, inputs, self.gates * self.filters)

    def build(self, input_shape: Any) -> None:
        inputs = input_shape[self.channels]
        if inputs is None:
            raise ArgumentError(f"ConvLSTM {self.name!r} needs a known number of channels, got inputs of shape "
                                f"{tuple(input_shape)}")  # fmt: skip
        self.make_weights(self.kernel_shape(inputs), self.kernel_shape(self.filters))

    def state_sizes(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """The sizes of one example's state for the inputs of a step."""
        channels = self.channels
        spatial = [d for i, d in enumerate(input_shape) if i not in (0, channels)]
        sizes: list[int | None] = [None if d is None else self._convolved(i, d) for i, d in enumerate(spatial)]
        sizes.insert(channels - 1, self.filters)
        return tuple(sizes)

    def _convolved(self, axis: int, size: int) -> int:
        reach = (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
        covered = size if self.padding == "same" else size - reach + 1
        return -(-covered // self.strides[axis])

    def from_inputs(self, x: Operand) -> Operand:
        """What the gates get from the inputs of one step, or of all of them [batch, time, ...]."""
        layout = _LAYOUTS[self.data_format]
        product = conv(x, self.kernel, self.strides, self.padding, self.dilation_rate, layout)
        if self.bias is None:
            return product
        trailing = (1,) * self.rank if self.data_format == "channels_first" else ()
        return add(product, reshape(lift(self.bias), (-1, *trailing)))

    def step(self, from_inputs: Operand, h: Operand, c: Operand) -> tuple[Operand, list[Operand]]:
        """Output and next states from what the gates get from the inputs, the dropped ``h`` and ``c``."""
        from_state = conv(h, self.recurrent_kernel, 1, "same", 1, _LAYOUTS[self.data_format])
        i, f, g, o = split(add(from_inputs, from_state), self.gates, self.channels)
        gate = self.recurrent_activation
        c = add(mul(gate(f), c), mul(gate(i), self.activation(g)))
        h = mul(gate(o), self.activation(c))
        return h, [h, c]

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> Any:
        x, h = self.dropped(inputs, states[0], training)
        return self.step(self.from_inputs(x), h, cast(lift(states[1]), self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["units"]
        return {
            **config,
            "rank": self.rank,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }


_LAYOUTS = {"channels_last": "NHWC", "channels_first": "NCHW"}


class _ConvLSTM(SingleCellRNN):
    """A convolutional LSTM over ``rank`` spatial axes. The inputs of all steps are convolved at once."""

    rank: ClassVar[int]
    filters = OfCell()
    kernel_size = OfCell()
    strides = OfCell()
    padding = OfCell()
    data_format = OfCell()
    dilation_rate = OfCell()
    recurrent_activation = OfCell()
    unit_forget_bias = OfCell()
    cell_options = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation",
        "recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer",
        "unit_forget_bias", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer",
        "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout", "seed",
    )  # fmt: skip

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
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
        **kwargs: Any,
    ) -> None:
        cell = ConvLSTMCell(
            self.rank, filters, kernel_size, strides, padding, data_format, dilation_rate, activation,
            recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed,
            **cell_arguments("conv_lstm_cell", kwargs),
        )  # fmt: skip
        how = {
            "return_sequences": return_sequences, "return_state": return_state, "go_backwards": go_backwards,
            "stateful": stateful,
        }  # fmt: skip
        super().__init__(cell, activity_regularizer, {**how, **kwargs})
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        batch = sequences_shape[1 if self.time_major else 0]
        self._state_sizes = self.cell.state_sizes((batch, *sequences_shape[2:]))
        super().build(sequences_shape)

    def get_initial_state(self, batch_size: Dim) -> list[Any]:
        if None in self._state_sizes:
            raise ArgumentError(f"{type(self).__name__} {self.name!r}: the size of the states follows from that of the "
                                f"images, which is open: {self._state_sizes}")  # fmt: skip
        return [zeros((batch_size, *self._state_sizes), self.compute_dtype) for _ in self.state_size]

    def _described_states(self) -> Any:
        return [None for _ in self.state_size]

    def process(self, x: Operand, states: Any, mask: Operand | None, training: Any) -> Result:
        cell, kind = self.cell, self.compute_dtype
        batch, _, *rest = shape_of(x)
        if training and (dropped := cell.masks.of_inputs((batch, *rest), kind)) is not None:
            x = mul(x, expand_dims(dropped, 1))
        from_inputs = cell.from_inputs(x)
        nothing = zeros(self._state_shape(from_inputs), kind)
        recurrent = cell.masks.of_state(shape_of(nothing), kind) if training else None

        def step(of_inputs: Operand, now: Any) -> tuple[Operand, list[Operand]]:
            found: tuple[Operand, list[Operand]] = cell.step(of_inputs, masked(now[0], recurrent), now[1])
            return found

        how = Walk(self.go_backwards, self.unroll, self.return_sequences, self.zero_output_for_mask)
        return walk(step, from_inputs, mask, [nothing, nothing] if states is None else states, nothing, how)

    def _state_shape(self, from_inputs: Operand) -> Shape:
        batch, _, *sizes = shape_of(from_inputs)
        sizes[self.cell.channels - 1] = self.filters
        return (batch, *sizes)


class ConvLSTM1D(_ConvLSTM):
    """A convolutional LSTM over sequences of rows [batch, time, steps, channels] (or channels before the steps).

    ``filters`` and ``kernel_size`` are those of the convolutions. The step: :class:`LSTMCell`; how sequences are gone
    over and what comes out: :class:`RNN`.
    """

    rank = 1


class ConvLSTM2D(_ConvLSTM):
    """A convolutional LSTM over sequences of images [batch, time, height, width, channels] (or channels first); as
    :class:`ConvLSTM1D`."""

    rank = 2


class ConvLSTM3D(_ConvLSTM):
    """A convolutional LSTM over sequences of volumes [batch, time, depth, height, width, channels] (or channels
    first); as :class:`ConvLSTM1D`."""

    rank = 3
