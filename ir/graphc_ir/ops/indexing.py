"""Gathering, scattering and Python indexing."""

from __future__ import annotations

from typing import Any


from graphc_ir import dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, bind, lift, shape_of
from graphc_ir.ops.movement import Slice, reshape


def getitem(x: Operand, key: Any) -> Operand:
    """``x[key]`` for ints, slices with steps, Ellipsis and newaxis."""
    keys = key if isinstance(key, tuple) else (key,)
    operand = lift(x)
    return _basic(operand, _expand_ellipsis(keys, len(shape_of(operand))))


def _expand_ellipsis(keys: tuple[Any, ...], rank: int) -> list[Any]:
    used = sum(k is not None and k is not Ellipsis for k in keys)
    if used > rank:
        raise ArgumentError(f"too many indices: {used} for a tensor of rank {rank}")
    fill = [slice(None)] * (rank - used)
    position = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    return [*keys[:position], *fill, *keys[position + 1 :]]


def _basic(x: Operand, keys: list[Any]) -> Operand:
    shape = shape_of(x)
    starts: list[Dim] = []
    stops: list[Dim] = []
    steps: list[int] = []
    kept: list[int | None] = []
    axis = 0
    for key in keys:
        if key is None:
            kept.append(None)
            continue
        start, stop, step, keep = _bounds(key, shape[axis], axis)
        starts.append(start)
        stops.append(stop)
        steps.append(step)
        if keep:
            kept.append(axis)
        axis += 1
    whole = all(s == 0 and e == d and t == 1 for s, e, d, t in zip(starts, stops, shape, steps, strict=True))
    sliced = x if whole else bind(Slice(tuple(starts), tuple(stops), tuple(steps)), x)
    have = shape_of(sliced)
    wanted: Shape = tuple(1 if k is None else have[k] for k in kept)
    return sliced if wanted == have else reshape(sliced, wanted)


def _bounds(key: Any, size: Dim, axis: int) -> tuple[Dim, Dim, int, bool]:
    if isinstance(key, slice):
        return (*_slice_bounds(key, size), True)
    index = key.__index__()
    if isinstance(size, int) and not -size <= index < size:
        raise ArgumentError(f"index {index} is out of range for axis {axis} of size {size}")
    start = index if index >= 0 else size + index
    return start, start + 1, 1, False


def _slice_bounds(key: slice, size: Dim) -> tuple[Dim, Dim, int]:
    if isinstance(size, int):
        start, stop, step = key.indices(size)
        return start, stop, step
    step = 1 if key.step is None else int(key.step)
    first: Dim = 0 if step > 0 else size - 1
    last: Dim = size if step > 0 else -1
    return _bound(key.start, size, first), _bound(key.stop, size, last), step


def _bound(value: Any, size: Dim, default: Dim) -> Dim:
    if value is None:
        return default
    index = int(value)
    bound = index if index >= 0 else size + index
    if dims.known_ge(size, bound) is None:
        raise ArgumentError(f"slice bound {index} may lie beyond a size {size} that is not known; use a bound within it")
    return bound


