"""Transposed convolutions: the gradient of a convolution by its data, used to make data larger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras import constraints, initializers, regularizers
from graphc.keras.layers.arguments import axis_sizes, integer, make_weight, weight_config
from graphc.keras.layers.convolutional.base import ConvolutionLayer
from graphc_ir.dims import Dim, Shape
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, shape_of
from graphc_ir.ops.conv import conv_transpose
from graphc_ir.ops.elementwise import cast

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]


class ConvTranspose(ConvolutionLayer):
    """``activation(transposed convolution(inputs, kernel) + bias)`` with ``filters`` result channels.

    The kernel is ``[*kernel_size, filters, channels]``. Sizes grow to ``size * stride`` with ``padding="same"``, to
    ``size * stride + max(kernel_size - stride, 0)`` with ``"valid"``. ``output_padding`` (less than the stride), if
    given, says how much is added to the smallest size that the stride allows. Arguments besides: see
    :class:`ConvolutionLayer`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
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
        self.filters = integer(filters, f"{type(self).__name__}: filters", least=1)
        self.output_padding = None if output_padding is None else self._checked_output_padding(output_padding)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def _checked_output_padding(self, output_padding: Any) -> tuple[int, ...]:
        name = type(self).__name__
        found = axis_sizes(output_padding, self.rank, f"{name}: output_padding", least=0)
        if any(extra >= stride for extra, stride in zip(found, self.strides, strict=True)):
            raise ArgumentError(f"{name}: output_padding {found} must be less than strides {self.strides} on every "
                                "axis")  # fmt: skip
        return found

    def build(self, input_shape: Any) -> None:
        channels = self.known_channels(input_shape)
        self.kernel = make_weight(self, "kernel", (*self.kernel_size, self.filters, channels))
        self.make_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        data = cast(inputs, self.compute_dtype)
        enlarged = conv_transpose(
            data, self.kernel, self._output_sizes(data), self.strides, self.padding, self.dilation_rate,
            self.data_format,
        )  # fmt: skip
        return self.activated(enlarged)

    def _output_sizes(self, data: Operand) -> Shape | None:
        """The spatial sizes that ``output_padding`` asks for; None leaves them to the op."""
        if self.output_padding is None:
            return None
        shape = shape_of(data)
        spatial = shape[1:-1] if self.data_format == "channels_last" else shape[2:]
        return tuple(self._output_size(axis, size, self.output_padding[axis]) for axis, size in enumerate(spatial))

    def _output_size(self, axis: int, size: Dim, extra: int) -> Dim:
        reach = (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
        cropped = 0 if self.padding == "valid" else 2 * (reach // 2)
        return (size - 1) * self.strides[axis] + reach - cropped + extra

    def get_config(self) -> dict[str, Any]:
        window = self.window_config()
        return {
            **super().get_config(),
            "filters": self.filters,
            **{key: window[key] for key in ("kernel_size", "strides", "padding")},
            "output_padding": self.output_padding,
            **{key: window[key] for key in ("data_format", "dilation_rate")},
            **self.activation_config(),
            **weight_config(self, "kernel", "bias"),
        }


class Conv1DTranspose(ConvTranspose):
    """Transposed convolution over time: ``[batch, steps, channels]`` to ``[batch, more steps, filters]``."""

    rank = 1


class Conv2DTranspose(ConvTranspose):
    """Transposed convolution over images: ``[batch, height, width, channels]`` to larger images of ``filters``
    channels."""

    rank = 2


class Conv3DTranspose(ConvTranspose):
    """Transposed convolution over volumes: ``[batch, depth, height, width, channels]`` to larger ones."""

    rank = 3
