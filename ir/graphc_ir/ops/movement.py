"""Ops that move elements without computing: reshape, transpose, broadcast, concatenation, padding and the like."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, DimExpr, Shape
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Array, Op, Operand, bind, current, lift, normalize_axes, normalize_axis, shape_of
from graphc_ir.ops.elementwise import check_kind
from graphc_ir.types import TensorType

ANY = "biufcs"


class Reshape(Op):
    """The same elements in row-major order under another shape."""

    shape: Shape
    is_view = True

    def infer(self, x: TensorType) -> TensorType:
        have, want = dims.element_count(x.shape), dims.element_count(self.shape)
        try:
            dims.require_equal(have, want, "element counts of reshape")
        except ValueError as error:
            raise ShapeError(f"cannot reshape {x} to [{', '.join(map(str, self.shape))}]: {error}") from error
        return x.with_shape(self.shape)

    def kernel(self, x: Array) -> Any:
        return x.reshape(self.shape)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return reshape(g, shape_of(x))


class Transpose(Op):
    """Axis ``i`` of the result is axis ``permutation[i]`` of the operand."""

    permutation: tuple[int, ...]
    is_view = True

    def infer(self, x: TensorType) -> TensorType:
        if sorted(self.permutation) != list(range(x.rank)):
            raise ShapeError(f"transpose: permutation {self.permutation} does not permute the axes of {x}")
        return x.with_shape(tuple(x.shape[p] for p in self.permutation))

    def kernel(self, x: Array) -> Any:
        return x.transpose(self.permutation)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        inverse = tuple(int(i) for i in np.argsort(self.permutation))
        return transpose(g, inverse)


class BroadcastTo(Op):
    """Repeats size-1 axes (and adds leading ones) up to ``shape``."""

    shape: Shape
    is_view = True

    def infer(self, x: TensorType) -> TensorType:
        try:
            fits = dims.broadcast_shapes(x.shape, self.shape) == self.shape
        except ValueError as error:
            raise ShapeError(f"cannot broadcast {x} to {list(self.shape)}: {error}") from error
        if not fits:
            raise ShapeError(f"cannot broadcast {x} to [{', '.join(map(str, self.shape))}]; only sizes of 1 grow")
        return x.with_shape(self.shape)

    def kernel(self, x: Array) -> Any:
        return np.broadcast_to(x, self.shape)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return g  # the engine sums a broadcast cotangent back to the operand's shape


class Concat(Op):
    """Joins operands along ``axis``."""

    axis: int

    def infer(self, *types: TensorType) -> TensorType:
        check_kind(self, ANY, *types)
        first = types[0]
        for other in types[1:]:
            _check_joinable(first, other, self.axis)
        total: Dim = 0
        for t in types:
            total = total + t.shape[self.axis]
        return first.with_shape((*first.shape[: self.axis], total, *first.shape[self.axis + 1 :]))

    def kernel(self, *arrays: Array, out: Array | None = None) -> Any:
        return np.concatenate(arrays, self.axis, out=out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, y: Operand, *operands: Operand) -> Any:
        parts, start = [], 0
        for operand in operands:
            size = shape_of(operand)[self.axis]
            parts.append(slice_axis(g, self.axis, start, start + size))
            start = start + size
        return tuple(parts)


def _check_joinable(first: TensorType, other: TensorType, axis: int) -> None:
    if other.rank != first.rank:
        raise ShapeError(f"concat: {first} and {other} differ in rank; expand or reshape one of them")
    for i, (a, b) in enumerate(zip(first.shape, other.shape, strict=True)):
        if i == axis:
            continue
        try:
            dims.require_equal(a, b, f"axis {i} of concat operands")
        except ValueError as error:
            raise ShapeError(f"concat along axis {axis}: {first} and {other} do not fit: {error}") from error


class Slice(Op):
    """``x[starts:stops:steps]`` on every axis. ``stops`` are exclusive; all bounds are normalised (no negatives,
    except a stop of -1 under a negative step, which means "through element 0")."""

    starts: Shape
    stops: Shape
    steps: tuple[int, ...]
    is_view = True

    def infer(self, x: TensorType) -> TensorType:
        return x.with_shape(tuple(map(_slice_size, self.starts, self.stops, self.steps)))

    def kernel(self, x: Array) -> Any:
        return x[tuple(map(_as_slice, self.starts, self.stops, self.steps))]

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return bind(SliceGrad(shape_of(x), self.starts, self.stops, self.steps), g)


class SliceGrad(Op):
    """Zeros of ``shape`` with the operand written where Slice read."""

    shape: Shape
    starts: Shape
    stops: Shape
    steps: tuple[int, ...]

    def infer(self, g: TensorType) -> TensorType:
        return g.with_shape(self.shape)

    def kernel(self, g: Array) -> Any:
        out = np.zeros(self.shape, g.dtype)
        out[tuple(map(_as_slice, self.starts, self.stops, self.steps))] = g
        return out

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return bind(Slice(self.starts, self.stops, self.steps), g)


def _slice_size(start: Dim, stop: Dim, step: int) -> Dim:
    if isinstance(start, int) and isinstance(stop, int):
        return max(0, -((start - stop) // step))
    return (stop - start + step - 1) // step if step > 0 else (start - stop - step - 1) // -step


def _as_slice(start: Any, stop: Any, step: int) -> slice:
    return slice(start, None if stop == -1 else stop, step)


def reshape(x: Any, shape: Any) -> Operand:
    """``x`` under another shape; one size may be -1. ``shape``: ints, dims, or a tensor whose values are sizes.

    Raises ShapeError when the element counts differ.
    """
    operand = lift(x)
    wanted = resolve_shape(shape)
    return bind(Reshape(_fill_unknown(wanted, shape_of(operand))), operand)


def resolve_shape(shape: Any) -> Shape:
    """Sizes as dims, from ints, dims, tensors with known values, or a sequence that mixes them.

    Raises ArgumentError when a size is only known when the graph runs.
    """
    if isinstance(shape, (int, np.integer, DimExpr)):
        return (shape if isinstance(shape, DimExpr) else int(shape),)
    if isinstance(shape, (list, tuple)):
        return tuple(_resolve_dim(d) for d in shape)
    return _known(shape)


def _resolve_dim(dim: Any) -> Dim:
    if isinstance(dim, DimExpr):
        return dim
    if isinstance(dim, (int, np.integer)):
        return int(dim)
    if dim is None:
        raise ArgumentError("a size is None; use -1 for the one size to infer, or tf.shape(x)[axis]")
    return _known(dim)[0]


def _known(operand: Any) -> Shape:
    interpreter = current()
    known = interpreter.symbolic_dims(interpreter.lift(operand))
    if known is None:
        raise ArgumentError("a shape depends on values that are only known when the graph runs; build shapes from "
                            "ints and tf.shape(x)")  # fmt: skip
    return known


def _fill_unknown(shape: Shape, have: Shape) -> Shape:
    unknown = [i for i, d in enumerate(shape) if isinstance(d, int) and d == -1]
    if not unknown:
        return shape
    if len(unknown) > 1:
        raise ArgumentError(f"shape {list(shape)} has more than one -1; only one size can be inferred")
    rest = dims.element_count(tuple(d for i, d in enumerate(shape) if i != unknown[0]))
    total = dims.element_count(have)
    if isinstance(rest, int) and rest == 0:
        raise ShapeError(f"cannot infer -1 in shape {list(shape)}: the other sizes multiply to 0")
    return tuple(_quotient(total, rest, have, shape) if i == unknown[0] else d for i, d in enumerate(shape))


def _quotient(total: Dim, rest: Dim, have: Shape, shape: Shape) -> Dim:
    result = total // rest
    if dims.known_equal(result * rest, total) is False:
        raise ShapeError(f"cannot reshape {list(have)} ({total} elements) to {list(shape)}: not divisible by {rest}")
    return result


def transpose(x: Any, permutation: Any = None) -> Operand:
    """Axes in another order; by default reversed."""
    operand = lift(x)
    rank = len(shape_of(operand))
    order = range(rank)[::-1] if permutation is None else [normalize_axis(int(p), rank, "perm") for p in permutation]
    return bind(Transpose(tuple(order)), operand)


def broadcast_to(x: Any, shape: Any) -> Operand:
    """Repeats size-1 axes up to ``shape``."""
    operand, wanted = lift(x), resolve_shape(shape)
    return operand if shape_of(operand) == wanted else bind(BroadcastTo(wanted), operand)


def expand_dims(x: Any, axis: Any) -> Operand:
    """A size-1 axis put in at ``axis`` (or at each of several)."""
    operand = lift(x)
    shape = list(shape_of(operand))
    axes = normalize_axes(axis, len(shape) + np.size(axis))
    for position in axes:
        shape.insert(position, 1)
    return bind(Reshape(tuple(shape)), operand)


def squeeze(x: Any, axis: Any = None) -> Operand:
    """Size-1 axes removed: those named, or all. Raises ShapeError when a named axis is not of size 1."""
    operand = lift(x)
    shape = shape_of(operand)
    axes = [i for i, d in enumerate(shape) if d == 1] if axis is None else normalize_axes(axis, len(shape))
    wrong = [i for i in axes if shape[i] != 1]
    if wrong:
        raise ShapeError(f"squeeze: axis {wrong[0]} of shape {list(shape)} has size {shape[wrong[0]]}, expected 1")
    return bind(Reshape(tuple(d for i, d in enumerate(shape) if i not in axes)), operand)


def concat(values: Any, axis: int) -> Operand:
    """Joins tensors along an axis."""
    operands = [lift(v) for v in values]
    if not operands:
        raise ArgumentError("concat needs at least one tensor")
    position = normalize_axis(axis, len(shape_of(operands[0])))
    return operands[0] if len(operands) == 1 else bind(Concat(position), *operands)


def slice_axis(x: Operand, axis: int, start: Dim, stop: Dim) -> Operand:
    """``x[..., start:stop, ...]`` along one axis."""
    shape = shape_of(x)
    starts: list[Dim] = [0] * len(shape)
    stops = list(shape)
    starts[axis], stops[axis] = start, stop
    return bind(Slice(tuple(starts), tuple(stops), (1,) * len(shape)), x)
