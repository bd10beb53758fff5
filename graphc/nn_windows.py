"""Less frequent functions of ``tf.nn`` over windows: morphology, places of maxima, gradients of convolutions."""

from __future__ import annotations

import itertools
from typing import Any

from graphc.tape import GradientTape
from graphc_ir.dtypes import as_dtype, float64, int64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import conv, pooling
from graphc_ir.ops.base import Operand, bind, dtype_of, lift, shape_of
from graphc_ir.ops.creation import iota, zeros
from graphc_ir.ops.elementwise import add, cast, maximum, mul, neg
from graphc_ir.ops.indexing import getitem
from graphc_ir.ops.movement import pad_with, reshape, reverse
from graphc_ir.ops.shape import size_operand

__all__ = [
    "depthwise_conv2d_backprop_filter", "depthwise_conv2d_backprop_input", "dilation2d", "erosion2d",
    "max_pool_with_argmax",
]  # fmt: skip


# --- morphology ------------------------------------------------------------------------------------------------------


def dilation2d(input: Any, filters: Any, strides: Any, padding: str, data_format: str, dilations: Any,
               name: str | None = None) -> Any:  # fmt: skip
    """The largest ``input + filter`` in each window of ``[batch, height, width, channels]``; filters ``[height, width,
    channels]``. Strides and dilations have four entries, the first and last of them 1.

    Raises ArgumentError for another data format than NHWC.
    """
    if data_format != "NHWC":
        raise ArgumentError(f"dilation2d: got data_format={data_format!r}, expected 'NHWC'")
    x, f = lift(input), lift(filters)
    steps, holes = tuple(strides[1:3]), tuple(dilations[1:3])
    height, width = shape_of(f)[:2]
    window = (int(height), int(width))
    low, high = conv.paddings_of(padding, shape_of(x)[1:3], window, steps, holes, "NHWC")
    padded = pad_with(x, (0, *low, 0), (0, *high, 0), float(dtype_of(x).min))
    rows, columns = (
        (size - (taps - 1) * hole - 1) // step + 1
        for size, taps, hole, step in zip(shape_of(padded)[1:3], window, holes, steps, strict=True)
    )
    parts = [
        add(_every(padded, (i * holes[0], j * holes[1]), (rows, columns), steps), getitem(f, (i, j)))
        for i, j in itertools.product(range(window[0]), range(window[1]))
    ]
    found = parts[0]
    for part in parts[1:]:
        found = maximum(found, part)
    return found


def _every(x: Operand, start: tuple[int, int], count: Any, step: tuple[int, ...]) -> Operand:
    """``count`` rows and columns from ``start``, ``step`` apart."""
    cuts = [slice(s, s + (n - 1) * d + 1, d) for s, n, d in zip(start, count, step, strict=True)]
    return getitem(x, (slice(None), *cuts))


def erosion2d(value: Any, filters: Any, strides: Any, padding: str, data_format: str, dilations: Any,
              name: str | None = None) -> Any:  # fmt: skip
    """The smallest ``value - filter`` in each window, the filter turned by half: the dual of :func:`dilation2d`."""
    turned = reverse(filters, (0, 1))
    return neg(dilation2d(neg(value), turned, strides, padding, data_format, dilations))


# --- maxima ----------------------------------------------------------------------------------------------------------


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    output_dtype: Any = int64,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The maximum of each window of ``[batch, height, width, channels]``, and where it is: ``(row * width + column) *
    channels + channel``, to which ``include_batch_in_index`` adds the places of the images before.

    Raises ArgumentError for another data format than NHWC.
    """
    if data_format != "NHWC":
        raise ArgumentError(f"max_pool_with_argmax: got data_format={data_format!r}, expected 'NHWC'")
    x = lift(input)
    pooled = pooling.max_pool(x, ksize, strides, padding, data_format)
    places = add(zeros(shape_of(x), int64), _places(x, include_batch_in_index))
    spatial = shape_of(x)[1:-1]
    sizes = conv.per_axis(ksize, 2, "NHWC", "ksize")
    window = conv.window_of(spatial, sizes, strides, padding, 1, "NHWC")
    # Float64 holds data and places of any practical size exactly.
    operands = (cast(t, float64) for t in (x, pooled, places))
    picked = bind(pooling.MaxPoolPick(*window, sizes), *operands)
    return pooled, cast(picked, as_dtype(output_dtype))


def _places(x: Operand, with_batch: bool) -> Operand:
    """The number of each element, counted in its image or in the batch."""
    batch, height, width, channels = shape_of(x)
    columns = add(mul(_along(width, 2), size_operand(channels, int64)), _along(channels, 3))
    places = add(mul(_along(height, 1), size_operand(width * channels, int64)), columns)
    return add(mul(_along(batch, 0), size_operand(height * width * channels, int64)), places) if with_batch else places


def _along(size: Any, axis: int) -> Operand:
    return reshape(iota(size, int64), tuple(-1 if i == axis else 1 for i in range(4)))


# --- gradients of depthwise convolutions -----------------------------------------------------------------------------


def _gradient(variable: Operand, other: Any, is_data: bool, out_backprop: Any, options: tuple[Any, ...]) -> Any:
    """The gradient by one of data and filter; convolution is linear in both, so any value of it will do."""
    with GradientTape() as tape:
        tape.watch(variable)
        x, w = (variable, other) if is_data else (other, variable)
        y = conv.depthwise_conv(x, w, *options)
    return tape.gradient(y, variable, lift(out_backprop, dtype_of(variable)))


def depthwise_conv2d_backprop_input(input_sizes: Any, filter: Any, out_backprop: Any, strides: Any, padding: Any,
                                    data_format: str = "NHWC", dilations: Any = 1,
                                    name: str | None = None) -> Any:  # fmt: skip
    """The gradient of ``depthwise_conv2d`` by its input, which has ``input_sizes``."""
    w = lift(filter)
    options = (strides, padding, dilations, data_format)
    return _gradient(zeros(input_sizes, dtype_of(w)), w, True, out_backprop, options)


def depthwise_conv2d_backprop_filter(input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any,
                                     data_format: str = "NHWC", dilations: Any = 1,
                                     name: str | None = None) -> Any:  # fmt: skip
    """The gradient of ``depthwise_conv2d`` by its filter, which has ``filter_sizes``."""
    x = lift(input)
    options = (strides, padding, dilations, data_format)
    return _gradient(zeros(filter_sizes, dtype_of(x)), x, False, out_backprop, options)
