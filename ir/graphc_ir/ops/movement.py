"""Ops that move elements without computing: reshape, transpose, broadcast, concatenation, slices, padding,
tiling."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, DimExpr, Shape
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import (
    Array,
    Op,
    Operand,
    bind,
    current,
    dtype_of,
    lift,
    normalize_axes,
    normalize_axis,
    rank_of,
    shape_of,
)
from graphc_ir.ops.elementwise import check_kind, sub
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
        # A filled tensor is memory of its own: BLAS and vector loops are slow on views without strides.
        shape: Any = self.shape
        return np.broadcast_to(x, shape) if x.shape else np.full(shape, x)

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
        parts: list[Operand] = []
        start: Dim = 0
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


class Split(Op):
    """Cuts ``axis`` into consecutive parts of the given sizes; one result per part."""

    axis: int
    sizes: Shape
    is_view = True

    @property
    def num_results(self) -> int:
        return len(self.sizes)

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        total: Dim = 0
        for size in self.sizes:
            total = total + size
        try:
            dims.require_equal(total, x.shape[self.axis], "sizes of split")
        except ValueError as error:
            raise ShapeError(f"split: sizes [{', '.join(map(str, self.sizes))}] do not add up to axis "
                             f"{self.axis} of {x}: "
                             f"{error}") from error  # fmt: skip
        return tuple(x.with_shape(replaced(x.shape, self.axis, size)) for size in self.sizes)

    def kernel(self, x: Array) -> Any:
        lead = (slice(None),) * self.axis
        parts: list[Array] = []
        start: Any = 0
        for size in self.sizes:
            parts.append(x[(*lead, slice(start, start + size))])
            start += size
        return tuple(parts) if len(parts) != 1 else parts[0]

    def vjp(self, g: Any, y: Any, x: Operand) -> Any:
        return concat(g, self.axis) if isinstance(g, tuple) else g


class Slice(Op):
    """``x[starts:stops:steps]`` on every axis. ``stops`` are exclusive; all bounds are normalised (no
    negatives, except a stop of -1 under a negative step, which means "through element 0")."""

    starts: Shape
    stops: Shape
    steps: tuple[int, ...]
    is_view = True

    def infer(self, x: TensorType) -> TensorType:
        if not len(self.starts) == len(self.stops) == len(self.steps) == x.rank:
            raise ShapeError(f"slice: bounds for {len(self.starts)} axes, but {x} has rank {x.rank}")
        return x.with_shape(tuple(map(slice_size, self.starts, self.stops, self.steps)))

    def kernel(self, x: Array) -> Any:
        return x[tuple(map(_as_slice, self.starts, self.stops, self.steps))]

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        shape = shape_of(x)
        if any(step != 1 for step in self.steps):
            return bind(SliceGrad(shape, self.starts, self.stops, self.steps), g)
        after = tuple(n - a - k for n, a, k in zip(shape, self.starts, shape_of(y), strict=True))
        return pad_with(g, self.starts, after)


class SliceGrad(Op):
    """Zeros of ``shape`` with the operand written where a Slice of the same bounds reads."""

    shape: Shape
    starts: Shape
    stops: Shape
    steps: tuple[int, ...]

    def infer(self, g: TensorType) -> TensorType:
        wanted = tuple(map(slice_size, self.starts, self.stops, self.steps))
        if g.shape != wanted:
            raise ShapeError(f"slice_grad: the slice has shape [{', '.join(map(str, wanted))}], but the operand is {g}")
        return g.with_shape(self.shape)

    def kernel(self, g: Array) -> Any:
        out = np.zeros(self.shape, g.dtype)
        out[tuple(map(_as_slice, self.starts, self.stops, self.steps))] = g
        return out

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return bind(Slice(self.starts, self.stops, self.steps), g)

    def decompose(self, g: Operand) -> Operand:
        forward = reverse(g, [i for i, step in enumerate(self.steps) if step < 0])
        sizes = shape_of(g)
        firsts = [a + (k - 1) * s if s < 0 else a for a, k, s in zip(self.starts, sizes, self.steps, strict=True)]
        strides = [abs(s) for s in self.steps]
        spread = _spread(forward, strides)
        # Up to stride - 1 zeros too many stand at the end; they are cut off below.
        after = [n - a - k * s + s - 1 for n, a, k, s in zip(self.shape, firsts, sizes, strides, strict=True)]
        padded = pad_with(spread, tuple(firsts), tuple(after))
        for axis, stride in enumerate(strides):
            padded = slice_axis(padded, axis, 0, self.shape[axis]) if stride > 1 else padded
        return padded


def _spread(x: Operand, strides: list[int]) -> Operand:
    """``stride - 1`` zeros behind each element, axis by axis."""
    for axis, stride in enumerate(strides):
        if stride == 1:
            continue
        shape = shape_of(x)
        column = reshape(x, (*shape[: axis + 1], 1, *shape[axis + 1 :]))
        none = (0,) * (len(shape) + 1)
        x = reshape(
            pad_with(column, none, replaced(none, axis + 1, stride - 1)),
            replaced(shape, axis, shape[axis] * stride),
        )
    return x


class Pad(Op):
    """The operand with ``before`` and ``after`` elements of the scalar ``value`` (second operand) around
    each axis."""

    before: Shape
    after: Shape

    def infer(self, x: TensorType, value: TensorType) -> TensorType:
        check_kind(self, ANY, x, value)
        if value.shape != ():
            raise ShapeError(f"pad: the fill value must be a scalar, got {value}")
        check_paddings(self, x, self.before, self.after)
        return x.with_shape(tuple(b + d + a for b, d, a in zip(self.before, x.shape, self.after, strict=True)))

    def kernel(self, x: Array, value: Array) -> Any:
        inner = tuple(slice(b, b + d) for b, d in zip(self.before, x.shape, strict=True))
        sizes = [b + d + a for b, d, a in zip(self.before, x.shape, self.after, strict=True)]
        out = np.full(sizes, value, x.dtype)
        out[inner] = x
        return out

    def vjp(self, g: Operand, y: Operand, x: Operand, value: Operand) -> Any:
        stops = tuple(b + d for b, d in zip(self.before, shape_of(x), strict=True))
        inner = bind(Slice(self.before, stops, (1,) * len(stops)), g)
        # What went to the border stays once the inner part is taken away; the engine sums it to the scalar.
        return inner, lambda: sub(g, pad_with(inner, self.before, self.after))


def check_paddings(op: Op, x: TensorType, before: Shape, after: Shape) -> None:
    """Raises ShapeError unless there is one amount of 0 or more per axis and side."""
    if not len(before) == len(after) == x.rank:
        raise ShapeError(f"{op.name}: amounts for {len(before)} axes, but {x} has rank {x.rank}; give "
                         "(before, after) for "
                         "every axis")  # fmt: skip
    negative = [d for d in (*before, *after) if dims.known_ge(d, 0) is False]
    if negative:
        raise ShapeError(f"{op.name}: padding {negative[0]} is negative; slice the tensor to make it smaller")


class Tile(Op):
    """The operand repeated ``multiples[i]`` times along axis i."""

    multiples: Shape

    def infer(self, x: TensorType) -> TensorType:
        if len(self.multiples) != x.rank:
            raise ShapeError(f"tile: {len(self.multiples)} multiples for {x}; give one per axis ({x.rank})")
        return x.with_shape(tuple(d * m for d, m in zip(x.shape, self.multiples, strict=True)))

    def kernel(self, x: Array) -> Any:
        return np.tile(x, self.multiples)  # type: ignore[arg-type]

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        shape, rank = shape_of(x), len(self.multiples)
        rows = reshape(g, tuple(d for pair in zip(self.multiples, shape, strict=True) for d in pair))
        front = transpose(rows, (*range(0, 2 * rank, 2), *range(1, 2 * rank, 2)))
        # The engine sums the leading axes, one slice per repetition.
        return reshape(front, (dims.element_count(self.multiples), *shape))


def replaced(shape: Shape, axis: int, size: Dim) -> Shape:
    """The shape with another size at ``axis``."""
    return (*shape[:axis], size, *shape[axis + 1 :])


def slice_size(start: Dim, stop: Dim, step: int) -> Dim:
    """How many elements ``start:stop:step`` has, for normalised bounds."""
    if isinstance(start, int) and isinstance(stop, int):
        return max(0, -((start - stop) // step))
    return (stop - start + step - 1) // step if step > 0 else (start - stop - step - 1) // -step


def _as_slice(start: Any, stop: Any, step: int) -> slice:
    if step > 0:
        return slice(start, stop if stop > 0 else 0, step)
    return slice(start, None if stop == -1 else stop, step)


def reshape(x: Any, shape: Any) -> Operand:
    """``x`` under another shape; one size may be -1. ``shape``: ints, dims, or a tensor whose values are
    sizes.

    Raises ShapeError when the element counts differ.
    """
    operand = lift(x)
    have = shape_of(operand)
    wanted = _fill_unknown(resolve_shape(shape), have)
    return operand if wanted == have else bind(Reshape(wanted), operand)


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
        raise ArgumentError("a shape depends on values that are only known when the graph runs; build "
                            "shapes from "
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


def lift_all(values: Any, what: str) -> list[Operand]:
    """The items of a sequence as operands; plain data takes the dtype of the first tensor among them.

    Raises ArgumentError for an empty sequence.
    """
    items = list(values)
    if not items:
        raise ArgumentError(f"{what} needs at least one tensor, got an empty list")
    interpreter = current()
    found = [interpreter.as_operand(item) for item in items]
    tensors = [operand for operand in found if operand is not None]
    hint = dtype_of(tensors[0]) if tensors else dtype_of(interpreter.lift(items[0]))
    return [interpreter.lift(i, hint) if f is None else f for i, f in zip(items, found, strict=True)]


def concat(values: Any, axis: int) -> Operand:
    """Joins tensors along an axis. Raises ShapeError where the other sizes differ."""
    operands = lift_all(values, "concat")
    position = normalize_axis(axis, rank_of(operands[0]))
    return operands[0] if len(operands) == 1 else bind(Concat(position), *operands)


def slice_axis(x: Operand, axis: int, start: Dim, stop: Dim) -> Operand:
    """``x[..., start:stop, ...]`` along one axis (not negative)."""
    shape = shape_of(x)
    if isinstance(start, int) and start == 0 and stop == shape[axis]:
        return x
    starts, stops = replaced((0,) * len(shape), axis, start), replaced(shape, axis, stop)
    return bind(Slice(starts, stops, (1,) * len(shape)), x)


def reverse(x: Any, axis: Any) -> Operand:
    """The elements in opposite order along one axis or several."""
    operand = lift(x)
    shape = shape_of(operand)
    axes = normalize_axes(axis, len(shape))
    if not axes:
        return operand
    starts = tuple(d - 1 if i in axes else 0 for i, d in enumerate(shape))
    stops = tuple(-1 if i in axes else d for i, d in enumerate(shape))
    return bind(Slice(starts, stops, tuple(-1 if i in axes else 1 for i in range(len(shape)))), operand)


def pad_with(x: Operand, before: Shape, after: Shape, value: Any = 0) -> Operand:
    """``before`` and ``after`` elements of ``value`` around each axis; ``x`` itself where there are none."""
    if all(isinstance(d, int) and d == 0 for d in (*before, *after)):
        return x
    return bind(Pad(before, after), x, lift(value, dtype_of(x)))


def tile(x: Any, multiples: Any) -> Operand:
    """``x`` repeated ``multiples[i]`` times along axis i. Raises ShapeError unless there is one multiple per
    axis."""
    operand, wanted = lift(x), resolve_shape(multiples)
    return operand if all(isinstance(m, int) and m == 1 for m in wanted) and wanted else bind(Tile(wanted), operand)


def split(x: Any, sizes: Any, axis: int = 0) -> list[Operand]:
    """Consecutive parts along an axis: an int is a number of equal parts, a sequence the sizes (one may be
    -1).

    Raises ArgumentError or ShapeError when the parts do not fill the axis.
    """
    operand = lift(x)
    shape = shape_of(operand)
    position = normalize_axis(axis, len(shape))
    wanted = _split_sizes(sizes, shape[position], position)
    parts = bind(Split(position, wanted), operand)
    return list(parts) if len(wanted) != 1 else [parts]


def _split_sizes(sizes: Any, size: Dim, axis: int) -> Shape:
    if isinstance(sizes, (int, np.integer)):
        count = int(sizes)
        if count < 1 or (isinstance(size, int) and size % count):
            raise ArgumentError(f"split: axis {axis} of size {size} cannot be cut into {count} equal "
                                "parts; give their "
                                "sizes as a list")  # fmt: skip
        return (size // count,) * count
    listed = resolve_shape(sizes)
    unknown = [i for i, d in enumerate(listed) if isinstance(d, int) and d == -1]
    if len(unknown) > 1 or not listed:
        raise ArgumentError(f"split: sizes {list(listed)} must be at least one, of which at most one is -1")
    if not unknown:
        return listed
    rest = size
    for i, part in enumerate(listed):
        rest = rest - part if i != unknown[0] else rest
    return replaced(listed, unknown[0], rest)
