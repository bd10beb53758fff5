"""Python indexing: ``x[key]`` with the meaning that NumPy gives it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, DimExpr, Shape, broadcast_shapes, fresh_symbol
from graphc_ir.dtypes import int64
from graphc_ir.errors import ArgumentError, DTypeError
from graphc_ir.ops.base import (
    Array,
    Op,
    Operand,
    bind,
    current,
    dtype_of,
    lift,
    rank_of,
    shape_of,
    to_array,
)
from graphc_ir.ops.creation import arange, iota
from graphc_ir.ops.elementwise import cast, maximum, minimum
from graphc_ir.ops.gather import gather, gather_nd, scatter_along, wrap_negative
from graphc_ir.ops.movement import (
    Reshape,
    Slice,
    broadcast_to,
    concat,
    expand_dims,
    replaced,
    reshape,
    slice_axis,
    slice_size,
    transpose,
)
from graphc_ir.ops.selection import argwhere, boolean_mask, check_mask
from graphc_ir.ops.shape import size_operand
from graphc_ir.types import TensorType

__all__ = ["ClampedSlice", "getitem", "is_basic"]

_HUGE: Final = 2**31 - 1  # what ONNX models write for "to the end"
_END: Final = 2**63 - 1


class ClampedSlice(Op):
    """``x[start:stop:step]`` on one axis with Python's rules: negative bounds count from the end, and bounds
    outside the axis are moved to it. For axes of unknown size, so that the result has a size of its own
    (``length``)."""

    axis: int
    bounds: Shape
    step: int
    length: Shape
    makes_sizes = True
    is_view = True

    def infer(self, x: TensorType) -> TensorType:
        return x.with_shape(replaced(x.shape, self.axis, self.length[0]))

    def kernel(self, x: Array) -> Any:
        start, stop = self.bounds
        return x[(*(slice(None),) * self.axis, slice(start, stop, self.step))]

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        shape = shape_of(x)

        def spread() -> Operand:
            read = bind(ClampedSlice(0, self.bounds, self.step, self.length), iota(shape[self.axis], int64))
            return scatter_along(g, read, self.axis, shape)

        return spread


def is_basic(key: Any) -> bool:
    """Whether a key has only ints, slices of ints, Ellipsis and None: NumPy then gives a view, and so may
    callers."""
    if type(key) is tuple:
        return all(map(is_basic, key))
    if type(key) is slice:
        return all(type(b) in _BOUND for b in (key.start, key.stop, key.step))
    return type(key) is int or key is None or key is Ellipsis


_BOUND: Final = frozenset((int, type(None)))


def getitem(x: Operand, key: Any) -> Operand:
    """``x[key]`` for ints, slices, Ellipsis, newaxis, bool masks and integer arrays or tensors, as in NumPy.

    Slice bounds may depend on data: the result then has a size of its own. Raises ArgumentError for an index outside
    its axis, too many indices, and slice steps that depend on data.
    """
    operand = lift(x)
    shape = shape_of(operand)
    if is_basic(key) and all(type(d) is int for d in shape):
        sliced, shaped = _plan(_frozen(key), shape)
        result = operand if sliced is None else bind(sliced, operand)
        return result if shaped is None else bind(shaped, result)
    keys = key if isinstance(key, tuple) else (key,)
    return _index(operand, _expand_ellipsis([_resolved(k) for k in keys], len(shape)))


def _frozen(key: Any) -> tuple[Any, ...]:
    """The key in a form that can be hashed: slices are not in Python 3.11."""
    keys = key if type(key) is tuple else (key,)
    return tuple([(k.start, k.stop, k.step) if type(k) is slice else k for k in keys])


@lru_cache(4096)
def _plan(frozen: tuple[Any, ...], shape: Shape) -> tuple[Slice | None, Reshape | None]:
    """The ops that basic indexing of a static shape takes."""
    keys = [slice(*k) if type(k) is tuple else k for k in frozen]
    starts: list[int] = []
    stops: list[int] = []
    steps: list[int] = []
    kept: list[Dim] = []
    for key in _expand_ellipsis(keys, len(shape)):
        if key is None:
            kept.append(1)
            continue
        start, stop, step = _static_bounds(key, shape[len(starts)], len(starts))
        if type(key) is slice:
            kept.append(slice_size(start, stop, step))
        starts.append(start)
        stops.append(stop)
        steps.append(step)
    sizes = tuple(map(slice_size, starts, stops, steps))
    whole = sizes == shape and all(s == 1 for s in steps)
    sliced = None if whole else Slice(tuple(starts), tuple(stops), tuple(steps))
    return sliced, None if tuple(kept) == sizes else Reshape(tuple(kept))


def _static_bounds(key: Any, size: Any, axis: int) -> tuple[int, int, int]:
    if type(key) is not slice:
        place: Any = _element(key, size, axis)
        return place, place + 1, 1
    if key.step == 0:
        raise ArgumentError(f"slice step 0 on axis {axis}; expected another number")
    start, stop, step = key.indices(size)
    return (start, stop, step) if slice_size(start, stop, step) else (0, 0, 1)


def _resolved(key: Any) -> Any:
    """A key item as None, Ellipsis, a slice of dims, a dim, or an operand (mask or integer indices)."""
    if key is None or key is Ellipsis or isinstance(key, DimExpr):
        return key
    if isinstance(key, slice):
        return slice(_bound(key.start), _bound(key.stop), _step(key.step))
    if isinstance(key, (bool, np.bool_)):
        raise ArgumentError(f"{key} is no index; use an int, a mask of the tensor's shape, or None for a new axis")
    if isinstance(key, (int, np.integer)):
        return int(key)
    operand = current().as_operand(key)
    if operand is None:
        return _index_array(key)
    if dtype_of(operand).is_integer and not rank_of(operand):
        known = current().symbolic_dims(operand)
        return operand if known is None else known[0]
    if not (dtype_of(operand).is_integer or dtype_of(operand).is_bool):
        raise DTypeError(f"a tensor of dtype {dtype_of(operand).name} is no index; use integers or a bool mask")
    return operand


def _index_array(key: Any) -> Any:
    """Plain data as an operand, or as an array while its negative indices can still be changed in place."""
    # An empty list would be floats.
    array = np.zeros(np.shape(key), np.int32) if isinstance(key, (list, tuple)) and not np.size(key) else to_array(key)
    if array.dtype.kind not in "iub":
        raise DTypeError(f"an array of dtype {array.dtype} is no index; use integers or a bool mask")
    return lift(array) if array.dtype.kind == "b" else _Indices(array)


class _Indices:
    """Integer indices whose values are known."""

    __slots__ = ("array",)

    def __init__(self, array: Array) -> None:
        self.array = array

    def lifted(self, size: Dim) -> Operand:
        """As an operand, with negative indices counted from the end of an axis of this size."""
        if not self.array.size or self.array.min() >= 0:
            return lift(self.array)
        if isinstance(size, int) and self.array.min() >= -size:
            return lift(np.where(self.array < 0, self.array + size, self.array).astype(self.array.dtype, copy=False))
        return wrap_negative(lift(self.array), size)


def _is_mask(key: Any) -> bool:
    return _is_operand(key) and not isinstance(key, _Indices) and dtype_of(key).is_bool


def _indices(key: Any, size: Dim) -> Operand:
    return key.lifted(size) if isinstance(key, _Indices) else wrap_negative(key, size)


def _bound(value: Any) -> Any:
    """A slice bound as None, a dim, or an integer scalar where it depends on data."""
    if value is None or isinstance(value, (int, DimExpr)):
        return value
    if hasattr(value, "__index__") and isinstance(value, np.generic):
        return int(value)
    operand = lift(value)
    if rank_of(operand) or not dtype_of(operand).is_integer:
        raise ArgumentError(f"a slice bound must be an integer, got shape {list(shape_of(operand))} of dtype "
                            f"{dtype_of(operand).name}")  # fmt: skip
    known = current().symbolic_dims(operand)
    return operand if known is None else known[0]


def _step(value: Any) -> int:
    step = _bound(value)
    if step is None:
        return 1
    if not isinstance(step, int) or step == 0:
        raise ArgumentError(f"a slice step must be a known integer other than 0, got {step}; for a step that depends "
                            "on data write tf.gather(x, tf.range(start, stop, step), axis=...)")  # fmt: skip
    return step


def _is_operand(key: Any) -> bool:
    return not (key is None or isinstance(key, (int, slice, DimExpr)))


def _covers(key: Any) -> int:
    """How many axes a key item uses up."""
    if key is None or key is Ellipsis:
        return 0
    return rank_of(key) if _is_mask(key) else 1


def _expand_ellipsis(keys: list[Any], rank: int) -> list[Any]:
    places = [i for i, k in enumerate(keys) if k is Ellipsis]
    used = sum(map(_covers, keys))
    if used > rank or len(places) > 1:
        problem = f"{used} for a tensor of rank {rank}" if used > rank else "more than one Ellipsis"
        raise ArgumentError(f"too many indices: {problem}")
    fill = [slice(None)] * (rank - used)
    place = places[0] if places else len(keys)
    return [*keys[:place], *fill, *keys[place + 1 :]]


def _index(x: Operand, keys: list[Any]) -> Operand:
    if not any(map(_is_operand, keys)):
        return _basic(x, keys)
    plain: list[Any] = []
    operands: list[tuple[int, Operand]] = []
    axis = source = 0
    for key in keys:
        if _is_operand(key):
            if _is_mask(key):
                check_mask(key, shape_of(x), source)
            operands.append((axis, key))
            plain += [slice(None)] * _covers(key)
        else:
            plain.append(key)
        axis += _covers(key) if _is_operand(key) else int(key is None or isinstance(key, slice))
        source += _covers(key)
    return _advanced(_basic(x, plain), operands, _lead(keys))


def _lead(keys: list[Any]) -> int | None:
    """Where the indexed axes go: in place of the index items if these stand together (None: to the front)."""
    spots = [i for i, k in enumerate(keys) if k is not None and not isinstance(k, slice)]
    together = spots[-1] - spots[0] + 1 == len(spots)
    return spots[0] if together else None


def _advanced(x: Operand, operands: list[tuple[int, Operand]], lead: int | None) -> Operand:
    """``operands`` are masks and integer indices with the axis each starts at; other axes are kept whole."""
    if len(operands) == 1:
        axis, key = operands[0]
        if _is_mask(key):
            found, count = boolean_mask(x, key, axis), 1
        else:
            where = _indices(key, shape_of(x)[axis])
            found, count = gather(x, where, axis), rank_of(where)
        return _move(found, axis, count, 0) if lead is None else found
    columns = [pair for axis, key in operands for pair in _columns(x, axis, key)]
    axes = [axis for axis, _ in columns]
    shape = broadcast_shapes(*(shape_of(c) for _, c in columns))
    tuples = concat([expand_dims(broadcast_to(cast(c, int64), shape), -1) for _, c in columns], -1)
    rest = [i for i in range(rank_of(x)) if i not in axes]
    found = gather_nd(transpose(x, (*axes, *rest)), tuples)
    return found if lead is None else _move(found, 0, len(shape), lead)


def _columns(x: Operand, axis: int, key: Operand) -> list[tuple[int, Operand]]:
    """One vector of positions per axis that a key item covers."""
    if not _is_mask(key):
        return [(axis, _indices(key, shape_of(x)[axis]))]
    places = argwhere(key)
    return [(axis + i, reshape(slice_axis(places, 1, i, i + 1), (-1,))) for i in range(rank_of(key))]


def _move(x: Operand, start: int, count: int, target: int) -> Operand:
    """Moves ``count`` axes from ``start`` so that they begin at ``target``."""
    if start == target or not count:
        return x
    rest = [i for i in range(rank_of(x)) if not start <= i < start + count]
    return transpose(x, (*rest[:target], *range(start, start + count), *rest[target:]))


def _basic(x: Operand, keys: list[Any]) -> Operand:
    """Dims, slices of dims and new axes."""
    shape = shape_of(x)
    bounds: list[tuple[Dim, Dim, int]] = []
    kept: list[int | None] = []
    clamped: list[tuple[int, slice]] = []
    for key in keys:
        axis = len(bounds)
        if key is None:
            kept.append(None)
            continue
        if isinstance(key, slice):
            kept.append(axis)
            found = None if _depends_on_data(key) else _slice_bounds(key, shape[axis], axis)
            if found is None:
                clamped.append((axis, key))
            bounds.append(found or (0, shape[axis], 1))
        else:
            start = _element(key, shape[axis], axis)
            bounds.append((start, start + 1, 1))
    result = x
    if any(bound != (0, size, 1) for bound, size in zip(bounds, shape, strict=True)):
        starts, stops, steps = zip(*bounds, strict=True)
        result = bind(Slice(starts, stops, steps), x)
    for axis, key in clamped:
        result = (_gathered_slice if _depends_on_data(key) else _clamped_slice)(result, axis, key)
    have = shape_of(result)
    wanted: Shape = tuple(1 if k is None else have[k] for k in kept)
    return result if wanted == have else bind(Reshape(wanted), result)


def _clamped_slice(x: Operand, axis: int, key: slice) -> Operand:
    step = key.step or 1
    first, last = (0, _END) if step > 0 else (_END, -_END)
    bounds = (first if key.start is None else key.start, last if key.stop is None else key.stop)
    return bind(ClampedSlice(axis, bounds, step, (fresh_symbol(),)), x)


def _depends_on_data(key: slice) -> bool:
    return any(not (bound is None or isinstance(bound, (int, DimExpr))) for bound in (key.start, key.stop))


def _gathered_slice(x: Operand, axis: int, key: slice) -> Operand:
    """A slice whose bounds are only known when the graph runs."""
    size, step = shape_of(x)[axis], key.step or 1
    first, last = (0, size) if step > 0 else (size - 1, -1)
    lowest, highest = (0, size) if step > 0 else (-1, size - 1)
    start, stop = (
        _index_of(default) if bound is None else _clipped(bound, size, lowest, highest)
        for bound, default in ((key.start, first), (key.stop, last))
    )
    return gather(x, arange(start, stop, step), axis)


def _clipped(bound: Any, size: Dim, lowest: Dim, highest: Dim) -> Operand:
    """A slice bound as Python reads it: counted from the end if negative, and moved to the axis's limits."""
    place = wrap_negative(_index_of(bound), size)
    return minimum(maximum(place, _index_of(lowest)), _index_of(highest))


def _index_of(bound: Any) -> Operand:
    return size_operand(bound, int64) if isinstance(bound, (int, DimExpr)) else cast(bound, int64)


def _element(index: Dim, size: Dim, axis: int) -> Dim:
    """The position that an index names. Raises ArgumentError when it is certainly outside the axis."""
    negative = dims.known_ge(-1, index) is True
    position = size + index if negative else index
    outside = dims.known_ge(position, 0) is False or dims.known_ge(size, position + 1) is False
    if outside:
        raise ArgumentError(f"index {index} is out of range for axis {axis} of size {size}; expected "
                            f"{-size} <= index < "
                            f"{size}")  # fmt: skip
    return position


def _slice_bounds(key: slice, size: Dim, axis: int) -> tuple[Dim, Dim, int] | None:
    """Normalised bounds; None when it depends on unknown sizes whether they lie inside the axis."""
    if isinstance(size, int) and is_basic(key):
        return _static_bounds(key, size, axis)
    step = key.step or 1
    start = _position(key.start, size, step, 0 if step > 0 else size - 1)
    stop = _position(key.stop, size, step, size if step > 0 else -1)
    low, high = (start, stop) if step > 0 else (stop + 1, start + 1)
    if dims.known_ge(low, high) is True:
        return 0, 0, 1
    if not (dims.known_ge(low, 0) and dims.known_ge(size, high)):
        return None
    # Whether they are in order may stay open if the result's size follows the axis: it is checked when the
    # graph runs.
    ordered = dims.known_ge(high, low) or not isinstance(slice_size(start, stop, step), int)
    return (start, stop, step) if ordered else None


def _position(value: Dim | None, size: Dim, step: int, default: Dim) -> Dim:
    if value is None:
        return default
    if isinstance(value, int) and abs(value) >= _HUGE:
        end = size if step > 0 else size - 1
        return end if value > 0 else (0 if step > 0 else -1)
    return size + value if dims.known_ge(-1, value) is True else value
