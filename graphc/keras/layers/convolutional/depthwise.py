"""Depthwise convolutions: filters of its own for each channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras import constraints, initializers, regularizers
from graphc.keras.layers.arguments import integer, make_weight, weight_config
from graphc.keras.layers.convolutional.base import ConvolutionLayer
from graphc_ir.ops.conv import depthwise_conv
from graphc_ir.ops.elementwise import cast

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D"]


class DepthwiseConv(ConvolutionLayer):
    """Convolves every channel with ``depth_multiplier`` filters of its own; the results stand side by side.

    The kernel is ``[*kernel_size, channels, depth_multiplier]``, the result has ``channels * depth_multiplier``
    channels. Arguments besides: see :class:`ConvolutionLayer`.
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = integer(depth_multiplier, f"{type(self).__name__}: depth_multiplier", least=1)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self.known_channels(input_shape)
        self.kernel = make_weight(self, "depthwise", (*self.kernel_size, channels, self.depth_multiplier), "kernel")
        self.make_bias(channels * self.depth_multiplier)

    def call(self, inputs: Any) -> Any:
        convolved = depthwise_conv(
            cast(inputs, self.compute_dtype), self.kernel, self.strides, self.window_padding(), self.dilation_rate,
            self.data_format,
        )  # fmt: skip
        return self.activated(convolved)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            **self.window_config(),
            **self.activation_config(),
            **weight_config(self, "depthwise", "bias"),
        }


class DepthwiseConv1D(DepthwiseConv):
    """Depthwise convolution over time: ``[batch, steps, channels]``. ``padding`` may also be ``"causal"``."""

    rank = 1
    paddings = ("valid", "same", "causal")


class DepthwiseConv2D(DepthwiseConv):
    """Depthwise convolution over images: ``[batch, height, width, channels]``."""

    rank = 2
