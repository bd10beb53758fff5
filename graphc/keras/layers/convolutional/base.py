"""What all convolutions share: the window, the bias and the activation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from graphc.keras import activations, constraints, initializers, regularizers
from graphc.keras.config import standardize_data_format
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import axis_sizes, channel_axis, make_weight, one_of
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add
from graphc_ir.ops.movement import reshape

__all__ = ["ConvolutionLayer"]


class ConvolutionLayer(Layer):
    """Base of convolutions over ``rank`` spatial axes of ``[batch, spatial..., channels]`` (channels first with
    ``data_format="channels_first"``).

    ``kernel_size``, ``strides`` and ``dilation_rate``: an int, or one per spatial axis. ``padding``: ``"valid"`` or
    ``"same"``.
    """

    rank: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int],
        padding: str,
        data_format: str | None,
        dilation_rate: int | Sequence[int],
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        name = type(self).__name__
        self.kernel_size = axis_sizes(kernel_size, self.rank, f"{name}: kernel_size")
        self.strides = axis_sizes(strides, self.rank, f"{name}: strides")
        self.padding = one_of(padding, self.paddings, f"{name}: padding")
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = axis_sizes(dilation_rate, self.rank, f"{name}: dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError(f"{name}: strides {self.strides} and dilation_rate {self.dilation_rate} cannot both be "
                                "above 1; set one of them to 1")  # fmt: skip
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Any = None
        self.input_spec = InputSpec(min_ndim=self.rank + 2)

    def known_channels(self, input_shape: Sequence[int | None]) -> int:
        """The channels of the inputs, from now on demanded of all. Raises ShapeError when their number is open."""
        axis = channel_axis(self.data_format, self.rank)
        axis = -1 if axis == self.rank + 1 else axis
        channels = input_shape[axis]
        if channels is None:
            raise ShapeError(f"{type(self).__name__} {self.name!r} needs a known number of channels, but axis {axis} "
                             f"of the input shape {tuple(input_shape)} is None; give it in the Input")  # fmt: skip
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={axis: channels})
        return channels

    def make_bias(self, size: int) -> None:
        if self.use_bias:
            self.bias = make_weight(self, "bias", (size,))

    def activated(self, outputs: Operand) -> Any:
        """With the bias added and the activation applied."""
        if self.bias is not None:
            outputs = add(outputs, self._bias_along_channels())
        return self.activation(outputs)

    def _bias_along_channels(self) -> Any:
        if self.data_format == "channels_last":
            return self.bias
        return reshape(self.bias, (-1, *(1,) * self.rank))

    def window_padding(self) -> Any:
        """The padding as the ops want it: causal padding is all in front."""
        if self.padding != "causal":
            return self.padding
        return [((size - 1) * rate, 0) for size, rate in zip(self.kernel_size, self.dilation_rate, strict=True)]

    def window_config(self) -> dict[str, Any]:
        return {
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }

    def activation_config(self) -> dict[str, Any]:
        return {"activation": activations.serialize(self.activation), "use_bias": self.use_bias}
