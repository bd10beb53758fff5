"""Resizing along axes: every element of the result is a weighted mean of the elements around its place.

Sizes are spread evenly over the whole extent of an axis (pixel centres at 0.5, 1.5, ...), as in TensorFlow 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.dtypes import DType, float32, float64, int64
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import abs_real, floordiv
from graphc_ir.ops.base import (
    ARRAYS,
    Array,
    Op,
    Operand,
    bind,
    dtype_of,
    lift,
    normalize_axis,
    rank_of,
    shape_of,
    using,
)
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import (
    add,
    cast,
    check_kind,
    div,
    equal,
    less,
    maximum,
    mul,
    relu,
    select,
    sin,
    sub,
)
from graphc_ir.ops.gather import gather
from graphc_ir.ops.linalg import matmul, swap_last
from graphc_ir.ops.movement import expand_dims, replaced, reshape, resolve_shape
from graphc_ir.ops.rearrange import moveaxis
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.ops.shape import size_operand
from graphc_ir.types import TensorType

__all__ = ["METHODS", "Resize", "ResizeGrad", "growth", "resize"]

METHODS: Final = ("nearest", "linear", "cubic", "lanczos3", "lanczos5")


class Resampling(Op, abstract=True):
    """``axes`` (in rising order) get ``sizes``. ``antialias`` widens the weights where sizes shrink."""

    axes: tuple[int, ...]
    sizes: Shape
    method: str
    antialias: bool

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, "biuf" if self.method == "nearest" else "f", x)
        if self.axes and self.axes[-1] >= x.rank:
            raise ShapeError(f"{self.name} along axes {self.axes} got {x}; expected rank {self.axes[-1] + 1} or more")
        shape = x.shape
        for axis, size in zip(self.axes, self.sizes, strict=True):
            if dims.known_ge(size, 1) is False:
                raise ShapeError(f"{self.name}: axis {axis} cannot get size {size}; expected 1 or more")
            shape = replaced(shape, axis, size)
        return x.with_shape(shape)

    def sources(self, shape: Shape) -> Shape:
        """The sizes along the axes of an operand."""
        return tuple(shape[axis] for axis in self.axes)


class Resize(Resampling):
    """The operand with other sizes along some axes."""

    def kernel(self, x: Array) -> Any:
        if self.method == "nearest":
            return self._nearest(x)
        for axis, size in zip(self.axes, self.sizes, strict=True):
            x = _apply_array(_weights_array(self.method, size, x.shape[axis], self.antialias), x, axis)
        return x

    def _nearest(self, x: Array) -> Array:
        for axis, size in zip(self.axes, self.sizes, strict=True):
            x = np.take(x, (2 * np.arange(size) + 1) * x.shape[axis] // (2 * size), axis)  # type: ignore[arg-type]
        return x

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        sources = self.sources(shape_of(x))
        factors = [growth(size, source) for size, source in zip(self.sizes, sources, strict=True)]
        if self.method == "nearest" and None not in factors:
            return lambda: _sum_blocks(g, self.axes, sources, factors)
        return bind(ResizeGrad(self.axes, sources, self.method, self.antialias), g)

    def decompose(self, x: Operand) -> Operand:
        """A matrix product along each axis; the nearest elements are gathered."""
        for axis, size in zip(self.axes, self.sizes, strict=True):
            if self.method == "nearest":
                x = gather(x, _nearest_places(size, shape_of(x)[axis]), axis)
                continue
            weights = resampling_weights(self.method, size, shape_of(x)[axis], self.antialias, _precise(x))
            x = _apply(weights, x, axis)
        return x


class ResizeGrad(Resampling):
    """The cotangent of Resize's operand, which has ``sizes`` along the axes."""

    def kernel(self, g: Array) -> Any:
        for axis, size in zip(self.axes, self.sizes, strict=True):
            g = _apply_array(_weights_array(self.method, g.shape[axis], size, self.antialias).T, g, axis)
        return g

    def vjp(self, g: Operand, y: Operand, dy: Operand) -> Any:
        return bind(Resize(self.axes, self.sources(shape_of(dy)), self.method, self.antialias), g)

    def decompose(self, g: Operand) -> Operand:
        for axis, size in zip(self.axes, self.sizes, strict=True):
            weights = resampling_weights(self.method, shape_of(g)[axis], size, self.antialias, _precise(g))
            g = _apply(swap_last(weights), g, axis)
        return g


# --- weights ------------------------------------------------------------------------------------------------


def resampling_weights(method: str, size: Dim, source: Dim, antialias: bool, dtype: DType) -> Operand:
    """The matrix [size, source] that resizes one axis; its rows sum to 1."""
    if method == "nearest":
        return cast(equal(expand_dims(_nearest_places(size, source), 1), iota(source, int64)), dtype)
    ratio = div(size_operand(source, dtype), size_operand(size, dtype))
    centres = sub(mul(add(iota(size, dtype), 0.5), ratio), 0.5)
    distance = abs_real(sub(expand_dims(centres, 1), iota(source, dtype)))
    if antialias:
        distance = div(distance, maximum(ratio, 1))
    shares = _SHARES[method](distance)
    return div(shares, reduce_sum(shares, 1, keepdims=True))


def _nearest_places(size: Dim, source: Dim) -> Operand:
    """Which element each one of the result takes."""
    doubled = add(mul(iota(size, int64), 2), 1)
    return floordiv(mul(doubled, size_operand(source, int64)), mul(size_operand(size, int64), 2))


def _triangle(distance: Operand) -> Operand:
    return relu(sub(1, distance))


def _keys(distance: Operand) -> Operand:
    """The cubic convolution of Keys (1981) with a = -0.5."""
    inner = add(mul(mul(sub(mul(distance, 1.5), 2.5), distance), distance), 1)
    outer = add(mul(sub(mul(add(mul(distance, -0.5), 2.5), distance), 4), distance), 2)
    return select(less(distance, 1), inner, select(less(distance, 2), outer, 0))


def _lanczos(radius: int) -> Callable[[Operand], Operand]:
    def window(distance: Operand) -> Operand:
        angle = mul(maximum(distance, 1e-3), math.pi)  # away from 0 / 0; what is lost is below float32
        value = div(mul(sin(angle), sin(div(angle, radius))), div(mul(angle, angle), radius))
        return select(less(distance, radius), value, 0)

    return window


_SHARES: Final[dict[str, Callable[[Operand], Operand]]] = {
    "linear": _triangle,
    "cubic": _keys,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}


@lru_cache(64)
def _weights_array(method: str, size: int, source: int, antialias: bool) -> Array:
    with using(ARRAYS):
        weights: Array = resampling_weights(method, size, source, antialias, float64)
    return weights


def _apply_array(weights: Array, x: Array, axis: int) -> Array:
    precise = np.result_type(x.dtype, np.float32)
    y = np.tensordot(weights.astype(precise), x.astype(precise, copy=False), (1, axis))
    return np.moveaxis(y, 0, axis).astype(x.dtype, copy=False)


def _precise(x: Operand) -> DType:
    return float64 if dtype_of(x) is float64 else float32


def _apply(weights: Operand, x: Operand, axis: int) -> Operand:
    """The matrix times the operand along one axis, without moving the last two axes."""
    dtype, rank = dtype_of(x), rank_of(x)
    data = cast(x, dtype_of(weights))
    if axis == rank - 1:
        return cast(_times_rows(data, swap_last(weights)), dtype)
    if axis == rank - 2:
        return cast(matmul(weights, data), dtype)
    return cast(moveaxis(matmul(weights, moveaxis(data, axis, -2)), -2, axis), dtype)


def _times_rows(x: Operand, weights: Operand) -> Operand:
    return matmul(x, weights) if rank_of(x) > 1 else reshape(matmul(expand_dims(x, 0), weights), (-1,))


def growth(size: Dim, source: Dim) -> int | None:
    """By which whole number a size grows; None if there is none."""
    quotient = size // source
    return quotient if isinstance(quotient, int) and dims.known_equal(quotient * source, size) is True else None


def _sum_blocks(g: Operand, axes: Sequence[int], sources: Shape, factors: Sequence[Any]) -> Operand:
    blocks: list[Dim] = list(shape_of(g))
    summed = []
    for axis, source, factor in reversed(list(zip(axes, sources, factors, strict=True))):
        blocks[axis : axis + 1] = [source, factor]
    for i, axis in enumerate(axes):
        summed.append(axis + i + 1)
    return reduce_sum(reshape(g, tuple(blocks)), summed)


# --- public function ----------------------------------------------------------------------------------------


def resize(x: Any, sizes: Any, axes: Sequence[int], method: str = "linear", antialias: bool = False) -> Operand:
    """``x`` with ``sizes[i]`` elements along ``axes[i]``.

    ``method``: one of :data:`METHODS`; all but ``"nearest"`` need floats. ``antialias``: where an axis shrinks, average
    over all elements that fall together (no effect on ``"nearest"``). Raises ArgumentError for another method or as
    many sizes as there are no axes, ShapeError for sizes below 1.
    """
    operand = lift(x)
    if method not in METHODS:
        raise ArgumentError(f"resize: unknown method {method!r}; use one of {', '.join(METHODS)}")
    wanted = resolve_shape(sizes)
    if len(wanted) != len(axes):
        raise ArgumentError(f"resize: got {len(wanted)} sizes for {len(axes)} axes; give one per axis")
    places = [normalize_axis(axis, rank_of(operand)) for axis in axes]
    pairs = sorted(zip(places, wanted, strict=True), key=lambda pair: pair[0])
    changed = [(a, s) for a, s in pairs if dims.known_equal(shape_of(operand)[a], s) is not True]
    if not changed:
        return operand
    op = Resize(
        tuple(a for a, _ in changed), tuple(s for _, s in changed), method, bool(antialias) and method != "nearest"
    )
    return bind(op, operand)
