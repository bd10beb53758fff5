"""``keras.ops.numpy``: the same elements in another shape, order or place."""

from __future__ import annotations

import builtins
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import unary
from graphc.keras.ops.promotion import convert, convert_all, promoted
from graphc_ir.dims import Dim, Shape, element_count, known_equal
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import movement as ir
from graphc_ir.ops import rearrange
from graphc_ir.ops.base import Operand, dtype_of, normalize_axis, rank_of, shape_of
from graphc_ir.ops.padding import pad as padded
from graphc_ir.ops.shape import bitcast, ensure_shape

__all__ = [
    "append", "array_split", "broadcast_to", "concatenate", "copy", "dsplit", "dstack", "expand_dims", "flip", "fliplr",
    "flipud", "hsplit", "hstack", "moveaxis", "pad", "ravel", "repeat", "reshape", "roll", "rot90", "split", "squeeze",
    "stack", "swapaxes", "tile", "transpose", "view", "vsplit", "vstack",
]  # fmt: skip


# --- shape -----------------------------------------------------------------------------------------------------------


@operation("numpy")
def reshape(x: Any, newshape: Any) -> Any:
    """The elements in another shape; one size may be -1 (or None): it follows from the others.

    Where open sizes leave it undecided whether the elements fit, they are taken to, which is checked when the graph
    runs.
    """
    sizes = newshape
    if isinstance(newshape, (list, tuple)):
        sizes = [-1 if size is None else size for size in newshape]
    return _fitted(convert(x), ir.resolve_shape(sizes))


def _fitted(x: Operand, sizes: Shape) -> Operand:
    total = element_count(shape_of(x))
    given = element_count(tuple(d for d in sizes if d != -1))
    if given == 0 or sizes.count(-1) > 1:
        return ir.reshape(x, sizes)  # which says what is wrong
    filled = tuple(total // given if d == -1 else d for d in sizes)
    if known_equal(total, element_count(filled)) is not None:
        return ir.reshape(x, sizes)
    return ir.reshape(ensure_shape(ir.reshape(x, (-1,)), (element_count(filled),)), filled)


def _flat(x: Operand) -> Operand:
    """The elements as a vector."""
    return ir.reshape(x, (-1,))


def _same(x: Operand) -> Operand:
    """The tensor itself: tensors are immutable."""
    return x


ravel = unary("ravel", _flat, convert)
copy = unary("copy", _same, convert)


@operation("numpy")
def expand_dims(x: Any, axis: Any) -> Any:
    """Axes of size 1 put in at ``axis``, one place or several."""
    return ir.expand_dims(convert(x), axis)


@operation("numpy")
def squeeze(x: Any, axis: Any = None) -> Any:
    """Axes of size 1 removed: those named, or all. Raises ShapeError for a named axis of another size."""
    return ir.squeeze(convert(x), axis)


@operation("numpy")
def broadcast_to(x: Any, shape: Any) -> Any:
    """Axes of size 1 repeated up to ``shape``."""
    return ir.broadcast_to(convert(x), shape)


@operation("numpy")
def view(x: Any, dtype: Any = None) -> Any:
    """The same bytes read as ``dtype``; its size must fit the last axis."""
    tensor = convert(x)
    if dtype is None:
        return tensor
    read = bitcast(tensor, dtype)
    if rank_of(read) <= rank_of(tensor) or not rank_of(tensor):
        return read
    # A smaller dtype makes the last axis longer, where the bitcast adds one.
    *lead, last, parts = shape_of(read)
    return ir.reshape(read, (*lead, last * parts))


# --- order of axes and elements --------------------------------------------------------------------------------------


@operation("numpy")
def transpose(x: Any, axes: Any = None) -> Any:
    """The axes in the order ``axes``, by default reversed."""
    return ir.transpose(convert(x), axes)


@operation("numpy")
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    return rearrange.swapaxes(convert(x), axis1, axis2)


@operation("numpy")
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places; the others keep their order."""
    return rearrange.moveaxis(convert(x), source, destination)


@operation("numpy")
def flip(x: Any, axis: Any = None) -> Any:
    """The elements in opposite order along the axes, None meaning all of them."""
    tensor = convert(x)
    return ir.reverse(tensor, tuple(range(rank_of(tensor))) if axis is None else axis)


def _flipped(name: str, axis: int, doc: str) -> Callable[..., Any]:
    def call(x: Operand) -> Operand:
        return ir.reverse(x, axis)

    call.__doc__ = doc
    return unary(name, call, convert)


fliplr = _flipped("fliplr", 1, "The elements in opposite order along the second axis.")
flipud = _flipped("flipud", 0, "The elements in opposite order along the first axis.")


@operation("numpy")
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved by ``shift`` places along the axes; those that leave come in at the other end."""
    return rearrange.roll(convert(x), shift, axis)


@operation("numpy", "array")
def rot90(array: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Any:
    """Turned by ``k`` quarters in the plane of two axes, from the first towards the second.

    Raises ArgumentError unless these are two different axes.
    """
    tensor = convert(array)
    first, second = (normalize_axis(axis, rank_of(tensor), "axes") for axis in axes)
    if first == second:
        raise ArgumentError(f"rot90: axes={tuple(axes)} name one axis twice, expected two different ones")
    turns = k % 4
    if turns == 2:
        return ir.reverse(tensor, (first, second))
    if turns == 0:
        return tensor
    swapped = rearrange.swapaxes(ir.reverse(tensor, second) if turns == 1 else tensor, first, second)
    return swapped if turns == 1 else ir.reverse(swapped, second)


@operation("numpy")
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element ``repeats`` times along an axis; of the flattened tensor without one."""
    return rearrange.repeat(convert(x), repeats, axis)


@operation("numpy")
def tile(x: Any, repeats: Any) -> Any:
    """The tensor ``repeats[i]`` times along axis i, counted from the last axis."""
    tensor = convert(x)
    counts = [*ir.resolve_shape(repeats)]
    missing = len(counts) - rank_of(tensor)
    if missing > 0:
        tensor = ir.reshape(tensor, ((1,) * missing + shape_of(tensor)))
    return ir.tile(tensor, [1] * -missing + counts)


_PAD_MODES = ("constant", "reflect", "symmetric", "edge")


@operation("numpy", "x constant_values")
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Borders around the tensor: ``pad_width`` is a pair (before, after) per axis, one pair for all, or one number.

    ``mode``: "constant" (``constant_values``, 0 by default), "reflect", "symmetric" or "edge". Raises ArgumentError for
    another mode, and for constant values with a mode that has none.
    """
    tensor = convert(x)
    if mode not in _PAD_MODES:
        raise ArgumentError(f"pad: got mode={mode!r}, expected one of {', '.join(_PAD_MODES)}")
    if mode != "constant" and constant_values is not None:
        raise ArgumentError(f"pad: constant_values={constant_values!r} has no meaning with mode={mode!r}; leave it out")
    value = 0 if constant_values is None else convert(constant_values, dtype_of(tensor))
    return padded(tensor, _pairs(pad_width, rank_of(tensor)), mode, value)


def _pairs(width: Any, rank: int) -> list[Any]:
    listed = width.tolist() if isinstance(width, np.ndarray) else width
    if not isinstance(listed, (list, tuple)):
        return [(listed, listed)] * rank
    if not builtins.any(isinstance(pair, (list, tuple)) for pair in listed):
        return [tuple(listed) if len(listed) == 2 else tuple(listed) * 2] * rank
    pairs = [tuple(pair) if len(pair) == 2 else tuple(pair) * 2 for pair in listed]
    return pairs * rank if len(pairs) == 1 else pairs


# --- joining ---------------------------------------------------------------------------------------------------------


@operation("numpy", "xs")
def concatenate(xs: Any, axis: int | None = 0) -> Any:
    """Tensors one after the other along an axis, in their common dtype; flattened ones for None."""
    tensors = convert_all(xs)
    return ir.concat(tensors, axis) if axis is not None else ir.concat([_flat(t) for t in tensors], 0)


@operation("numpy")
def stack(x: Any, axis: int = 0) -> Any:
    """Tensors of one shape side by side along a new axis, in their common dtype."""
    return rearrange.stack(convert_all(x), axis)


def _with_rank(x: Operand, rank: int) -> Operand:
    return x if rank_of(x) >= rank else ir.reshape(x, (1,) * (rank - rank_of(x)) + shape_of(x))


@operation("numpy", "xs")
def hstack(xs: Any) -> Any:
    """Tensors side by side: along the second axis, vectors along their only one."""
    tensors = [_with_rank(t, 1) for t in convert_all(xs)]
    return ir.concat(tensors, 0 if rank_of(tensors[0]) == 1 else 1)


@operation("numpy", "xs")
def vstack(xs: Any) -> Any:
    """Tensors below one another: along the first axis; a vector counts as one row."""
    return ir.concat([_with_rank(t, 2) for t in convert_all(xs)], 0)


@operation("numpy", "xs")
def dstack(xs: Any) -> Any:
    """Tensors behind one another along the third axis, which lower ranks get first."""
    return ir.concat([_with_depth(t) for t in convert_all(xs)], 2)


def _with_depth(x: Operand) -> Operand:
    flat = _with_rank(x, 2)
    return flat if rank_of(flat) > 2 else ir.expand_dims(flat, 2)


@operation("numpy", "x1 x2")
def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """``x2`` after ``x1`` along an axis; both flattened without one."""
    tensors = promoted(x1, x2)
    return ir.concat(tensors, axis) if axis is not None else ir.concat([_flat(t) for t in tensors], 0)


# --- splitting -------------------------------------------------------------------------------------------------------


@operation("numpy")
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """A list of parts along an axis: a number of equal ones, or cut at these positions.

    Raises ArgumentError when the axis cannot be cut into equal parts.
    """
    tensor = convert(x)
    place = normalize_axis(axis, rank_of(tensor))
    return _cut(tensor, indices_or_sections, place)


def _cut(x: Operand, indices_or_sections: Any, axis: int) -> list[Operand]:
    listed = np.asarray(indices_or_sections)
    if not listed.ndim:
        return ir.split(x, int(listed), axis)
    size = shape_of(x)[axis]
    bounds: list[Dim] = [0, *(_position(i, size) for i in listed.tolist()), size]
    return [ir.slice_axis(x, axis, low, high) for low, high in itertools.pairwise(bounds)]


def _position(index: int, size: Dim) -> Dim:
    """A cut, counted from the end if negative, within the axis where its size is known."""
    if not isinstance(size, int):
        return index if index >= 0 else size + index
    return min(size, index if index >= 0 else max(size + index, 0))


@operation("numpy")
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Like :func:`split`, but the parts of a number of sections may differ by one: the first are larger.

    Raises ArgumentError for a number of sections along an axis of unknown size.
    """
    tensor = convert(x)
    place = normalize_axis(axis, rank_of(tensor))
    if np.ndim(indices_or_sections):
        return _cut(tensor, indices_or_sections, place)
    size, sections = shape_of(tensor)[place], operator.index(indices_or_sections)
    if not isinstance(size, int) or sections < 1:
        raise ArgumentError(f"array_split: cannot cut axis {axis} of size {size} into {sections} parts; expected a "
                            "known size and 1 part or more")  # fmt: skip
    return ir.split(tensor, [len(part) for part in np.array_split(np.arange(size), sections)], place)


def _split_along(name: str, axis_of: Callable[[int], int], doc: str) -> Callable[..., Any]:
    def call(x: Any, indices_or_sections: Any) -> Any:
        tensor = convert(x)
        return _cut(tensor, indices_or_sections, axis_of(rank_of(tensor)))

    call.__name__, call.__doc__ = name, doc
    return operation("numpy")(call)


hsplit = _split_along("hsplit", lambda rank: min(rank - 1, 1), "Parts along the second axis (a vector's only one).")
vsplit = _split_along("vsplit", lambda rank: 0, "Parts along the first axis.")
dsplit = _split_along("dsplit", lambda rank: 2, "Parts along the third axis.")
