"""Separable convolutions: each channel by itself, then a mix of the channels at every position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras import constraints, initializers, regularizers
from graphc.keras.layers.arguments import integer, make_weight, weight_config
from graphc.keras.layers.convolutional.base import ConvolutionLayer
from graphc_ir.ops.conv import separable_conv
from graphc_ir.ops.elementwise import cast

__all__ = ["SeparableConv1D", "SeparableConv2D"]


class SeparableConv(ConvolutionLayer):
    """A depthwise convolution with ``[*kernel_size, channels, depth_multiplier]``, then one of window size 1 with
    ``[1..., channels * depth_multiplier, filters]``. Arguments besides: see :class:`ConvolutionLayer`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        name = type(self).__name__
        self.filters = integer(filters, f"{name}: filters", least=1)
        self.depth_multiplier = integer(depth_multiplier, f"{name}: depth_multiplier", least=1)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels, multiplier = self.known_channels(input_shape), self.depth_multiplier
        spread = (*self.kernel_size, channels, multiplier)
        mix = (*(1,) * self.rank, channels * multiplier, self.filters)
        self.depthwise_kernel = make_weight(self, "depthwise", spread, "depthwise_kernel")
        self.pointwise_kernel = make_weight(self, "pointwise", mix, "pointwise_kernel")
        self.make_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        convolved = separable_conv(
            cast(inputs, self.compute_dtype), self.depthwise_kernel, self.pointwise_kernel, self.strides,
            self.window_padding(), self.dilation_rate, self.data_format,
        )  # fmt: skip
        return self.activated(convolved)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            "filters": self.filters,
            **self.window_config(),
            **self.activation_config(),
            **weight_config(self, "depthwise", "pointwise", "bias"),
        }


class SeparableConv1D(SeparableConv):
    """Separable convolution over time: ``[batch, steps, channels]``. ``padding`` may also be ``"causal"``."""

    rank = 1
    paddings = ("valid", "same", "causal")


class SeparableConv2D(SeparableConv):
    """Separable convolution over images: ``[batch, height, width, channels]``."""

    rank = 2
