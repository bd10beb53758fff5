"""Resizing images in NumPy, with the values that ``tf.image.resize`` gives (no antialiasing).

An output pixel is a weighted mean of the input pixels around it, along one axis after the other. A method is a
kernel: the weight of a pixel at a distance, zero beyond the radius. Pixels outside the image have no weight.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc_ir.errors import ArgumentError

__all__ = ["METHODS", "check_method", "resize"]

Array: TypeAlias = NDArray[Any]


class _Taps(NamedTuple):
    """For each output pixel its input pixels and their weights, both ``[output size, taps]``."""

    indices: Array
    weights: Array


def resize(images: Array, size: tuple[int, int], method: str, first_axis: int) -> Array:
    """Images of another height and width, float32.

    Args:
        images: any shape that has the height at ``first_axis`` and the width right behind it.
        size: the new ``(height, width)``.
        method: one of :data:`METHODS`.
    """
    resized = images.astype(np.float32)
    for axis, length in zip((first_axis, first_axis + 1), size, strict=True):
        resized = _resample(resized, axis, _taps(images.shape[axis], length, method))
    return resized


def check_method(where: str, method: str) -> str:
    """The method in lower case. Raises ArgumentError for an unknown one."""
    name = method.lower()
    if name not in METHODS:
        raise ArgumentError(f"{where}: interpolation={method!r}, expected one of {', '.join(METHODS)}")
    return name


def _resample(images: Array, axis: int, taps: _Taps) -> Array:
    total: Any = 0
    shape = [1] * images.ndim
    shape[axis] = -1
    for indices, weights in zip(taps.indices.T, taps.weights.T, strict=True):
        total = total + images.take(indices, axis) * weights.reshape(shape)
    return np.asarray(total, np.float32)


@functools.lru_cache(maxsize=256)
def _taps(length: int, target: int, method: str) -> _Taps:
    scale = length / target
    if method == "nearest":
        indices = np.floor((np.arange(target) + 0.5) * scale).astype(np.intp)[:, np.newaxis]
        return _Taps(np.minimum(indices, length - 1), np.ones((target, 1), np.float32))
    first, weights = _area(target, scale) if method == "area" else _kernel(target, scale, *_KERNELS[method])
    indices = first[:, np.newaxis] + np.arange(weights.shape[1])
    weights = np.where((indices >= 0) & (indices < length), weights, 0)
    weights /= weights.sum(axis=1, keepdims=True)
    return _Taps(np.clip(indices, 0, length - 1), weights.astype(np.float32))


def _area(target: int, scale: float) -> tuple[Array, Array]:
    """How much of each input pixel lies under the output pixel."""
    start = np.arange(target)[:, np.newaxis] * scale
    first = np.floor(start).astype(np.intp)
    pixels = first + np.arange(int(np.ceil(scale)) + 1)
    covered = np.minimum(pixels + 1, start + scale) - np.maximum(pixels, start)
    return first[:, 0], np.maximum(covered, 0)


def _kernel(target: int, scale: float, radius: float, kernel: Callable[[Array], Array]) -> tuple[Array, Array]:
    centers = (np.arange(target)[:, np.newaxis] + 0.5) * scale
    first = np.ceil(centers - radius - 0.5).astype(np.intp)
    distances = np.abs(first + np.arange(int(2 * radius) + 1) + 0.5 - centers)
    return first[:, 0], np.where(distances < radius, kernel(distances), 0)


def _triangle(x: Array) -> Array:
    return 1 - x


def _cubic(b: float, c: float) -> Callable[[Array], Array]:
    """The cubic kernels of Mitchell and Netravali; ``b=0, c=0.5`` is that of Keys."""

    def kernel(x: Array) -> Array:
        near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + (6 - 2 * b)
        far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + (8 * b + 24 * c)
        return np.where(x < 1, near, far) / 6

    return kernel


def _lanczos(radius: float) -> Callable[[Array], Array]:
    return lambda x: np.sinc(x) * np.sinc(x / radius)


def _gaussian(radius: float) -> Callable[[Array], Array]:
    deviation = radius / 3
    return lambda x: np.exp(-(x**2) / (2 * deviation**2))


_KERNELS: Final[dict[str, tuple[float, Callable[[Array], Array]]]] = {
    "bilinear": (1.0, _triangle),
    "bicubic": (2.0, _cubic(0.0, 0.5)),
    "lanczos3": (3.0, _lanczos(3.0)),
    "lanczos5": (5.0, _lanczos(5.0)),
    "gaussian": (1.5, _gaussian(1.5)),
    "mitchellcubic": (2.0, _cubic(1 / 3, 1 / 3)),
}

METHODS: Final = (*_KERNELS, "nearest", "area")
