"""Functions of ``tf.keras.backend`` that compute what layers compute: convolution, pooling, padding, recurrence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras import ops
from graphc.keras.config import standardize_data_format
from graphc.keras.layers.rnn.loop import Walk, swap_time, walk
from graphc.nn import bias_add as add_along_channels
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import lift, rank_of
from graphc_ir.ops.conv import conv_transpose
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.movement import reverse

__all__ = [
    "batch_normalization", "bias_add", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "depthwise_conv2d", "pool2d",
    "pool3d", "resize_images", "rnn", "separable_conv2d", "spatial_2d_padding", "spatial_3d_padding",
    "temporal_padding",
]  # fmt: skip


def batch_normalization(x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1,
                        epsilon: float = 1e-3) -> Any:  # fmt: skip
    """``(x - mean) / sqrt(var + epsilon) * gamma + beta``."""
    return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """Adds a vector along the channels."""
    layout = "NHWC" if standardize_data_format(data_format) == "channels_last" else "NCHW"
    return add_along_channels(x, bias, layout)


def conv1d(x: Any, kernel: Any, strides: int = 1, padding: str = "valid", data_format: str | None = None,
           dilation_rate: int = 1) -> Any:  # fmt: skip
    """Convolution over time; ``padding`` may be "causal": then no step sees later ones."""
    if padding != "causal":
        return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)
    before = ((kernel.shape[0] - 1) * dilation_rate, 0)
    is_last = standardize_data_format(data_format) == "channels_last"
    widths = [(0, 0), before, (0, 0)] if is_last else [(0, 0), (0, 0), before]
    return ops.conv(ops.pad(x, widths), kernel, strides, "valid", data_format, dilation_rate)


def conv2d(x: Any, kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
           dilation_rate: Any = (1, 1)) -> Any:  # fmt: skip
    """Convolution over images."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(x: Any, kernel: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
           dilation_rate: Any = (1, 1, 1)) -> Any:  # fmt: skip
    """Convolution over volumes."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def depthwise_conv2d(x: Any, depthwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid",
                     data_format: str | None = None, dilation_rate: Any = (1, 1)) -> Any:  # fmt: skip
    """Convolution of each channel by itself."""
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """:func:`depthwise_conv2d`, then a convolution of single pixels."""
    kernels = depthwise_kernel, pointwise_kernel
    return ops.separable_conv(x, *kernels, strides, padding, data_format, dilation_rate)


def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """The gradient of a convolution by its images, which have ``output_shape``."""
    return conv_transpose(
        lift(x), kernel, output_shape, strides, padding, dilation_rate, standardize_data_format(data_format)
    )


def _pool(x: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None, pool_mode: str) -> Any:
    if pool_mode not in ("max", "avg"):
        raise ArgumentError(f"got pool_mode={pool_mode!r}, expected 'max' or 'avg'")
    pool = ops.max_pool if pool_mode == "max" else ops.average_pool
    return pool(x, pool_size, strides, padding, data_format)


def pool2d(x: Any, pool_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
           pool_mode: str = "max") -> Any:  # fmt: skip
    """The largest element ("max") or the mean ("avg") of each window of images."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(x: Any, pool_size: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
           pool_mode: str = "max") -> Any:  # fmt: skip
    """The largest element ("max") or the mean ("avg") of each window of volumes."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode)


def _padded(x: Any, padding: Sequence[Any], data_format: str | None) -> Any:
    inner = [tuple(pair) for pair in padding]
    is_last = standardize_data_format(data_format) == "channels_last"
    return ops.pad(x, [(0, 0), *inner, (0, 0)] if is_last else [(0, 0), (0, 0), *inner])


def temporal_padding(x: Any, padding: Any = (1, 1)) -> Any:
    """Zeros before and after the steps of (batch, steps, features)."""
    return ops.pad(x, [(0, 0), tuple(padding), (0, 0)])


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Zeros around images."""
    return _padded(x, padding, data_format)


def spatial_3d_padding(x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Zeros around volumes."""
    return _padded(x, padding, data_format)


def resize_images(x: Any, height_factor: int, width_factor: int, data_format: str,
                  interpolation: str = "nearest") -> Any:  # fmt: skip
    """Images enlarged by whole factors."""
    is_last = standardize_data_format(data_format) == "channels_last"
    height, width = x.shape[1:3] if is_last else x.shape[2:4]
    size = (height * height_factor, width * width_factor)
    return ops.image.resize(x, size, interpolation, data_format=data_format)


def rnn(
    step_function: Any,
    inputs: Any,
    initial_states: Any,
    go_backwards: bool = False,
    mask: Any = None,
    constants: Any = None,
    unroll: bool = False,
    input_length: Any = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> tuple[Any, Any, list[Any]]:
    """Runs ``output, states = step_function(input, states)`` over the steps of (batch, steps, ...).

    Returns the last output, the outputs (batch, steps, ...; backwards in the order in which they were computed), and
    the last states. ``constants`` are passed to each step behind the states. ``mask`` (batch, steps) False leaves the
    states alone and repeats the output before (0 if ``zero_output_for_mask``). ``time_major``: the steps come first.
    """
    x = lift(inputs)
    x = swap_time(x) if time_major else x
    steps = None if mask is None else ops.cast(mask, "bool")
    fixed = list(constants or ())

    def step(element: Any, states: Any) -> tuple[Any, list[Any]]:
        output, following = step_function(element, [*states, *fixed])
        return output, list(following)

    states = [lift(state) for state in initial_states]
    nothing = None if steps is None else zeros_like(step(x[:, 0], states)[0])
    how = Walk(go_backwards, unroll, True, zero_output_for_mask)
    found = walk(step, x, steps, states, nothing, how)
    outputs = reverse(found.output, 1) if go_backwards else found.output
    last = outputs[:, -1]
    kept = outputs if return_all_outputs else outputs[:, -1:]
    return last, swap_time(kept) if time_major and rank_of(kept) > 1 else kept, found.states
