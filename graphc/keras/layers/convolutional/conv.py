"""Convolutions whose filters see all channels, or those of their group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras import constraints, initializers, regularizers
from graphc.keras.layers.arguments import integer, make_weight, weight_config
from graphc.keras.layers.convolutional.base import ConvolutionLayer
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.conv import conv
from graphc_ir.ops.elementwise import cast

__all__ = ["Conv1D", "Conv2D", "Conv3D"]


class Conv(ConvolutionLayer):
    """``activation(convolution(inputs, kernel) + bias)`` with ``filters`` result channels.

    The kernel is ``[*kernel_size, channels / groups, filters]``. ``groups`` divides the channels and the filters into
    so many convolutions side by side. Arguments besides: see :class:`ConvolutionLayer`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        name = type(self).__name__
        self.filters = integer(filters, f"{name}: filters", least=1)
        self.groups = integer(groups, f"{name}: groups", least=1)
        if self.filters % self.groups:
            raise ArgumentError(f"{name}: {filters} filters do not divide into {groups} groups; make filters a "
                                "multiple of groups")  # fmt: skip
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self.known_channels(input_shape)
        if channels % self.groups:
            raise ArgumentError(f"{type(self).__name__} {self.name!r}: {channels} channels of inputs of shape "
                                f"{tuple(input_shape)} do not divide into {self.groups} groups")  # fmt: skip
        self.kernel = make_weight(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self.make_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        convolved = conv(
            cast(inputs, self.compute_dtype), self.kernel, self.strides, self.window_padding(), self.dilation_rate,
            self.data_format, self.groups,
        )  # fmt: skip
        return self.activated(convolved)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            **self.window_config(),
            "groups": self.groups,
            **self.activation_config(),
            **weight_config(self, "kernel", "bias"),
        }


class Conv1D(Conv):
    """Convolution over time: ``[batch, steps, channels]`` to ``[batch, new steps, filters]``.

    ``padding`` may also be ``"causal"``: step ``t`` of the result then sees no step after ``t``.
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class Conv2D(Conv):
    """Convolution over images: ``[batch, height, width, channels]`` to ``[batch, new height, new width, filters]``."""

    rank = 2


class Conv3D(Conv):
    """Convolution over volumes: ``[batch, depth, height, width, channels]`` to as many axes, with ``filters``
    channels."""

    rank = 3
