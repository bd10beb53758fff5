"""``tf.nn``: activations, losses, convolutions, pooling, normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.adapters import unary
from graphc.math import (
    in_top_k,
    l2_normalize,
    log_softmax,
    sigmoid,
    softmax,
    softplus,
    softsign,
    tanh,
    top_k,
    zero_fraction,
)
from graphc.nn_windows import (
    depthwise_conv2d_backprop_filter,
    depthwise_conv2d_backprop_input,
    dilation2d,
    erosion2d,
    max_pool_with_argmax,
)
from graphc.random import dropout
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import activation as _activation
from graphc_ir.ops import arithmetic as _arithmetic
from graphc_ir.ops import conv as _conv
from graphc_ir.ops import elementwise as _elementwise
from graphc_ir.ops import gather as _gather
from graphc_ir.ops import movement as _movement
from graphc_ir.ops import nn as _nn
from graphc_ir.ops import normalization as _normalization
from graphc_ir.ops import pooling as _pooling
from graphc_ir.ops import rearrange as _rearrange
from graphc_ir.ops import reduction as _reduction
from graphc_ir.ops.base import lift, normalize_axes, rank_of
from graphc_ir.ops.special import lgamma as _lgamma

__all__ = [
    "atrous_conv2d", "atrous_conv2d_transpose", "avg_pool", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "batch_norm_with_global_normalization", "batch_normalization", "bias_add", "compute_average_loss", "conv1d",
    "conv1d_transpose", "conv2d", "conv2d_transpose", "conv3d", "conv3d_transpose", "conv_transpose", "convolution",
    "crelu", "depth_to_space", "depthwise_conv2d", "depthwise_conv2d_backprop_filter",
    "depthwise_conv2d_backprop_input", "dilation2d", "dropout", "elu", "embedding_lookup", "erosion2d", "gelu",
    "in_top_k", "l2_loss", "l2_normalize", "leaky_relu", "local_response_normalization", "log_poisson_loss",
    "log_softmax", "lrn", "max_pool", "max_pool1d", "max_pool2d", "max_pool3d", "max_pool_with_argmax", "moments",
    "normalize_moments", "pool", "relu", "relu6", "selu", "separable_conv2d", "sigmoid",
    "sigmoid_cross_entropy_with_logits", "silu", "softmax", "softmax_cross_entropy_with_logits", "softplus",
    "softsign", "space_to_batch", "space_to_depth", "sparse_softmax_cross_entropy_with_logits",
    "sufficient_statistics", "swish", "tanh", "top_k", "weighted_cross_entropy_with_logits", "weighted_moments",
    "zero_fraction",
]  # fmt: skip

relu = unary(_elementwise.relu)
relu6 = unary(_activation.relu6)
selu = unary(_activation.selu)
l2_loss = unary(_nn.l2_loss)


def elu(features: Any, name: str | None = None) -> Any:
    """``exp(x) - 1`` below 0, ``x`` above."""
    return _activation.elu(features)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """``alpha * x`` below 0, ``x`` above."""
    return _activation.leaky_relu(features, alpha)


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """The Gaussian error linear unit; with ``approximate``, its tanh form."""
    return _activation.gelu(features, approximate)


def silu(features: Any, beta: float = 1.0) -> Any:
    """``x * sigmoid(beta * x)``."""
    return _activation.silu(features, beta)


swish = silu


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Any:
    """relu of ``x`` and of ``-x``, concatenated."""
    return _nn.crelu(features, axis)


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """Adds a vector along the channel axis."""
    return _nn.bias_add(value, bias, data_format)


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Any:
    """Cross entropy of label distributions and softmax(logits), per example."""
    return _nn.softmax_cross_entropy_with_logits(labels, logits, axis)


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Any:
    """Cross entropy of integer class labels and softmax(logits), per example."""
    return _nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Any:
    """Cross entropy of probabilities ``labels`` and sigmoid(logits), element by element, computed stably."""
    return _nn.sigmoid_cross_entropy_with_logits(labels, logits)


def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any, name: str | None = None) -> Any:
    """Sigmoid cross entropy whose positive part weighs ``pos_weight``."""
    return _nn.weighted_cross_entropy_with_logits(labels, logits, pos_weight)


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Any:
    """``exp(log_input) - log_input * targets``; with ``compute_full_loss``, plus ``log(targets!)``."""
    loss = _elementwise.sub(_elementwise.exp(log_input), _elementwise.mul(log_input, targets))
    return _elementwise.add(loss, _lgamma(_elementwise.add(targets, 1))) if compute_full_loss else loss


def compute_average_loss(per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None) -> Any:
    """The (weighted) sum of losses divided by the batch size."""
    losses = lift(per_example_loss)
    weighted = losses if sample_weight is None else _elementwise.mul(losses, sample_weight)
    if global_batch_size is None:
        return _reduction.reduce_mean(weighted)
    return _elementwise.div(_reduction.reduce_sum(weighted), global_batch_size)


def moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Mean and variance over the axes."""
    return _normalization.moments(x, axes, keepdims)


def weighted_moments(x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: str | None = None) -> Any:
    """Mean and variance over the axes, each element counted ``frequency_weights`` times."""
    weights = _elementwise.add(frequency_weights, _elementwise.mul(x, 0))
    total = _reduction.reduce_sum(weights, axes, True)
    mean = _elementwise.div(_reduction.reduce_sum(_elementwise.mul(weights, x), axes, True), total)
    spread = _elementwise.mul(weights, _arithmetic.squared_difference(x, mean))
    variance = _elementwise.div(_reduction.reduce_sum(spread, axes, True), total)
    if keepdims:
        return mean, variance
    return _reduction.reduce_sum(mean, axes), _reduction.reduce_sum(variance, axes)


def batch_normalization(x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float,
                        name: str | None = None) -> Any:  # fmt: skip
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset``."""
    inverse = _arithmetic.rsqrt(_elementwise.add(lift(variance), variance_epsilon))
    factor = inverse if scale is None else _elementwise.mul(inverse, scale)
    result = _elementwise.mul(_elementwise.sub(x, mean), factor)
    return result if offset is None else _elementwise.add(result, offset)


def batch_norm_with_global_normalization(input: Any, mean: Any, variance: Any, beta: Any, gamma: Any,
                                         variance_epsilon: float, scale_after_normalization: bool,
                                         name: str | None = None) -> Any:  # fmt: skip
    """The older spelling of batch normalisation."""
    scale = gamma if scale_after_normalization else None
    return batch_normalization(input, mean, variance, beta, scale, variance_epsilon)


def sufficient_statistics(x: Any, axes: Any, shift: Any = None, keepdims: bool = False,
                          name: str | None = None) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """The count, the sum and the sum of squares over the axes, both of ``x - shift``; and the shift."""
    moved = lift(x) if shift is None else _elementwise.sub(x, shift)
    count = _reduction.element_count(moved, normalize_axes(axes, rank_of(moved)), moved.dtype)
    sums = _reduction.reduce_sum(moved, axes, keepdims)
    return count, sums, _reduction.reduce_sum(_elementwise.square(moved), axes, keepdims), shift


def normalize_moments(counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None) -> Any:
    """Mean and variance of what :func:`sufficient_statistics` gave."""
    moved = _elementwise.div(mean_ss, counts)
    variance = _elementwise.sub(_elementwise.div(variance_ss, counts), _elementwise.square(moved))
    return moved if shift is None else _elementwise.add(moved, shift), variance


def local_response_normalization(input: Any, depth_radius: int = 5, bias: float = 1, alpha: float = 1,
                                 beta: float = 0.5, name: str | None = None) -> Any:  # fmt: skip
    """Divides by ``(bias + alpha * sum of squares of neighbouring channels) ** beta``."""
    return _normalization.local_response_normalization(input, depth_radius, bias, alpha, beta)


lrn = local_response_normalization


def embedding_lookup(params: Any, ids: Any, max_norm: float | None = None, name: str | None = None) -> Any:
    """Rows of ``params`` by number; with ``max_norm``, rows longer than that are scaled down to it."""
    rows = _gather.gather(params, ids, 0)
    if max_norm is None:
        return rows
    axes = list(range(rank_of(lift(ids)), rank_of(rows)))
    length = _elementwise.sqrt(_reduction.reduce_sum(_elementwise.square(rows), axes, True))
    return _elementwise.mul(rows, _elementwise.div(max_norm, _elementwise.maximum(length, max_norm)))


def _channels_last(function: Callable[[Any], Any], x: Any, data_format: str) -> Any:
    """Applies a function that wants NHWC to data of either format."""
    if data_format == "NHWC":
        return function(x)
    if data_format != "NCHW":
        raise ArgumentError(f"data_format must be 'NHWC' or 'NCHW', got {data_format!r}")
    return _movement.transpose(function(_movement.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))


def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Moves blocks of channels into height and width."""
    return _channels_last(lambda x: _rearrange.depth_to_space(x, block_size), input, data_format)


def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Moves blocks of height and width into channels."""
    return _channels_last(lambda x: _rearrange.space_to_depth(x, block_size), input, data_format)


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """Pads and moves blocks of the spatial axes into the batch."""
    return _rearrange.space_to_batch(input, block_shape, paddings)


def convolution(input: Any, filters: Any, strides: Any = None, padding: Any = "VALID", data_format: str | None = None,
                dilations: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """N-D convolution; filters ``[*spatial, in_channels / groups, out_channels]``."""
    return _conv.conv(input, filters, _or_one(strides), padding, _or_one(dilations), data_format)


def _or_one(value: Any) -> Any:
    return 1 if value is None else value


def conv1d(input: Any, filters: Any, stride: Any, padding: Any, data_format: str = "NWC", dilations: Any = None,
           name: str | None = None) -> Any:  # fmt: skip
    """1-D convolution of ``[batch, width, channels]``."""
    return _conv.conv(input, filters, stride, padding, _or_one(dilations), data_format)


def conv2d(input: Any, filters: Any, strides: Any, padding: Any, data_format: str = "NHWC", dilations: Any = None,
           name: str | None = None) -> Any:  # fmt: skip
    """2-D convolution of ``[batch, height, width, channels]``."""
    return _conv.conv(input, filters, strides, padding, _or_one(dilations), data_format)


def conv3d(input: Any, filters: Any, strides: Any, padding: Any, data_format: str = "NDHWC", dilations: Any = None,
           name: str | None = None) -> Any:  # fmt: skip
    """3-D convolution of ``[batch, depth, height, width, channels]``."""
    return _conv.conv(input, filters, strides, padding, _or_one(dilations), data_format)


def conv_transpose(input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME",
                   data_format: str | None = None, dilations: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The gradient of convolution by its input; filters ``[*spatial, out_channels, in_channels]``."""
    return _conv.conv_transpose(input, filters, output_shape, strides, padding, _or_one(dilations), data_format)


conv1d_transpose = conv2d_transpose = conv3d_transpose = conv_transpose


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: Any, name: str | None = None) -> Any:
    """2-D convolution with holes: filters reach ``rate`` times as far."""
    return _conv.conv(value, filters, 1, padding, rate, "NHWC")


def atrous_conv2d_transpose(value: Any, filters: Any, output_shape: Any, rate: int, padding: Any,
                            name: str | None = None) -> Any:  # fmt: skip
    """The gradient of :func:`atrous_conv2d` by its input."""
    return _conv.conv_transpose(value, filters, output_shape, 1, padding, rate, "NHWC")


def depthwise_conv2d(input: Any, filter: Any, strides: Any, padding: Any, data_format: str | None = None,
                     dilations: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """Convolves each channel by itself; filter ``[height, width, channels, multiplier]``."""
    return _conv.depthwise_conv(input, filter, strides, padding, _or_one(dilations), data_format)


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """A depthwise convolution followed by a 1x1 convolution."""
    return _conv.separable_conv(
        input, depthwise_filter, pointwise_filter, strides, padding, _or_one(dilations), data_format
    )


def max_pool(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None,
             name: str | None = None) -> Any:  # fmt: skip
    """The maximum over sliding windows."""
    return _pooling.max_pool(input, ksize, strides, padding, data_format)


def avg_pool(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None,
             name: str | None = None) -> Any:  # fmt: skip
    """The mean over sliding windows; padding does not count."""
    return _pooling.avg_pool(input, ksize, strides, padding, data_format)


max_pool1d = max_pool2d = max_pool3d = max_pool
avg_pool1d = avg_pool2d = avg_pool3d = avg_pool


def pool(input: Any, window_shape: Any, pooling_type: str, strides: Any = None, padding: str = "VALID",
         data_format: str | None = None, dilations: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """``pooling_type`` "MAX" or "AVG" over sliding windows; strides default to 1."""
    if pooling_type.upper() not in ("MAX", "AVG"):
        raise ArgumentError(f"pooling_type must be 'MAX' or 'AVG', got {pooling_type!r}")
    return _pooling.pool(input, window_shape, pooling_type, _or_one(strides), padding, data_format, _or_one(dilations))
