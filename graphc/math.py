"""``tf.math``: element-wise functions, reductions, segments, sorting."""

from __future__ import annotations

import builtins
from typing import Any, NamedTuple

import numpy as np

from graphc.adapters import binary, reduction, segments, unary, unsorted_segments
from graphc.framework import get_static_value
from graphc_ir.dtypes import as_dtype, int64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import activation as _activation
from graphc_ir.ops import arithmetic as _arithmetic
from graphc_ir.ops import complex as _complex
from graphc_ir.ops import cumulative as _cumulative
from graphc_ir.ops import elementwise as _elementwise
from graphc_ir.ops import logical as _logical
from graphc_ir.ops import logsumexp as _logsumexp
from graphc_ir.ops import movement as _movement
from graphc_ir.ops import nn as _nn
from graphc_ir.ops import normalization as _normalization
from graphc_ir.ops import rearrange as _rearrange
from graphc_ir.ops import reduction as _reduction
from graphc_ir.ops import segment as _segment
from graphc_ir.ops import sorting as _sorting
from graphc_ir.ops import special as _special
from graphc_ir.ops import transcendental as _transcendental
from graphc_ir.ops.base import dtype_of, lift

add = binary(_elementwise.add)
subtract = binary(_elementwise.sub)
multiply = binary(_elementwise.mul)
truediv = divide = binary(_arithmetic.truediv)
floordiv = binary(_arithmetic.floordiv)
floormod = mod = binary(_arithmetic.floormod)
truncatediv = binary(_arithmetic.truncatediv)
truncatemod = binary(_arithmetic.truncatemod)
divide_no_nan = binary(_arithmetic.divide_no_nan)
multiply_no_nan = binary(_arithmetic.multiply_no_nan)
pow = binary(_arithmetic.pow)
maximum = binary(_elementwise.maximum)
minimum = binary(_elementwise.minimum)
squared_difference = binary(_arithmetic.squared_difference)
xdivy = binary(_arithmetic.xdivy)
xlogy = binary(_arithmetic.xlogy)
xlog1py = binary(_transcendental.xlog1py)
atan2 = binary(_transcendental.atan2)

abs = unary(_complex.abs)
negative = unary(_elementwise.neg)
sign = unary(_arithmetic.sign)
floor = unary(_arithmetic.floor)
ceil = unary(_arithmetic.ceil)
round = unary(_arithmetic.round)
rint = unary(_arithmetic.rint)
reciprocal = unary(_arithmetic.reciprocal)
sqrt = unary(_elementwise.sqrt)
rsqrt = unary(_arithmetic.rsqrt)
square = unary(_elementwise.square)
exp = unary(_elementwise.exp)
expm1 = unary(_transcendental.expm1)
log = unary(_elementwise.log)
log1p = unary(_transcendental.log1p)
sin = unary(_elementwise.sin)
cos = unary(_elementwise.cos)
tan = unary(_transcendental.tan)
asin = unary(_transcendental.asin)
acos = unary(_transcendental.acos)
atan = unary(_transcendental.atan)
sinh = unary(_transcendental.sinh)
cosh = unary(_transcendental.cosh)
tanh = unary(_elementwise.tanh)
asinh = unary(_transcendental.asinh)
acosh = unary(_transcendental.acosh)
atanh = unary(_transcendental.atanh)
erf = unary(_special.erf)
erfc = unary(_special.erfc)
erfinv = unary(_special.erfinv)
lgamma = unary(_special.lgamma)
digamma = unary(_special.digamma)
sigmoid = unary(_activation.sigmoid)
log_sigmoid = unary(_activation.log_sigmoid)
softplus = unary(_activation.softplus)
softsign = unary(_activation.softsign)
real = unary(_complex.real)
imag = unary(_complex.imag)
conj = unary(_elementwise.conj)
angle = unary(_complex.angle)
is_nan = unary(_logical.is_nan)
is_inf = unary(_logical.is_inf)
is_finite = unary(_logical.is_finite)
invert_permutation = unary(_rearrange.invert_permutation)

greater = binary(_elementwise.greater)
greater_equal = binary(_elementwise.greater_equal)
less = binary(_elementwise.less)
less_equal = binary(_elementwise.less_equal)
equal = binary(_elementwise.equal)
not_equal = binary(_elementwise.not_equal)
logical_and = binary(_logical.logical_and)
logical_or = binary(_logical.logical_or)
logical_xor = binary(_logical.logical_xor)
logical_not = unary(_logical.logical_not)

reduce_sum = reduction(_reduction.reduce_sum)
reduce_mean = reduction(_reduction.reduce_mean)
reduce_max = reduction(_reduction.reduce_max)
reduce_min = reduction(_reduction.reduce_min)
reduce_prod = reduction(_reduction.reduce_prod)
reduce_any = reduction(_reduction.reduce_any)
reduce_all = reduction(_reduction.reduce_all)
reduce_logsumexp = reduction(_logsumexp.reduce_logsumexp)
reduce_variance = reduction(_reduction.reduce_variance)
reduce_std = reduction(_reduction.reduce_std)
reduce_euclidean_norm = reduction(_reduction.reduce_euclidean_norm)

segment_sum = segments(_segment.segment_sum)
segment_mean = segments(_segment.segment_mean)
segment_max = segments(_segment.segment_max)
segment_min = segments(_segment.segment_min)
segment_prod = segments(_segment.segment_prod)
unsorted_segment_sum = unsorted_segments(_segment.unsorted_segment_sum)
unsorted_segment_mean = unsorted_segments(_segment.unsorted_segment_mean)
unsorted_segment_max = unsorted_segments(_segment.unsorted_segment_max)
unsorted_segment_min = unsorted_segments(_segment.unsorted_segment_min)
unsorted_segment_prod = unsorted_segments(_segment.unsorted_segment_prod)
unsorted_segment_sqrt_n = unsorted_segments(_segment.unsorted_segment_sqrt_n)


def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of a list of tensors of one shape."""
    return _arithmetic.add_n(inputs)


accumulate_n = add_n


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """``scalar * x``."""
    return _elementwise.mul(scalar, x)


def argmax(input: Any, axis: Any = None, output_type: Any = int64, name: str | None = None) -> Any:
    """The index of the largest element along ``axis`` (default 0); of the first one at a tie."""
    return _reduction.argmax(input, 0 if axis is None else axis, as_dtype(output_type))


def argmin(input: Any, axis: Any = None, output_type: Any = int64, name: str | None = None) -> Any:
    """The index of the smallest element along ``axis`` (default 0); of the first one at a tie."""
    return _reduction.argmin(input, 0 if axis is None else axis, as_dtype(output_type))


class TopK(NamedTuple):
    """What :func:`top_k` finds."""

    values: Any
    indices: Any


def top_k(input: Any, k: int = 1, sorted: bool = True, index_type: Any = "int32", name: str | None = None) -> TopK:
    """The ``k`` largest elements of the last axis, largest first, as ``values``, and their ``indices``."""
    return TopK(*_sorting.top_k(input, k, as_dtype(index_type)))


def approx_top_k(
    input: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    is_max_k: bool = True,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> Any:
    """The ``k`` largest elements (without ``is_max_k`` the smallest) along an axis and their indices, all exact."""
    operand = _rearrange.moveaxis(lift(input), reduction_dimension, -1)
    values, places = _sorting.top_k(operand if is_max_k else _elementwise.neg(operand), k)
    values = values if is_max_k else _elementwise.neg(values)
    return tuple(_rearrange.moveaxis(part, -1, reduction_dimension) for part in (values, places))


def histogram_fixed_width_bins(values: Any, value_range: Any, nbins: int = 100, dtype: Any = "int32",
                               name: str | None = None) -> Any:  # fmt: skip
    """The number of the interval of each value, of ``nbins`` equal ones over ``value_range``; those outside count to
    the first and the last."""
    operand = lift(values)
    low, high = (_elementwise.cast(end, dtype_of(operand)) for end in (value_range[0], value_range[1]))
    share = _elementwise.div(_elementwise.sub(operand, low), _elementwise.sub(high, low))
    place = _arithmetic.floor(_elementwise.mul(share, nbins))
    return _elementwise.cast(_arithmetic.clip_by_value(place, 0, nbins - 1), as_dtype(dtype))


def histogram_fixed_width(values: Any, value_range: Any, nbins: int = 100, dtype: Any = "int32",
                          name: str | None = None) -> Any:  # fmt: skip
    """How many values lie in each of ``nbins`` equal intervals over ``value_range``; those outside count to the first
    and the last."""
    places = _movement.reshape(histogram_fixed_width_bins(values, value_range, nbins), [-1])
    ones = _elementwise.cast(_elementwise.greater_equal(places, 0), as_dtype(dtype))
    return _segment.unsorted_segment_sum(ones, places, nbins)


def in_top_k(targets: Any, predictions: Any, k: int, name: str | None = None) -> Any:
    """Whether the target class is among the ``k`` best predictions of each row."""
    return _nn.in_top_k(targets, predictions, k)


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """The running sum along an axis."""
    return _cumulative.cumsum(x, axis, exclusive, reverse)


def cumprod(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """The running product along an axis."""
    return _cumulative.cumprod(x, axis, exclusive, reverse)


def cumulative_logsumexp(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False,
                         name: str | None = None) -> Any:  # fmt: skip
    """The running ``log(sum(exp(x)))`` along an axis."""
    return _logsumexp.cumulative_logsumexp(x, axis, exclusive, reverse)


def count_nonzero(
    input: Any, axis: Any = None, keepdims: bool = False, dtype: Any = int64, name: str | None = None
) -> Any:
    """How many elements are not zero, as ``dtype``."""
    return _reduction.count_nonzero(input, axis, keepdims, as_dtype(dtype))


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The share of zeros, float32."""
    return _reduction.zero_fraction(value)


def softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Any:
    """``exp(x) / sum(exp(x))`` along an axis (default: the last)."""
    return _nn.softmax(logits, -1 if axis is None else axis)


def log_softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Any:
    """The logarithm of softmax, computed stably."""
    return _nn.log_softmax(logits, -1 if axis is None else axis)


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Any:
    """``x / sqrt(max(sum(x**2), epsilon))`` over the axes."""
    return _normalization.l2_normalize(x, axis, epsilon)


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Any:
    """The polynomial with these coefficients, highest power first, at ``x`` (Horner's scheme)."""
    if not coeffs:
        return _elementwise.mul(lift(x), 0)
    result = lift(coeffs[0], dtype_of(lift(x)))
    for coefficient in coeffs[1:]:
        result = _elementwise.add(_elementwise.mul(result, x), coefficient)
    return result


def bincount(arr: Any, weights: Any = None, minlength: int | None = None, maxlength: int | None = None,
             dtype: Any = "int32", name: str | None = None, axis: int | None = None,
             binary_output: bool = False) -> Any:  # fmt: skip
    """How often each of 0, 1, 2... occurs. Inside a traced function ``maxlength`` must be given."""
    if axis is not None or binary_output:
        raise ArgumentError("bincount supports axis=None and binary_output=False; count rows one by one with tf.map_fn")
    return _segment.bincount(arr, weights, minlength, maxlength, as_dtype(dtype))


def confusion_matrix(labels: Any, predictions: Any, num_classes: int | None = None, weights: Any = None,
                     dtype: Any = "int32", name: str | None = None) -> Any:  # fmt: skip
    """Counts of (label, prediction) pairs: ``[num_classes, num_classes]``, labels in rows."""
    if num_classes is None:
        known = [get_static_value(lift(values)) for values in (labels, predictions)]
        if any(values is None for values in known):
            raise ArgumentError("confusion_matrix needs num_classes inside a traced function: its result's shape must "
                                "be known")  # fmt: skip
        num_classes = builtins.max(int(np.max(values)) for values in known) + 1
    return _segment.confusion_matrix(labels, predictions, num_classes, weights, as_dtype(dtype))


def reciprocal_no_nan(x: Any, name: str | None = None) -> Any:
    """``1 / x``, and 0 where ``x`` is 0."""
    return _arithmetic.divide_no_nan(1, x)


def is_non_decreasing(x: Any, name: str | None = None) -> Any:
    """Whether the flattened elements never get smaller."""
    return _ordered(x, _elementwise.less_equal)


def is_strictly_increasing(x: Any, name: str | None = None) -> Any:
    """Whether each flattened element is larger than the one before."""
    return _ordered(x, _elementwise.less)


def _ordered(x: Any, relation: Any) -> Any:
    flat = _movement.reshape(x, [-1])
    return _reduction.reduce_all(relation(flat[:-1], flat[1:]), None, False)
