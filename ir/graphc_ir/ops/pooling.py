"""Pooling over windows, and its gradients. Layouts as in :mod:`graphc_ir.ops.conv`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from graphc_ir.dims import Shape
from graphc_ir.dtypes import DType
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import conv_kernels as kernels
from graphc_ir.ops.base import Array, NotDifferentiable, Operand, bind, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.constant import constant
from graphc_ir.ops.conv import (
    ConvInputGrad,
    Windowed,
    layout_of,
    move_channels_first,
    move_channels_last,
    per_axis,
    shape_text,
    to_first,
    to_last,
    window_of,
    window_taps,
)
from graphc_ir.ops.elementwise import REAL, add, cast, check_kind, div, equal, mul, sub
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import broadcast_to, concat, pad_with, reshape, slice_axis
from graphc_ir.types import TensorType

_WIDEN_LIMIT: Final = 32  # row lengths up to which widening rows by a matrix product is cheaper than broadcasting


class Pooling(Windowed, abstract=True):
    """``window`` gives the window's size per spatial axis."""

    window: tuple[int, ...]

    def pooled(self, x: TensorType) -> TensorType:
        self.check_rank(x)
        spatial = self.output_spatial(self.spatial(x.shape), self.window)
        return x.with_shape(self.data_shape(x.shape[0], spatial, self.channels(x.shape)))

    def check_pooled(self, x: TensorType, *others: TensorType) -> None:
        """Raises unless all ``others`` have the type of the pooled data."""
        want = self.pooled(x)
        check_kind(self, REAL, x, *others)
        for other in others:
            self.check_rank(other)
            self.require_shape("an operand", other.shape, want.shape)

    def parts(self) -> Any:
        return self.strides, self.pad_low, self.pad_high, self.dilations, self.layout, self.window

    @property
    def tiles(self) -> bool:
        """Whether the windows lie side by side: no overlap, no gaps, no padding."""
        return not self.is_padded and all(d == 1 for d in self.dilations) and self.strides == self.window

    def in_last(self, function: Any, *arrays: Array) -> Any:
        """Runs a channels-last kernel on arrays of this layout."""
        if self.layout == "NHWC":
            return function(*arrays)
        return to_first(function(*map(to_last, arrays)))


def lowest(dtype: np.dtype[Any]) -> Any:
    """What loses against every number."""
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


class MaxPool(Pooling):
    """The largest element of each window; padding never wins."""

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, REAL, x)
        return self.pooled(x)

    def kernel(self, x: Array) -> Any:
        return self.in_last(self._kernel, x)

    def _kernel(self, x: Array) -> Array:
        geometry = self.geometry()
        sizes = geometry.output_sizes(x.shape[1:-1], self.window)
        padded = kernels.pad_array(x, geometry, lowest(x.dtype))
        first, *others = kernels.tap_positions(self.window)
        y = padded[kernels.tap_slice(first, geometry, sizes)].copy()
        for tap in others:
            np.maximum(y, padded[kernels.tap_slice(tap, geometry, sizes)], out=y)
        return y

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return bind(MaxPoolGrad(*self.parts()), x, y, g)


_OF_PLACE: Final = NotDifferentiable("the place of a maximum is piecewise constant")


class _AtMaximum(Pooling, abstract=True):
    """Shared by the two linear maps that a max pooling defines: both look at the first maximum of each
    window."""

    def kernel(self, x: Array, y: Array, third: Array) -> Any:
        return self.in_last(self._kernel, x, y, third)

    def _kernel(self, x: Array, y: Array, third: Array) -> Array:
        raise NotImplementedError

    def chosen(self, padded: Array, y: Array) -> Iterator[tuple[tuple[slice, ...], Array]]:
        """Per window position the padded elements it meets, and where they are the first maximum."""
        geometry, taken = self.geometry(), np.zeros(y.shape, np.bool_)
        for tap in kernels.tap_positions(self.window):
            where = kernels.tap_slice(tap, geometry, y.shape[1:-1])
            hit = padded[where] == y
            hit &= ~taken
            taken |= hit
            yield where, hit

    def tap_masks(self, x: Operand, y: Operand, like: Operand) -> list[Operand]:
        """Per window position 1 where it holds the first maximum, else 0, with the dtype of ``like``."""
        fill = lowest(dtype_of(x).np) if self.is_padded else 0
        left, masks = None, []
        for tap in window_taps(self, x, self.window, fill):
            hit = cast(equal(tap, y), dtype_of(like))
            mask = hit if left is None else mul(hit, left)
            left = sub(1, mask) if left is None else sub(left, mask)
            masks.append(mask)
        return masks


class MaxPoolGrad(_AtMaximum):
    """The cotangent of MaxPool's data: (data, pooled, cotangent) -> data. Each window gives to its first
    maximum."""

    def infer(self, x: TensorType, y: TensorType, g: TensorType) -> TensorType:
        self.check_pooled(x, y, g)
        return x

    def _kernel(self, x: Array, y: Array, third: Array) -> Array:
        geometry = self.geometry()
        padded = kernels.pad_array(x, geometry, lowest(x.dtype))
        result = np.zeros(padded.shape, third.dtype)
        for where, hit in self.chosen(padded, y):
            if self.tiles:
                np.multiply(third, hit, out=result[where])
            else:
                result[where] += third * hit
        return result[geometry.interior(x.shape[1:-1])]

    def vjp(self, g: Operand, r: Operand, x: Operand, y: Operand, dy: Operand) -> Any:
        return _OF_PLACE, _OF_PLACE, bind(MaxPoolPick(*self.parts()), x, y, g)

    def decompose(self, x: Operand, y: Operand, g: Operand) -> Operand:
        if self.layout == "NHWC":
            moved = map(move_channels_first, (x, y, g))
            return move_channels_last(bind(dataclasses.replace(self, layout="NCHW"), *moved))
        if self.tiles:
            return _tiled_max_gradient(self, x, y, g)
        shares = [mul(mask, g) for mask in self.tap_masks(x, y, g)]
        return spread_taps(self, shares, self.spatial(shape_of(x)))


class MaxPoolPick(_AtMaximum):
    """Reads at the first maximum of each window: (data, pooled, values) -> pooled. The adjoint of
    MaxPoolGrad."""

    def infer(self, x: TensorType, y: TensorType, h: TensorType) -> TensorType:
        self.check_pooled(x, y)
        check_kind(self, REAL, x, h)
        self.require_shape("the values", h.shape, x.shape)
        return y

    def _kernel(self, x: Array, y: Array, third: Array) -> Array:
        geometry = self.geometry()
        padded = kernels.pad_array(x, geometry, lowest(x.dtype))
        values, result = kernels.pad_array(third, geometry), np.zeros(y.shape, third.dtype)
        for where, hit in self.chosen(padded, y):
            result += values[where] * hit
        return result

    def vjp(self, g: Operand, r: Operand, x: Operand, y: Operand, h: Operand) -> Any:
        return _OF_PLACE, _OF_PLACE, bind(MaxPoolGrad(*self.parts()), x, y, g)

    def decompose(self, x: Operand, y: Operand, h: Operand) -> Operand:
        values = window_taps(self, h, self.window)
        picked = [mul(mask, value) for mask, value in zip(self.tap_masks(x, y, h), values, strict=True)]
        return _sum(picked)


class AvgPool(Pooling):
    """The mean of each window. ``count_padding``: padding counts as zeros, else it is left out."""

    count_padding: bool

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, "f", x)
        return self.pooled(x)

    def kernel(self, x: Array) -> Any:
        return self.in_last(self._kernel, x)

    def _kernel(self, x: Array) -> Array:
        if x.dtype.itemsize < 4:
            return self._kernel(x.astype(np.float32)).astype(x.dtype)
        geometry = self.geometry()
        sizes = geometry.output_sizes(x.shape[1:-1], self.window)
        padded = kernels.pad_array(x, geometry)
        y = np.zeros((x.shape[0], *sizes, x.shape[-1]), x.dtype)
        for tap in kernels.tap_positions(self.window):
            y += padded[kernels.tap_slice(tap, geometry, sizes)]
        y /= self.counts(x.shape[1:-1], x.dtype)
        return y

    def counts(self, spatial: tuple[int, ...], dtype: Any) -> Any:
        """How many elements each window averages: one number, or (positions..., 1)."""
        if self.counts_evenly:
            return np.array(np.prod(self.window), dtype)
        geometry = self.geometry()
        sizes = geometry.output_sizes(spatial, self.window)
        ones = kernels.pad_array(np.ones((1, *spatial, 1), dtype), geometry)
        taps = [ones[kernels.tap_slice(t, geometry, sizes)] for t in kernels.tap_positions(self.window)]
        return np.sum(taps, axis=0, dtype=dtype)[0]

    @property
    def counts_evenly(self) -> bool:
        return self.count_padding or not self.is_padded

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return bind(AvgPoolGrad(*(*self.parts(), self.count_padding, self.spatial(shape_of(x)))), g)

    def decompose(self, x: Operand) -> Operand:
        taps = window_taps(self, x, self.window)
        return div(_sum(taps), window_counts(self, self.spatial(shape_of(x)), x))


class AvgPoolGrad(Pooling):
    """The cotangent of AvgPool's data, of spatial sizes ``spatial_sizes``: each window gives equal shares."""

    count_padding: bool
    spatial_sizes: Shape

    def forward(self) -> AvgPool:
        return AvgPool(*(*self.parts(), self.count_padding))

    def infer(self, g: TensorType) -> TensorType:
        check_kind(self, "f", g)
        self.check_rank(g)
        x = g.with_shape(self.data_shape(g.shape[0], self.spatial_sizes, self.channels(g.shape)))
        self.check_pooled(x, g)
        return x

    def kernel(self, g: Array) -> Any:
        return self.in_last(self._kernel, g)

    def _kernel(self, g: Array) -> Array:
        if g.dtype.itemsize < 4:
            return self._kernel(g.astype(np.float32)).astype(g.dtype)
        geometry = self.geometry()
        spatial: tuple[int, ...] = self.spatial_sizes  # type: ignore[assignment]
        share = g / self.forward().counts(spatial, g.dtype)
        result = np.zeros((g.shape[0], *geometry.padded_sizes(spatial), g.shape[-1]), g.dtype)
        for tap in kernels.tap_positions(self.window):
            result[kernels.tap_slice(tap, geometry, g.shape[1:-1])] += share
        return result[geometry.interior(spatial)]

    def vjp(self, g: Operand, y: Operand, dy: Operand) -> Any:
        return bind(self.forward(), g)

    def decompose(self, g: Operand) -> Operand:
        if self.layout == "NHWC":
            first = dataclasses.replace(self, layout="NCHW")
            return move_channels_last(bind(first, move_channels_first(g)))
        share = div(g, window_counts(self.forward(), self.spatial_sizes, g))
        if self.tiles:
            return _fill_tiles(self, share, self.spatial_sizes)
        return spread_taps(self, [share] * int(np.prod(self.window)), self.spatial_sizes)


# --- decompositions -----------------------------------------------------------------------------------------


def _sum(operands: list[Operand]) -> Operand:
    total = operands[0]
    for operand in operands[1:]:
        total = add(total, operand)
    return total


def window_counts(op: AvgPool, spatial: Shape, like: Operand) -> Operand:
    """How many elements each window of ``op`` averages, broadcastable against the pooled data."""
    kind = dtype_of(like)
    if not op.counts_evenly and not all(isinstance(n, int) for n in spatial):
        ones = broadcast_to(lift(1, kind), op.data_shape(1, spatial, 1))
        return _sum(window_taps(op, ones, op.window))
    counts = op.counts(spatial, kind.np)  # type: ignore[arg-type]
    return constant(counts if op.layout == "NHWC" or not np.ndim(counts) else np.moveaxis(counts, -1, 0), kind)


def spread_taps(op: Pooling, shares: list[Operand], spatial: Shape) -> Operand:
    """Adds one pooled-shaped share per window position (channels first) to the data elements that it came
    from.

    That is a transposed convolution whose filter for position ``k`` is 1 at ``k`` and 0 elsewhere.
    """
    batch, channels, *sizes = shape_of(shares[0])
    if not isinstance(channels, int):
        raise ShapeError(f"{op.name} needs a known number of channels to be written in simpler ops, got {channels}")
    count = len(shares)
    stacked = reshape(concat([reshape(s, (batch, channels, 1, *sizes)) for s in shares], 2),
                      (batch, channels * count, *sizes))  # fmt: skip
    one_hot = np.eye(count, dtype=dtype_of(shares[0]).np).reshape(count, 1, *op.window)
    filters = np.tile(one_hot, (channels, 1, *(1,) * len(op.window)))
    back = ConvInputGrad(op.strides, op.pad_low, op.pad_high, op.dilations, "NCHW", channels, spatial)
    return bind(back, stacked, constant(filters))


def _tiled_max_gradient(op: MaxPoolGrad, x: Operand, y: Operand, g: Operand) -> Operand:
    """For windows side by side: compare with the maximum spread over its window. Among equals the first one
    wins: hits are numbered downwards within a window and only the largest number stays."""
    spatial, kind = op.spatial(shape_of(x)), dtype_of(x)
    whole = _whole(op, op.spatial(shape_of(y)))
    cropped = _crop(x, whole)
    tiles = _Tiles(op, whole)
    order = np.arange(int(np.prod(op.window)), 0, -1).reshape(op.window)
    hits = mul(cast(equal(tiles.split(cropped), tiles.over(y)), kind), tiles.per_position(order, kind))
    best = bind(MaxPool(*op.parts()), reshape(hits, shape_of(cropped)))
    mask = cast(equal(hits, tiles.over(best)), dtype_of(g))
    return _uncrop(reshape(mul(mask, tiles.over(g)), shape_of(cropped)), whole, spatial)


def _fill_tiles(op: Pooling, share: Operand, spatial: Shape) -> Operand:
    whole = _whole(op, op.spatial(shape_of(share)))
    shape = (*shape_of(share)[:2], *whole)
    tiles = _Tiles(op, whole)
    filled = broadcast_to(tiles.over(share), tiles.shape(shape))
    return _uncrop(reshape(filled, shape), whole, spatial)


class _Tiles:
    """Channels-first data cut into windows that lie side by side, with the pooled data laid over them.

    Spatial axes become pairs (windows, position in the window). Short rows stay whole instead, and pooled
    rows are widened by an exact product with zeros and ones: runtimes broadcast long rows much faster than
    pairs.
    """

    def __init__(self, op: Pooling, whole: Shape) -> None:
        self.window, self.whole = op.window, whole
        self.pooled = tuple(n // w for n, w in zip(whole, op.window, strict=True))
        last = self.pooled[-1]
        self.widens = isinstance(last, int) and last <= _WIDEN_LIMIT

    def shape(self, shape: Shape) -> Shape:
        pairs = [d for n, w in zip(self.pooled, self.window, strict=True) for d in (n, w)]
        return (*shape[:2], *pairs[:-2], self.whole[-1]) if self.widens else (*shape[:2], *pairs)

    def split(self, x: Operand) -> Operand:
        return reshape(x, self.shape(shape_of(x)))

    def over(self, y: Operand) -> Operand:
        """Pooled data shaped to broadcast against :meth:`split`."""
        pairs = [d for n in self.pooled for d in (n, 1)]
        if not self.widens:
            return reshape(y, (*shape_of(y)[:2], *pairs))
        last: int = self.pooled[-1]  # type: ignore[assignment]
        widening = np.repeat(np.eye(last, dtype=dtype_of(y).np), self.window[-1], axis=1)
        return reshape(matmul(y, constant(widening)), (*shape_of(y)[:2], *pairs[:-2], self.whole[-1]))

    def per_position(self, values: Array, dtype: DType) -> Operand:
        """A constant per window position, shaped to broadcast against :meth:`split`."""
        spread = values.reshape([d for w in self.window for d in (1, w)])
        if self.widens:
            last: int = self.pooled[-1]  # type: ignore[assignment]
            spread = np.tile(values, last).reshape(*spread.shape[:-2], -1)
        return constant(spread.astype(dtype.np)[None, None])


def _whole(op: Pooling, pooled: Shape) -> Shape:
    return tuple(n * w for n, w in zip(pooled, op.window, strict=True))


def _crop(x: Operand, whole: Shape) -> Operand:
    """Without the elements at the end that no window meets."""
    for axis, size in enumerate(whole, 2):
        if shape_of(x)[axis] != size:
            x = slice_axis(x, axis, 0, size)
    return x


def _uncrop(x: Operand, whole: Shape, spatial: Shape) -> Operand:
    if whole == spatial:
        return x
    return pad_with(x, (0,) * rank_of(x), (0, 0, *(n - w for n, w in zip(spatial, whole, strict=True))))


# --- public functions ---------------------------------------------------------------------------------------


def _pooling(
    x: Any, window: Any, strides: Any, padding: Any, dilations: Any, data_format: str | None
) -> tuple[Operand, Any]:
    operand, layout = lift(x), layout_of(data_format)
    rank = rank_of(operand) - 2
    if rank < 1:
        raise ShapeError(f"pooling needs data (batch, spatial..., channels), got shape {shape_text(shape_of(operand))}")
    sizes = per_axis(window, rank, layout, "window")
    shape = shape_of(operand)
    spatial = shape[1:-1] if layout == "NHWC" else shape[2:]
    steps = sizes if strides is None else strides
    found = window_of(spatial, sizes, steps, padding, dilations, layout)
    return operand, (*found, sizes)


def max_pool(
    x: Any,
    window: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str | None = None,
    dilations: Any = 1,
) -> Operand:
    """The maximum of each window of data (batch, spatial..., channels), or channels first.

    ``strides`` are the window's sizes if not given. ``padding``: ``"SAME"``, ``"VALID"`` or (low, high)
    pairs.
    """
    operand, parts = _pooling(x, window, strides, padding, dilations, data_format)
    return bind(MaxPool(*parts), operand)


def avg_pool(
    x: Any,
    window: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str | None = None,
    dilations: Any = 1,
    count_padding: bool = False,
) -> Operand:
    """The mean of each window; arguments as for :func:`max_pool`. ``count_padding``: padding is zeros."""
    operand, parts = _pooling(x, window, strides, padding, dilations, data_format)
    return bind(AvgPool(*(*parts, bool(count_padding))), operand)


def pool(
    x: Any,
    window: Any,
    pooling_type: str,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str | None = None,
    dilations: Any = 1,
) -> Operand:
    """:func:`max_pool` or :func:`avg_pool` by name: ``"MAX"`` or ``"AVG"``."""
    kinds = {"MAX": max_pool, "AVG": avg_pool}
    function = kinds.get(pooling_type.upper())
    if function is None:
        raise ArgumentError(f"pooling_type={pooling_type!r} is unknown; use 'MAX' or 'AVG'")
    return function(x, window, strides, padding, data_format, dilations)
