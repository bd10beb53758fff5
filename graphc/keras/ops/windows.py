"""``keras.ops.nn``: convolution, pooling, and other moves between positions and channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.config import standardize_data_format
from graphc.keras.engine.operation import operation
from graphc.keras.ops.promotion import convert, floats, promoted
from graphc_ir.dims import Dim, Shape
from graphc_ir.errors import ShapeError
from graphc_ir.ops import conv as ir
from graphc_ir.ops import pooling, rearrange
from graphc_ir.ops.base import Operand, dtype_of, rank_of, shape_of
from graphc_ir.ops.diagonal import eye
from graphc_ir.ops.movement import concat, reshape, slice_axis, transpose
from graphc_ir.ops.reduction import reduce_max, reduce_mean

__all__ = [
    "adaptive_average_pool", "adaptive_max_pool", "average_pool", "conv", "conv_transpose", "depth_to_space",
    "depthwise_conv", "fold", "max_pool", "separable_conv", "space_to_depth", "unfold",
]  # fmt: skip


# --- convolution -----------------------------------------------------------------------------------------------------


@operation("nn", "inputs kernel", settings="data_format")
def conv(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
         dilation_rate: Any = 1) -> Any:  # fmt: skip
    """Convolution of data (batch, spatial..., channels) with a kernel (spatial..., channels / groups, filters).

    ``padding``: "valid" or "same". ``data_format`` "channels_first" has the channels behind the batch.
    """
    x, w = promoted(inputs, kernel)
    return ir.conv(x, w, strides, padding, dilation_rate, standardize_data_format(data_format))


@operation("nn", "inputs kernel", settings="data_format")
def depthwise_conv(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
                   dilation_rate: Any = 1) -> Any:  # fmt: skip
    """Convolution of each channel by itself; the kernel is (spatial..., channels, multiplier)."""
    x, w = promoted(inputs, kernel)
    return ir.depthwise_conv(x, w, strides, padding, dilation_rate, standardize_data_format(data_format))


@operation("nn", "inputs depthwise_kernel pointwise_kernel", settings="data_format")
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """:func:`depthwise_conv`, then a convolution with the pointwise kernel (1..., channels * multiplier, filters)."""
    x, w, mixer = promoted(inputs, depthwise_kernel, pointwise_kernel)
    return ir.separable_conv(x, w, mixer, strides, padding, dilation_rate, standardize_data_format(data_format))


@operation("nn", "inputs kernel", settings="data_format")
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """The gradient of a convolution by its data; the kernel is (spatial..., filters, channels).

    ``output_padding`` says how much longer the result is than the shortest that fits, an int or one per axis.
    """
    x, w = promoted(inputs, kernel)
    layout = standardize_data_format(data_format)
    sizes = None if output_padding is None else _enlarged(x, w, strides, padding, output_padding, layout, dilation_rate)
    return ir.conv_transpose(x, w, sizes, strides, padding, dilation_rate, layout)


def _enlarged(x: Operand, w: Operand, strides: Any, padding: str, extra: Any, layout: str, dilations: Any) -> Shape:
    rank = rank_of(x) - 2
    have = shape_of(x)[1:-1] if layout == "channels_last" else shape_of(x)[2:]
    axes = zip(have, shape_of(w), _each(strides, rank), _each(dilations, rank), _each(extra, rank), strict=False)
    return tuple(_enlarged_size(*axis, padding) for axis in axes)


def _enlarged_size(size: Dim, width: Dim, stride: int, dilation: int, extra: int, padding: str) -> Dim:
    reach = (width - 1) * dilation + 1
    cropped = 0 if padding == "valid" else 2 * (reach // 2)
    return (size - 1) * stride + reach - cropped + extra


def _each(value: Any, rank: int) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value] * rank


# --- pooling ---------------------------------------------------------------------------------------------------------


@operation("nn", "inputs", settings="data_format")
def max_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
             data_format: str | None = None) -> Any:  # fmt: skip
    """The largest element of each window; strides are the window's sizes by default."""
    return pooling.max_pool(convert(inputs), pool_size, strides, padding, standardize_data_format(data_format))


@operation("nn", "inputs", settings="data_format")
def average_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
                 data_format: str | None = None) -> Any:  # fmt: skip
    """The mean of each window, padding not counted; strides are the window's sizes by default."""
    return pooling.avg_pool(convert(inputs), pool_size, strides, padding, standardize_data_format(data_format))


@operation("nn", "inputs", settings="data_format")
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """The largest element of each of ``output_size`` parts of every spatial axis. The sizes must be known."""
    return _adaptive(convert(inputs), output_size, standardize_data_format(data_format), reduce_max)


@operation("nn", "inputs", settings="data_format")
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """The mean of each of ``output_size`` parts of every spatial axis. The sizes must be known."""
    return _adaptive(convert(inputs), output_size, standardize_data_format(data_format), reduce_mean)


def _adaptive(x: Operand, output_size: Any, layout: str, reduce: Callable[..., Any]) -> Operand:
    rank = rank_of(x) - 2
    first = 1 if layout == "channels_last" else 2
    for axis, count in enumerate(_each(output_size, rank), start=first):
        size = shape_of(x)[axis]
        if not isinstance(size, int):
            raise ShapeError(f"adaptive pooling of {tuple(shape_of(x))} needs known spatial sizes, but that of axis "
                             f"{axis} is open; give it in the Input")  # fmt: skip
        bounds = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
        x = concat([reduce(slice_axis(x, axis, low, high), axis, True) for low, high in bounds], axis)
    return x


# --- blocks and channels ---------------------------------------------------------------------------------------------


def _channels_last(function: Callable[[Any], Any], x: Operand, data_format: str) -> Any:
    """A function of images with channels last, applied to those of either format."""
    if standardize_data_format(data_format) == "channels_last":
        return function(x)
    return transpose(function(transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))


@operation("nn")
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Blocks of ``block_size`` by ``block_size`` pixels as channels of one."""
    return _channels_last(lambda image: rearrange.space_to_depth(image, block_size), convert(x), data_format)


@operation("nn")
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Channels as blocks of ``block_size`` by ``block_size`` pixels."""
    return _channels_last(lambda image: rearrange.depth_to_space(image, block_size), convert(x), data_format)


def _pair(value: Any) -> tuple[int, int]:
    return (value[0], value[1]) if isinstance(value, (list, tuple)) else (value, value)


def _taps(kernel_size: Any, like: Operand) -> Operand:
    """Filters (height, width, 1, taps), of which each picks one pixel of a window."""
    height, width = _pair(kernel_size)
    return reshape(eye(height * width, dtype=dtype_of(like)), (height, width, 1, height * width))


@operation("nn")
def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The windows of images (batch, channels, height, width) as columns: (batch, channels * taps, positions).

    Each argument is an int or a pair for height and width. Raises ShapeError for another rank.
    """
    images = floats(x)
    if rank_of(images) != 4:
        raise ShapeError(f"unfold: got shape {tuple(shape_of(images))}, expected (batch, channels, height, width)")
    batch, channels, height, width = shape_of(images)
    planes = reshape(images, (batch * channels, height, width, 1))
    borders = [(amount, amount) for amount in _pair(padding)]
    taps = ir.conv(planes, _taps(kernel_size, images), _pair(stride), borders, _pair(dilation))
    _, down, across, count = shape_of(taps)
    return reshape(transpose(taps, (0, 3, 1, 2)), (batch, channels * count, down * across))


@operation("nn")
def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Images (batch, channels, *output_size) in which each column of :func:`unfold` is added back to its place.

    Raises ShapeError when there are not as many columns as positions.
    """
    columns = floats(x)
    batch, rows, count = shape_of(columns)
    filters = _taps(kernel_size, columns)
    taps = shape_of(filters)[-1]
    whole = [size + 2 * border for size, border in zip(_pair(output_size), _pair(padding), strict=True)]
    axes = zip(whole, _pair(kernel_size), _pair(dilation), _pair(stride), strict=True)
    down, across = ((size - (width - 1) * gap - 1) // step + 1 for size, width, gap, step in axes)
    if rows % taps or (isinstance(count, int) and count != down * across):
        raise ShapeError(f"fold: got columns of shape {tuple(shape_of(columns))}, expected (batch, channels * {taps}, "
                         f"{down * across}) for {down} x {across} positions")  # fmt: skip
    planes = transpose(reshape(columns, (batch * (rows // taps), taps, down, across)), (0, 2, 3, 1))
    images = ir.conv_transpose(planes, filters, whole, _pair(stride), "valid", _pair(dilation))
    for axis, (size, border) in enumerate(zip(_pair(output_size), _pair(padding), strict=True), start=1):
        images = slice_axis(images, axis, border, border + size)
    return reshape(images, (batch, rows // taps, *_pair(output_size)))
