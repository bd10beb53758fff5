"""``keras.ops.numpy``: elements by index or condition, sorted, searched, counted as a set."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import unary
from graphc.keras.ops.promotion import as_bool, as_index, convert, promoted
from graphc_ir.dims import fresh_symbol
from graphc_ir.dtypes import int8, int32, int64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import gather as ir
from graphc_ir.ops import sorting
from graphc_ir.ops.arithmetic import floordiv, floormod
from graphc_ir.ops.base import Operand, bind, dtype_of, lift, normalize_axis, rank_of, shape_of
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import cast, equal
from graphc_ir.ops.elementwise import select as choose
from graphc_ir.ops.gather import wrap_negative
from graphc_ir.ops.indexing import getitem
from graphc_ir.ops.logical import is_nan, logical_not
from graphc_ir.ops.movement import broadcast_to, expand_dims, pad_with, reshape, slice_axis
from graphc_ir.ops.reduction import reduce_any
from graphc_ir.ops.segment import unsorted_segment_min
from graphc_ir.ops.selection import Unique, argwhere
from graphc_ir.ops.shape import size as element_count

__all__ = [
    "argpartition", "argsort", "digitize", "get_item", "isin", "nan_to_num", "ndim", "nonzero", "searchsorted",
    "select", "size", "sort", "take", "take_along_axis", "unique", "unravel_index", "where",
]  # fmt: skip


@operation("numpy", "x key")
def get_item(x: Any, key: Any) -> Any:
    """``x[key]`` for ints, slices, Ellipsis, None, masks and index tensors, and tuples of these.

    A list is taken as a tuple, which is what files hold for one.
    """
    return getitem(convert(x), tuple(key) if isinstance(key, list) else key)


@operation("numpy", "x indices")
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The slices of ``x`` along an axis at ``indices``, negative ones counted from the end; flattened without an axis.

    Raises ArgumentError for an index outside the axis.
    """
    tensor, where = convert(x), as_index(indices)
    if axis is None:
        tensor, axis = reshape(tensor, (-1,)), 0
    place = normalize_axis(axis, rank_of(tensor))
    return ir.gather(tensor, wrap_negative(where, shape_of(tensor)[place]), place)


@operation("numpy", "x indices")
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements of each line along an axis that ``indices``, of the same rank, name; flattened without an axis."""
    tensor, where = convert(x), as_index(indices)
    if axis is None:
        tensor, where, axis = reshape(tensor, (-1,)), reshape(where, (-1,)), 0
    place = normalize_axis(axis, rank_of(tensor))
    positive = wrap_negative(where, shape_of(tensor)[place])
    return ir.take_along_axis(_spread(tensor, positive, place), _spread(positive, tensor, place), place)


def _spread(x: Operand, other: Operand, axis: int) -> Operand:
    """``x`` with axes of size 1 grown to those of another tensor, all but one axis."""
    shape, wanted = shape_of(x), shape_of(other)
    sizes = [w if i != axis and d == 1 else d for i, (d, w) in enumerate(zip(shape, wanted, strict=True))]
    return broadcast_to(x, tuple(sizes))


@operation("numpy", "condition x1 x2")
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """``x1`` where the condition holds, else ``x2``, broadcast and in their common dtype.

    With the condition alone the indices where it holds, as :func:`nonzero`. Raises ArgumentError for only one of both.
    """
    if x1 is None and x2 is None:
        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ArgumentError("where takes both x1 and x2, or neither (then it gives indices)")
    return choose(as_bool(condition), *promoted(x1, x2))


@operation("numpy", "condlist choicelist default")
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Per element the choice of the first condition that holds, else ``default``.

    Raises ArgumentError unless there are as many choices as conditions.
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ArgumentError(f"select: got {len(condlist)} conditions and {len(choicelist)} choices, expected as many "
                            "of both, at least one")  # fmt: skip
    *choices, result = promoted(*choicelist, default)
    for condition, choice in reversed(list(zip(condlist, choices, strict=True))):
        result = choose(as_bool(condition), choice, result)
    return result


@operation("numpy")
def nonzero(x: Any) -> Any:
    """A tuple with one int32 vector per axis: where the elements are that are not zero."""
    tensor = convert(x)
    found = cast(argwhere(as_bool(tensor)), int32)
    return tuple(reshape(slice_axis(found, 1, i, i + 1), (-1,)) for i in range(rank_of(tensor)))


@operation("numpy")
def nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """NaN and infinities replaced by numbers, by default 0 and the largest and smallest finite values."""
    tensor = convert(x)
    dtype = dtype_of(tensor)
    if not dtype.is_floating:
        return tensor
    high, low = dtype.max if posinf is None else posinf, dtype.min if neginf is None else neginf
    finite = choose(equal(tensor, np.inf), cast(high, dtype), choose(equal(tensor, -np.inf), cast(low, dtype), tensor))
    return choose(is_nan(tensor), cast(nan, dtype), finite)


def _count(x: Operand) -> Operand:
    """The number of elements, an int32 scalar."""
    return element_count(x)


size = unary("size", _count, convert)


def ndim(x: Any) -> int:
    """The number of axes."""
    return rank_of(convert(x))


# --- order -----------------------------------------------------------------------------------------------------------


def _ordered(x: Any, axis: int | None) -> tuple[Operand, int]:
    """A tensor that can be sorted, and the axis."""
    tensor = convert(x)
    return (reshape(tensor, (-1,)), 0) if axis is None else (tensor, axis)


@operation("numpy")
def sort(x: Any, axis: int | None = -1) -> Any:
    """The elements in ascending order along an axis; of the flattened tensor for None."""
    tensor, place = _ordered(x, axis)
    if dtype_of(tensor).is_bool:
        return cast(sorting.sort(cast(tensor, int8), place), dtype_of(tensor))
    return sorting.sort(tensor, place)


@operation("numpy")
def argsort(x: Any, axis: int | None = -1) -> Any:
    """The int32 indices that sort along an axis, equal elements in their order; of the flattened tensor for None."""
    tensor, place = _ordered(x, axis)
    return sorting.argsort(cast(tensor, int8) if dtype_of(tensor).is_bool else tensor, place)


@operation("numpy")
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Any:
    """Int32 indices that put element ``kth`` where sorting would, smaller ones before it and larger ones after.

    Raises ArgumentError for a ``kth`` outside of the axis.
    """
    tensor, place = _ordered(x, axis)
    normalize_axis(kth, _length(tensor, place), "kth")
    return argsort(tensor, place)


def _length(x: Operand, axis: int) -> int:
    """The size along an axis, or a bound that no index exceeds where it is not known."""
    found = shape_of(x)[normalize_axis(axis, rank_of(x))]
    return found if isinstance(found, int) else int(int32.max)


@operation("numpy", "sorted_sequence values", class_name="SearchSorted")
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Where each value goes into a sorted vector so that it stays sorted, int32.

    ``side``: "left" gives the place before equal elements, "right" the one after them. Raises ArgumentError for a
    sequence that is no vector.
    """
    sequence, wanted = promoted(sorted_sequence, values)
    if rank_of(sequence) != 1:
        raise ArgumentError(f"searchsorted: got a sequence of shape {tuple(shape_of(sequence))}, expected a vector")
    return reshape(sorting.searchsorted(sequence, reshape(wanted, (-1,)), side), shape_of(wanted))


@operation("numpy", "x bins")
def digitize(x: Any, bins: Any) -> Any:
    """The number of the bin of each element, int32: ``bins`` are their ascending edges, each belongs to what is above.

    Raises ArgumentError for bins that are no vector.
    """
    return searchsorted(bins, x, "right")


# --- sets ------------------------------------------------------------------------------------------------------------


@operation("numpy", "x1 x2", class_name="IsIn")
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Where elements of ``x1`` are among those of ``x2`` (with ``invert``: are not)."""
    tensor, members = promoted(x1, x2)
    hits = reduce_any(equal(expand_dims(tensor, -1), reshape(members, (-1,))), -1)
    return logical_not(hits) if invert else hits


@operation("numpy")
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The distinct elements, ascending or (``sorted=False``) in order of first occurrence.

    Also, if asked for: the index of the first occurrence of each, for each element of ``x`` the place of its value, and
    how often each occurs. ``size`` cuts the results off or fills them up, values with ``fill_value`` (by default the
    first value), the others with 0. Raises ArgumentError for an axis of a tensor that is no vector.
    """
    tensor = convert(x)
    if axis is not None and rank_of(tensor) != 1:
        raise ArgumentError(f"unique: got axis={axis} for x of shape {tuple(shape_of(tensor))}; graphc finds distinct "
                            "elements, not slices: use axis=None")  # fmt: skip
    flat = reshape(tensor, (-1,))
    values, places, counts = bind(Unique((fresh_symbol(),), int32, bool(sorted)), flat)
    first = unsorted_segment_min(iota(shape_of(flat)[0], int32), places, shape_of(values)[0])
    inverse = reshape(places, shape_of(tensor))
    filler = getitem(values, 0) if fill_value is None else fill_value
    found = [_fitted(values, size, filler)]
    found += [_fitted(first, size, 0)] if return_index else []
    found += [inverse] if return_inverse else []
    found += [_fitted(counts, size, 0)] if return_counts else []
    return tuple(found) if len(found) > 1 else found[0]


def _fitted(x: Operand, size: int | None, filler: Any) -> Operand:
    """A vector cut off or filled up to ``size``."""
    if size is None:
        return x
    longer = pad_with(x, (0,), (size,), cast(lift(filler, dtype_of(x)), dtype_of(x)))
    return slice_axis(longer, 0, 0, size)


@operation("numpy", "indices")
def unravel_index(indices: Any, shape: Any) -> Any:
    """A tuple of positions per axis of a tensor of ``shape`` from positions in its flattened form."""
    where = as_index(indices)
    sizes = [int(size) for size in shape]
    total = int(np.prod(sizes, dtype=np.int64))
    rest = cast(wrap_negative(where, total), int64)
    found: list[Operand] = []
    for size in reversed(sizes):
        found.insert(0, cast(floormod(rest, size), dtype_of(where)))
        rest = floordiv(rest, size)
    return tuple(found)
