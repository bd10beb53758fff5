"""Normalisation: moments, batch, layer, group and RMS normalisation, local response normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Shape
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import pow as power
from graphc_ir.ops.arithmetic import rsqrt
from graphc_ir.ops.base import (
    Array,
    Op,
    Operand,
    bind,
    dtype_of,
    lift,
    normalize_axes,
    normalize_axis,
    rank_of,
    shape_of,
)
from graphc_ir.ops.constant import constant
from graphc_ir.ops.elementwise import add, check_kind, div, maximum, mul, neg, square, sub
from graphc_ir.ops.linalg import matmul, matrix_product
from graphc_ir.ops.movement import reshape, squeeze
from graphc_ir.ops.reduction import element_count, reduce_mean, reduce_sum, reduced_shape
from graphc_ir.types import TensorType


class BatchNorm(Op):
    """(x - mean) / sqrt(variance + epsilon) * scale + offset with given statistics, vectors along ``axis``.

    Operands: x, scale, offset, mean, variance.
    """

    axis: int
    epsilon: float

    def infer(self, x: TensorType, *vectors: TensorType) -> TensorType:
        check_kind(self, "f", x, *vectors)
        if not 0 <= self.axis < x.rank:
            raise ShapeError(f"{self.name} along axis {self.axis} got {x}; expected rank {self.axis + 1} or more")
        for vector in vectors:
            _require_vector(self.name, vector, x, self.axis)
        return x

    def kernel(self, x: Array, scale: Array, offset: Array, mean: Array, variance: Array) -> Any:
        factor = scale / np.sqrt(variance + x.dtype.type(self.epsilon))
        shape = vector_shape(x.shape, self.axis)
        y = x * factor.reshape(shape)
        y += (offset - mean * factor).reshape(shape)
        return y

    def vjp(
        self,
        g: Operand,
        y: Operand,
        x: Operand,
        scale: Operand,
        offset: Operand,
        mean: Operand,
        variance: Operand,
    ) -> Any:
        shape = vector_shape(shape_of(x), self.axis)
        rest = [i for i in range(rank_of(x)) if i != self.axis]
        deviation = rsqrt(add(variance, self.epsilon))
        factor = mul(scale, deviation)
        total = reduce_sum(g, rest)
        # d/d(scale * deviation): shared by the scale and the variance.
        slope = sub(reduce_sum(mul(g, x), rest), mul(total, mean))
        return (
            lambda: mul(g, reshape(factor, shape)),
            lambda: mul(slope, deviation),
            total,
            lambda: neg(mul(total, factor)),
            lambda: mul(mul(slope, scale), mul(power(deviation, 3), -0.5)),
        )

    def decompose(self, x: Operand, scale: Operand, offset: Operand, mean: Operand, variance: Operand) -> Operand:
        shape = vector_shape(shape_of(x), self.axis)
        factor = mul(scale, rsqrt(add(variance, self.epsilon)))
        return add(mul(x, reshape(factor, shape)), reshape(sub(offset, mul(mean, factor)), shape))


def vector_shape(shape: Shape, axis: int) -> Shape:
    """A vector along ``axis`` shaped to broadcast against ``shape``."""
    return tuple(d if i == axis else 1 for i, d in enumerate(shape))


def _require_vector(name: str, vector: TensorType, x: TensorType, axis: int) -> None:
    try:
        if vector.rank != 1:
            raise ValueError(f"rank {vector.rank}, expected 1")
        dims.require_equal(vector.shape[0], x.shape[axis], f"size along axis {axis}")
    except ValueError as error:
        raise ShapeError(f"{name}: {vector} is no vector along axis {axis} of {x}: {error}") from error


class Standardize(Op):
    """(x - mean) / sqrt(variance + epsilon) with x's own statistics over ``axes``: (result, mean, variance).

    Mean and (biased) variance keep the reduced axes with size 1.
    """

    axes: tuple[int, ...]
    epsilon: float

    @property
    def num_results(self) -> int:
        return 3

    def infer(self, x: TensorType) -> tuple[TensorType, TensorType, TensorType]:
        check_kind(self, "f", x)
        if self.axes and self.axes[-1] >= x.rank:
            raise ShapeError(f"{self.name} over axes {self.axes} got {x}; expected rank {self.axes[-1] + 1} or more")
        statistic = x.with_shape(reduced_shape(x.shape, self.axes, True))
        return x, statistic, statistic

    def kernel(self, x: Array) -> Any:
        mean = np.mean(x, axis=self.axes, keepdims=True)
        y = x - mean
        variance = np.mean(np.square(y), axis=self.axes, keepdims=True)
        y /= np.sqrt(variance + x.dtype.type(self.epsilon))
        return y, mean, variance

    def vjp(self, g: tuple[Operand, ...], y: tuple[Operand, ...], x: Operand) -> Any:
        result, mean, variance = y
        g_result, g_mean, g_variance = g
        through = self._through_result(g_result, result, variance)
        count = element_count(x, self.axes, dtype_of(x))
        spread = div(add(g_mean, mul(mul(g_variance, 2), sub(x, mean))), count)
        return add(through, spread)

    def _through_result(self, g: Operand, result: Operand, variance: Operand) -> Operand:
        slope = reduce_mean(mul(g, result), self.axes, keepdims=True)
        centred = sub(sub(g, reduce_mean(g, self.axes, keepdims=True)), mul(result, slope))
        return mul(centred, rsqrt(add(variance, self.epsilon)))

    def decompose(self, x: Operand) -> tuple[Operand, Operand, Operand]:
        mean = reduce_mean(x, self.axes, keepdims=True)
        centred = sub(x, mean)
        variance = reduce_mean(square(centred), self.axes, keepdims=True)
        return mul(centred, rsqrt(add(variance, self.epsilon))), mean, variance


class _LastAxes(Op, abstract=True):
    """Normalises over the axes from ``axis`` on; the parameters have the shape of those axes."""

    axis: int
    epsilon: float

    def infer(self, x: TensorType, *parameters: TensorType) -> TensorType:
        check_kind(self, "f", x, *parameters)
        if not 0 <= self.axis < x.rank:
            raise ShapeError(f"{self.name} from axis {self.axis} on got {x}; expected rank {self.axis + 1} or more")
        for parameter in parameters:
            self._require_fit(parameter, x)
        return x

    def _require_fit(self, parameter: TensorType, x: TensorType) -> None:
        want = x.shape[self.axis :]
        try:
            if parameter.rank != len(want):
                raise ValueError(f"rank {parameter.rank}, expected {len(want)}")
            for a, b in zip(parameter.shape, want, strict=True):
                dims.require_equal(a, b, "sizes")
        except ValueError as error:
            raise ShapeError(f"{self.name}: parameter {parameter} must have the shape of the axes from "
                             f"{self.axis} on of "
                             f"{x}: {error}") from error  # fmt: skip

    def axes(self, x: Operand) -> tuple[int, ...]:
        return tuple(range(self.axis, rank_of(x)))


class LayerNorm(_LastAxes):
    """Standardises over the axes from ``axis`` on, then times scale plus offset: (x, scale, offset)."""

    def kernel(self, x: Array, scale: Array, offset: Array) -> Any:
        axes = tuple(range(self.axis, x.ndim))
        y = x - np.mean(x, axis=axes, keepdims=True)
        variance = np.mean(np.square(y), axis=axes, keepdims=True)
        y /= np.sqrt(variance + x.dtype.type(self.epsilon))
        y *= scale
        y += offset
        return y

    def vjp(self, g: Operand, y: Operand, x: Operand, scale: Operand, offset: Operand) -> Any:
        standard = Standardize(self.axes(x), self.epsilon)
        result, _, variance = bind(standard, x)
        return (
            lambda: standard._through_result(mul(g, scale), result, variance),
            lambda: mul(g, result),
            g,
        )

    def decompose(self, x: Operand, scale: Operand, offset: Operand) -> Operand:
        result, _, _ = Standardize(self.axes(x), self.epsilon).decompose(x)
        return add(mul(result, scale), offset)


class RmsNorm(_LastAxes):
    """x / sqrt(mean(x ** 2) + epsilon) over the axes from ``axis`` on, times scale: (x, scale)."""

    def kernel(self, x: Array, scale: Array) -> Any:
        mean = np.mean(np.square(x), axis=tuple(range(self.axis, x.ndim)), keepdims=True)
        y = x / np.sqrt(mean + x.dtype.type(self.epsilon))
        y *= scale
        return y

    def vjp(self, g: Operand, y: Operand, x: Operand, scale: Operand) -> Any:
        factor = self._factor(x)
        result, inner = mul(x, factor), mul(g, scale)
        slope = reduce_mean(mul(inner, result), self.axes(x), keepdims=True)
        return (lambda: mul(sub(inner, mul(result, slope)), factor)), (lambda: mul(g, result))

    def _factor(self, x: Operand) -> Operand:
        return rsqrt(add(reduce_mean(square(x), self.axes(x), keepdims=True), self.epsilon))

    def decompose(self, x: Operand, scale: Operand) -> Operand:
        return mul(mul(x, self._factor(x)), scale)


class LocalResponseNorm(Op):
    """x / (bias + alpha * s) ** beta, where s sums the squares of the ``depth_radius`` channels (last axis)
    on each side and of the channel itself."""

    depth_radius: int
    bias: float
    alpha: float
    beta: float

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, "f", x)
        if not x.rank or not isinstance(x.shape[-1], int):
            raise ShapeError(f"{self.name} needs a known number of channels on the last axis, got {x}")
        return x

    def kernel(self, x: Array) -> Any:
        base = matrix_product(np.square(x), self.band(x.shape[-1]).astype(x.dtype))
        base *= x.dtype.type(self.alpha)
        base += x.dtype.type(self.bias)
        return x / np.power(base, x.dtype.type(self.beta), out=base)

    def band(self, channels: int) -> Array:
        """1 where two channels are at most ``depth_radius`` apart."""
        at = np.arange(channels)
        return np.asarray(np.abs(at[:, None] - at) <= self.depth_radius, np.float64)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        base, band = self._base(x)
        direct = mul(g, power(base, -self.beta))
        around = _times(mul(mul(direct, x), power(base, -1.0)), band)
        return sub(direct, mul(mul(x, around), 2 * self.alpha * self.beta))

    def _base(self, x: Operand) -> tuple[Operand, Operand]:
        band = constant(self.band(int(shape_of(x)[-1])), dtype_of(x))
        return add(mul(_times(square(x), band), self.alpha), self.bias), band

    def decompose(self, x: Operand) -> Operand:
        return div(x, power(self._base(x)[0], self.beta))


def _times(x: Operand, matrix: Operand) -> Operand:
    """The last axis times a matrix, for any rank."""
    return matmul(x, matrix) if rank_of(x) > 1 else reshape(matmul(reshape(x, (1, -1)), matrix), shape_of(x))


# --- public functions ---------------------------------------------------------------------------------------


def moments(x: Any, axes: Any, keepdims: bool = False) -> tuple[Operand, Operand]:
    """Mean and (biased) variance over ``axes``."""
    value = lift(x)
    which = normalize_axes(axes, rank_of(value))
    mean = reduce_mean(value, which, keepdims=True)
    variance = reduce_mean(square(sub(value, mean)), which, keepdims=keepdims)
    return (mean if keepdims or not which else squeeze(mean, which)), variance


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float, axis: int = -1
) -> Operand:
    """(x - mean) / sqrt(variance + variance_epsilon) * scale + offset. ``offset`` and ``scale`` may be None.

    The statistics are vectors along ``axis``, or tensors that broadcast against x.
    """
    value = lift(x)
    kind, place = dtype_of(value), normalize_axis(axis, rank_of(value))
    centre, spread = lift(mean, kind), lift(variance, kind)
    given = [lift(p, kind) for p in (offset, scale) if p is not None]
    if any(rank_of(p) != 1 for p in (centre, spread, *given)):
        return _broadcast_batch_norm(value, centre, spread, offset, scale, variance_epsilon)
    shape = shape_of(centre)
    factor = lift(np.ones(shape, kind.np) if scale is None else scale, kind)
    shift = lift(np.zeros(shape, kind.np) if offset is None else offset, kind)
    return bind(BatchNorm(place, float(variance_epsilon)), value, factor, shift, centre, spread)


def _broadcast_batch_norm(
    x: Operand, mean: Operand, variance: Operand, offset: Any, scale: Any, epsilon: float
) -> Operand:
    factor = rsqrt(add(variance, epsilon))
    factor = factor if scale is None else mul(factor, scale)
    result = mul(sub(x, mean), factor)
    return result if offset is None else add(result, offset)


def batch_norm_training(
    x: Any, scale: Any, offset: Any, axis: int = -1, epsilon: float = 1e-3
) -> tuple[Operand, Operand, Operand]:
    """Batch normalisation with the batch's own statistics: (result, mean, variance), the statistics as
    vectors.

    ``scale`` and ``offset`` are vectors along ``axis`` or None. The variance is biased (divided by the
    count).
    """
    value = lift(x)
    place = normalize_axis(axis, rank_of(value))
    rest = tuple(i for i in range(rank_of(value)) if i != place)
    result, mean, variance = standardize(value, rest, epsilon)
    shape = vector_shape(shape_of(value), place)
    if scale is not None:
        result = mul(result, reshape(lift(scale, dtype_of(value)), shape))
    if offset is not None:
        result = add(result, reshape(lift(offset, dtype_of(value)), shape))
    vector = (shape_of(value)[place],)
    return result, reshape(mean, vector), reshape(variance, vector)


def standardize(x: Any, axes: Any, epsilon: float) -> tuple[Operand, Operand, Operand]:
    """(x - mean) / sqrt(variance + epsilon), and mean and variance over ``axes`` (kept with size 1)."""
    value = lift(x)
    result: tuple[Operand, Operand, Operand] = bind(
        Standardize(normalize_axes(axes, rank_of(value)), float(epsilon)), value
    )
    return result


def layer_norm(x: Any, scale: Any, offset: Any, axis: int = -1, epsilon: float = 1e-3) -> Operand:
    """Layer normalisation over the axes from ``axis`` to the last; scale and offset have the shape of those
    axes."""
    value = lift(x)
    kind = dtype_of(value)
    op = LayerNorm(normalize_axis(axis, rank_of(value)), float(epsilon))
    return bind(op, value, lift(scale, kind), lift(offset, kind))


def rms_norm(x: Any, scale: Any, axis: int = -1, epsilon: float = 1e-6) -> Operand:
    """RMS normalisation over the axes from ``axis`` to the last; the scale has the shape of those axes."""
    value = lift(x)
    return bind(RmsNorm(normalize_axis(axis, rank_of(value)), float(epsilon)), value, lift(scale, dtype_of(value)))


def group_norm(x: Any, groups: int, scale: Any, offset: Any, axis: int = -1, epsilon: float = 1e-3) -> Operand:
    """Standardises each of ``groups`` runs of channels together with all other axes but the first (batch).

    Raises ArgumentError when the channels do not divide into groups.
    """
    value = lift(x)
    shape = shape_of(value)
    place = normalize_axis(axis, len(shape))
    channels = shape[place]
    if not isinstance(channels, int) or groups < 1 or channels % groups:
        raise ArgumentError(f"group_norm: {channels} channels do not divide into {groups} groups")
    split = (*shape[:place], groups, channels // groups, *shape[place + 1 :])
    axes = [i for i in range(1, len(split)) if i != place]
    result = reshape(standardize(reshape(value, split), axes, epsilon)[0], shape)
    vector = vector_shape(shape, place)
    return add(
        mul(result, reshape(lift(scale, dtype_of(value)), vector)),
        reshape(lift(offset, dtype_of(value)), vector),
    )


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12) -> Operand:
    """x / sqrt(max(sum(x ** 2), epsilon)), the sum over ``axis`` (None: all axes)."""
    value = lift(x)
    total = reduce_sum(square(value), axis, keepdims=True)
    return mul(value, rsqrt(maximum(total, epsilon)))


def local_response_normalization(
    x: Any, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5
) -> Operand:
    """Divides by a power of neighbouring channels' squares (last axis); see :class:`LocalResponseNorm`."""
    return bind(LocalResponseNorm(int(depth_radius), float(bias), float(alpha), float(beta)), lift(x))
