"""NumPy convolution in channels-last layout: windows copied into matrices that stay in cache, then one BLAS
call each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from graphc_ir.ops.base import Array

_BLOCK_ELEMENTS: Final = 1 << 18  # of a window matrix: about the size of a second-level cache
_BLOCK_ROWS: Final = 256  # fewer rows leave BLAS below its speed


class Geometry(NamedTuple):
    """How windows are laid; one item per spatial axis."""

    strides: tuple[int, ...]
    pad_low: tuple[int, ...]
    pad_high: tuple[int, ...]
    dilations: tuple[int, ...]

    def output_sizes(self, spatial: Sequence[int], window: Sequence[int]) -> tuple[int, ...]:
        """How often the window fits into each axis of unpadded sizes."""
        parts = zip(spatial, window, *self, strict=True)
        return tuple((n + low + high - (k - 1) * d - 1) // s + 1 for n, k, s, low, high, d in parts)

    def padded_sizes(self, spatial: Sequence[int]) -> tuple[int, ...]:
        return tuple(n + low + high for n, low, high in zip(spatial, self.pad_low, self.pad_high, strict=True))

    def interior(self, spatial: Sequence[int]) -> tuple[slice, ...]:
        """Where the unpadded data stands in the padded data (batch axis first)."""
        return (slice(None), *(slice(low, low + n) for low, n in zip(self.pad_low, spatial, strict=True)))


def tap_positions(window: Sequence[int]) -> list[tuple[int, ...]]:
    """All positions in a window, row-major."""
    return list(itertools.product(*map(range, window)))


def pad_array(x: Array, geometry: Geometry, fill: Any = 0) -> Array:
    """Channels-last data with its padding."""
    if not any(geometry.pad_low) and not any(geometry.pad_high):
        return x
    spatial = x.shape[1:-1]
    padded = np.full((x.shape[0], *geometry.padded_sizes(spatial), x.shape[-1]), fill, x.dtype)
    padded[geometry.interior(spatial)] = x
    return padded


def tap_slice(tap: Sequence[int], geometry: Geometry, sizes: Sequence[int]) -> tuple[slice, ...]:
    """The elements of padded data that one window position meets."""
    parts = zip(tap, geometry.dilations, geometry.strides, sizes, strict=True)
    return (slice(None), *(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, s, n in parts))


def convolve(x: Array, w: Array, geometry: Geometry, groups: int) -> Array:
    """x (n, spatial..., c), w (kernel..., c / groups, f) -> (n, positions..., f)."""
    if x.dtype.itemsize < 4:
        return convolve(_wide(x), _wide(w), geometry, groups).astype(x.dtype)
    kernel = w.shape[:-2]
    sizes = geometry.output_sizes(x.shape[1:-1], kernel)
    padded = pad_array(x, geometry)
    if groups == x.shape[-1] and groups > 1:
        return _depthwise(padded, w, geometry, sizes)
    y = np.empty((x.shape[0], *sizes, w.shape[-1]), x.dtype)
    for data, filters, result in _group_views(padded, w, y, groups):
        _convolve_group(data, filters, result, geometry)
    return y


def _convolve_group(x: Array, w: Array, y: Array, geometry: Geometry) -> None:
    kernel, depth = w.shape[:-2], w.shape[-1]
    matrix = w.reshape(-1, depth)
    for block in _blocks(y.shape, matrix.shape[0]):
        columns = _columns(x, kernel, geometry, block, y.shape)
        target = y[block]
        if target.flags.c_contiguous:
            np.matmul(columns, matrix, out=target.reshape(-1, depth))
        else:
            target[...] = (columns @ matrix).reshape(target.shape)


def input_gradient(g: Array, w: Array, geometry: Geometry, groups: int, spatial: tuple[int, ...]) -> Array:
    """g (n, positions..., f), w -> the cotangent of x (n, spatial..., c)."""
    if g.dtype.itemsize < 4:
        return input_gradient(_wide(g), _wide(w), geometry, groups, spatial).astype(g.dtype)
    channels = w.shape[-2] * groups
    padded = np.zeros((g.shape[0], *geometry.padded_sizes(spatial), channels), g.dtype)
    if groups == channels and groups > 1:
        _depthwise_input(padded, g, w, geometry)
    else:
        for data, filters, cotangent in _group_views(padded, w, g, groups):
            _scatter_group(data, filters, cotangent, geometry)
    inside = padded[geometry.interior(spatial)]
    return inside if inside.shape == padded.shape else np.ascontiguousarray(inside)


def _scatter_group(x: Array, w: Array, g: Array, geometry: Geometry) -> None:
    kernel, (depth, filters) = w.shape[:-2], w.shape[-2:]
    matrix = np.ascontiguousarray(w.reshape(-1, filters).T)
    for block in _blocks(g.shape, matrix.shape[1]):
        part = g[block]
        columns = (part.reshape(-1, filters) @ matrix).reshape(*part.shape[:-1], -1, depth)
        target = x[_reach(block, geometry, kernel)]
        for i, tap in enumerate(tap_positions(kernel)):
            target[tap_slice(tap, geometry, part.shape[1:-1])] += columns[..., i, :]


def filter_gradient(x: Array, g: Array, geometry: Geometry, groups: int, kernel: tuple[int, ...]) -> Array:
    """x (n, spatial..., c), g (n, positions..., f) -> the cotangent of w (kernel..., c / groups, f)."""
    if x.dtype.itemsize < 4:
        return filter_gradient(_wide(x), _wide(g), geometry, groups, kernel).astype(x.dtype)
    padded = pad_array(x, geometry)
    w = np.zeros((*kernel, x.shape[-1] // groups, g.shape[-1]), x.dtype)
    if groups == x.shape[-1] and groups > 1:
        return _depthwise_filters(padded, g, w, geometry)
    for data, filters, cotangent in _group_views(padded, w, g, groups):
        total = np.zeros((filters[..., 0].size, filters.shape[-1]), x.dtype)
        for block in _blocks(cotangent.shape, total.shape[0]):
            columns = _columns(data, kernel, geometry, block, cotangent.shape)
            total += columns.T @ cotangent[block].reshape(-1, filters.shape[-1])
        filters[...] = total.reshape(filters.shape)
    return w


def _group_views(x: Array, w: Array, y: Array, groups: int) -> Iterator[tuple[Array, Array, Array]]:
    """Per group: its channels of x, its filters, its channels of y."""
    if groups == 1:
        yield x, w, y
        return
    inner, outer = x.shape[-1] // groups, y.shape[-1] // groups
    for i in range(groups):
        filters = slice(i * outer, (i + 1) * outer)
        yield x[..., i * inner : (i + 1) * inner], w[..., filters], y[..., filters]


def _blocks(positions: tuple[int, ...], width: int) -> Iterator[tuple[slice, slice]]:
    """Whole images, or rows of one image, whose window matrices fit the cache."""
    images, rows = positions[0], positions[1]
    per_row = int(np.prod(positions[2:-1], dtype=np.int64))
    limit = max(_BLOCK_ELEMENTS, _BLOCK_ROWS * width)
    at_once = max(1, limit // max(1, per_row * width))
    if at_once >= rows:
        step = max(1, at_once // max(1, rows))
        for i in range(0, images, step):
            yield slice(i, min(i + step, images)), slice(0, rows)
        return
    for i, row in itertools.product(range(images), range(0, rows, at_once)):
        yield slice(i, i + 1), slice(row, min(row + at_once, rows))


def _reach(block: tuple[slice, slice], geometry: Geometry, kernel: tuple[int, ...]) -> tuple[slice, slice]:
    """The part of the padded data that a block of positions reads."""
    images, rows = block
    stride, reach = geometry.strides[0], (kernel[0] - 1) * geometry.dilations[0] + 1
    return images, slice(rows.start * stride, (rows.stop - 1) * stride + reach)


def _columns(
    x: Array,
    kernel: tuple[int, ...],
    geometry: Geometry,
    block: tuple[slice, slice],
    positions: tuple[int, ...],
) -> Array:
    """The windows of one block as rows of a matrix (positions, kernel... * channels)."""
    part = x[_reach(block, geometry, kernel)]
    sizes = (block[1].stop - block[1].start, *positions[2:-1])
    steps = part.strides
    outer = tuple(b * s for b, s in zip(steps[1:-1], geometry.strides, strict=True))
    inner = tuple(b * d for b, d in zip(steps[1:-1], geometry.dilations, strict=True))
    windows = np.lib.stride_tricks.as_strided(
        part,
        (part.shape[0], *sizes, *kernel, part.shape[-1]),
        (steps[0], *outer, *inner, steps[-1]),
        writeable=False,
    )
    width = int(np.prod(kernel, dtype=np.int64)) * part.shape[-1]
    return windows.reshape(-1, width) if width else np.zeros((part.shape[0] * int(np.prod(sizes)), 0), x.dtype)


def _depthwise(x: Array, w: Array, geometry: Geometry, sizes: tuple[int, ...]) -> Array:
    channels, multiplier = x.shape[-1], w.shape[-1] // x.shape[-1]
    taps = [(tap_slice(t, geometry, sizes), w[t].reshape(channels, multiplier)) for t in tap_positions(w.shape[:-2])]
    y = np.empty((x.shape[0], *sizes, channels, multiplier), x.dtype)
    for images in _image_blocks(y):
        part, data = y[images], x[images]
        np.multiply(data[taps[0][0]][..., None], taps[0][1], out=part)
        product = np.empty_like(part)
        for where, filters in taps[1:]:
            part += np.multiply(data[where][..., None], filters, out=product)
    return y.reshape(*y.shape[:-2], -1)


def _image_blocks(y: Array) -> Iterator[slice]:
    """Images whose results stay in cache while all taps are added."""
    step = max(1, _BLOCK_ELEMENTS // 4 // max(1, y[:1].size))
    return (slice(i, i + step) for i in range(0, y.shape[0], step))


def _depthwise_input(x: Array, g: Array, w: Array, geometry: Geometry) -> None:
    channels, multiplier = x.shape[-1], w.shape[-1] // x.shape[-1]
    split = g.reshape(*g.shape[:-1], channels, multiplier)
    for images in _image_blocks(g):
        data, cotangent = x[images], split[images]
        for tap in tap_positions(w.shape[:-2]):
            filters = w[tap].reshape(channels, multiplier)
            part = cotangent[..., 0] * filters[:, 0] if multiplier == 1 else (cotangent * filters).sum(-1)
            data[tap_slice(tap, geometry, g.shape[1:-1])] += part


def _depthwise_filters(x: Array, g: Array, w: Array, geometry: Geometry) -> Array:
    channels, multiplier = x.shape[-1], w.shape[-1] // x.shape[-1]
    split = g.reshape(*g.shape[:-1], channels, multiplier)
    axes = tuple(range(g.ndim - 1))
    for images in _image_blocks(g):
        data, cotangent = x[images], split[images]
        for tap in tap_positions(w.shape[:-2]):
            met = data[tap_slice(tap, geometry, g.shape[1:-1])][..., None]
            w[tap] += (met * cotangent).sum(axes).reshape(1, -1)
    return w


def _wide(x: Array) -> Array:
    return x.astype(np.float32)
