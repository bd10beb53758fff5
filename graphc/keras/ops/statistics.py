"""``keras.ops.numpy``: quantiles, histograms, correlation, differences and integrals."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any, Final

from graphc.keras.engine.operation import operation
from graphc.keras.ops.promotion import as_index, convert, floats, promoted
from graphc_ir.dtypes import bool_, int32
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import ceil, clip_by_value, floor, round
from graphc_ir.ops.base import Operand, dtype_of, lift, normalize_axes, normalize_axis, rank_of, shape_of
from graphc_ir.ops.conv import conv
from graphc_ir.ops.creation import iota, linspace, ones_like, zeros_like
from graphc_ir.ops.elementwise import (
    add,
    cast,
    div,
    equal,
    greater_equal,
    less_equal,
    maximum,
    minimum,
    mul,
    not_equal,
    select,
    sqrt,
    square,
    sub,
)
from graphc_ir.ops.gather import take_along_axis
from graphc_ir.ops.linalg import matmul, swap_last
from graphc_ir.ops.logical import is_nan, logical_and
from graphc_ir.ops.movement import expand_dims, reshape, reverse, slice_axis, transpose
from graphc_ir.ops.reduction import reduce_any, reduce_max, reduce_mean, reduce_min, reduce_sum
from graphc_ir.ops.segment import bincount as counted
from graphc_ir.ops.segment import unsorted_segment_sum
from graphc_ir.ops.shape import size_operand
from graphc_ir.ops.sorting import searchsorted, sort

__all__ = [
    "bincount", "corrcoef", "correlate", "diff", "histogram", "median", "nanmedian", "nanpercentile", "nanquantile",
    "percentile", "quantile", "trapezoid",
]  # fmt: skip


# --- quantiles -------------------------------------------------------------------------------------------------------


@operation("numpy", "x q")
def quantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """The values below which the fractions ``q`` of the elements lie, over the axes; the axes of ``q`` come first.

    ``method`` says what counts between two elements: "linear", "lower", "higher", "midpoint" or "nearest". A NaN among
    the elements makes the result NaN. Raises ArgumentError for another method.
    """
    tensor = floats(x)
    lines, kept = _lines(tensor, axis)
    found = _quantiles(lines, size_operand(shape_of(lines)[-1], int32), q, method)
    damaged = reduce_any(is_nan(lines), -1)
    return _finished(select(damaged, lift(math.nan, dtype_of(found)), found), q, kept, keepdims)


@operation("numpy", "x q")
def nanquantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """:func:`quantile` of the elements that are not NaN; NaN where there are none."""
    tensor = floats(x)
    lines, kept = _lines(tensor, axis)
    missing = is_nan(lines)
    number = sub(size_operand(shape_of(lines)[-1], int32), reduce_sum(cast(missing, int32), -1))
    found = _quantiles(select(missing, lift(math.inf, dtype_of(lines)), lines), maximum(number, 1), q, method)
    return _finished(select(equal(number, 0), lift(math.nan, dtype_of(found)), found), q, kept, keepdims)


@operation("numpy", "x q")
def percentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """:func:`quantile` with ``q`` in percent."""
    return quantile(x, _from_percent(q, x), axis, method, keepdims)


@operation("numpy", "x q")
def nanpercentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """:func:`nanquantile` with ``q`` in percent."""
    return nanquantile(x, _from_percent(q, x), axis, method, keepdims)


def _from_percent(q: Any, x: Any) -> Operand:
    return div(convert(q, dtype_of(floats(x))), 100)


@operation("numpy")
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle element over the axes, or the mean of the two in the middle."""
    return quantile(x, 0.5, axis, "linear", keepdims)


@operation("numpy")
def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The median of the elements that are not NaN."""
    return nanquantile(x, 0.5, axis, "linear", keepdims)


def _lines(x: Operand, axis: Any) -> tuple[Operand, tuple[Any, ...]]:
    """The elements to reduce over as one last axis, and the shape with size 1 on the axes reduced over."""
    shape = shape_of(x)
    axes = normalize_axes(axis, len(shape))
    rest = tuple(i for i in range(len(shape)) if i not in axes)
    moved = reshape(transpose(x, (*rest, *axes)), (*(shape[i] for i in rest), -1))
    return moved, tuple(1 if i in axes else d for i, d in enumerate(shape))


def _finished(found: Operand, q: Any, kept: tuple[Any, ...], keepdims: bool) -> Operand:
    return reshape(found, (*shape_of(convert(q)), *kept)) if keepdims else found


_METHODS: Final[dict[str, Callable[[Operand], Operand]]] = {
    "linear": lambda position: position,
    "lower": floor,
    "higher": ceil,
    "nearest": round,
    "midpoint": lambda position: mul(add(floor(position), ceil(position)), 0.5),
}


def _quantiles(lines: Operand, number: Operand, q: Any, method: str) -> Operand:
    """Quantiles of the first ``number`` elements in order of each line: the axes of ``q``, then those of the lines."""
    if method not in _METHODS:
        raise ArgumentError(f"got method={method!r}, expected one of {', '.join(_METHODS)}")
    dtype = dtype_of(lines)
    ordered = sort(lines, -1)
    fractions = convert(q, dtype)
    flat = reshape(fractions, (-1,))
    last = cast(sub(number, 1), dtype)
    per_line = add(_one_each(lines), expand_dims(last, -1) if rank_of(last) else last)
    position = _METHODS[method](mul(per_line, flat))
    low = floor(position)
    below = take_along_axis(ordered, cast(low, int32), -1)
    above = take_along_axis(ordered, cast(ceil(position), int32), -1)
    part = sub(position, low)
    # Where both are the same infinity, their difference is NaN.
    between = select(equal(part, 0), below, add(mul(below, sub(1, part)), mul(above, part)))
    rank = rank_of(between)
    front = transpose(between, (rank - 1, *range(rank - 1)))
    return reshape(front, (*shape_of(fractions), *shape_of(front)[1:]))


def _one_each(lines: Operand) -> Operand:
    """A zero per line."""
    return zeros_like(slice_axis(lines, rank_of(lines) - 1, 0, 1))


# --- counts ----------------------------------------------------------------------------------------------------------


@operation("numpy")
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each of 0, 1, 2, ... occurs in a vector (in each row of a matrix), or the sum of its ``weights``.

    The result reaches up to the largest value, and is at least ``minlength`` long. Raises ArgumentError for
    ``sparse``, ShapeError for other ranks.
    """
    if sparse:
        raise ArgumentError("bincount: graphc has no sparse tensors; use sparse=False")
    values = as_index(x)
    weight = None if weights is None else convert(weights)
    if rank_of(values) == 1:
        return counted(values, weight, minlength, None, int32)
    if rank_of(values) != 2:
        raise ShapeError(f"bincount: got x of shape {tuple(shape_of(values))}, expected a vector or a matrix")
    return _count_rows(values, weight, minlength)


def _count_rows(values: Operand, weight: Operand | None, minlength: int) -> Operand:
    rows, columns = shape_of(values)
    length = shape_of(counted(values, None, minlength, None, int32))[0]
    start = mul(expand_dims(iota(rows, int32), 1), size_operand(length, int32))
    places = reshape(add(cast(values, int32), start), (rows * columns,))
    amounts = reshape(ones_like(values, int32) if weight is None else weight, (rows * columns,))
    return reshape(unsorted_segment_sum(amounts, places, rows * length), (rows, length))


@operation("numpy")
def histogram(x: Any, bins: int = 10, range: Any = None) -> Any:
    """How many elements lie in each of ``bins`` equal intervals of ``range`` (by default from the smallest element to
    the largest), as floats, and the ``bins + 1`` edges. The last interval includes its upper edge.

    Raises ArgumentError for a range whose ends are not in order, or less than one bin.
    """
    if not isinstance(bins, int) or bins < 1:
        raise ArgumentError(f"histogram: got bins={bins!r}, expected an integer of 1 or more")
    values = reshape(floats(x), (-1,))
    low, high = _limits(values, range)
    edges = linspace(low, high, bins + 1)
    inside = logical_and(greater_equal(values, low), less_equal(values, high))
    place = minimum(sub(searchsorted(edges, values, "right"), 1), bins - 1)
    counts = unsorted_segment_sum(cast(inside, dtype_of(values)), maximum(place, 0), bins)
    return counts, edges


def _limits(values: Operand, given: Any) -> tuple[Operand, Operand]:
    dtype = dtype_of(values)
    if given is not None:
        if given[0] > given[1]:
            raise ArgumentError(f"histogram: got range={given}, expected its lower end first")
        low, high = lift(float(given[0]), dtype), lift(float(given[1]), dtype)
    else:
        low, high = reduce_min(values), reduce_max(values)
    # An empty interval would leave no room: half a unit on each side, as NumPy does.
    room = mul(cast(equal(low, high), dtype), 0.5)
    return sub(low, room), add(high, room)


# --- relations between numbers ---------------------------------------------------------------------------------------


@operation("numpy")
def corrcoef(x: Any) -> Any:
    """The correlation of each row (a variable) of a matrix with each other one. Raises ShapeError for other ranks."""
    rows = floats(x)
    if rank_of(rows) not in (1, 2):
        raise ShapeError(f"corrcoef: got x of shape {tuple(shape_of(rows))}, expected a matrix with a variable per row")
    flat = rows if rank_of(rows) == 2 else expand_dims(rows, 0)
    centred = sub(flat, reduce_mean(flat, 1, True))
    products = matmul(centred, swap_last(centred))
    scale = sqrt(reduce_sum(square(centred), 1))
    found = clip_by_value(div(div(products, expand_dims(scale, 1)), scale), -1, 1)
    return found if rank_of(rows) == 2 else reshape(found, ())


@operation("numpy", "x1 x2")
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """The sums of products of a vector and another one moved along it: where they overlap wholly ("valid"), as often
    as the longer one has elements ("same"), or wherever they overlap ("full").

    Raises ArgumentError for another mode, ShapeError for what are no vectors of known size.
    """
    if mode not in ("valid", "same", "full"):
        raise ArgumentError(f"correlate: got mode={mode!r}, expected 'valid', 'same' or 'full'")
    a, b = promoted(x1, x2, at_least=(float,))
    sizes = [size for size in (*shape_of(a), *shape_of(b)) if isinstance(size, int)]
    if (rank_of(a), rank_of(b)) != (1, 1) or len(sizes) != 2:
        raise ShapeError(f"correlate: got shapes {tuple(shape_of(a))} and {tuple(shape_of(b))}, expected two vectors "
                         "of known size")  # fmt: skip
    if sizes[0] >= sizes[1]:
        return _slide(a, b, sizes[1], mode)
    # The longer one stays; exchanging them turns the result round.
    return reverse(_slide(b, a, sizes[0], mode), 0)


def _slide(long: Operand, short: Operand, width: int, mode: str) -> Operand:
    """The sums of products of the short vector, which has this width, with each part of the long one."""
    margins = {"valid": (0, 0), "same": (width // 2, width - 1 - width // 2), "full": (width - 1, width - 1)}[mode]
    found = conv(reshape(long, (1, -1, 1)), reshape(short, (width, 1, 1)), 1, [margins])
    return reshape(found, (-1,))


@operation("numpy", "a")
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """The differences of neighbours along an axis, taken ``n`` times; of bools whether they differ."""
    tensor = convert(a)
    place = normalize_axis(axis, rank_of(tensor))
    for _ in builtins.range(n):
        size = shape_of(tensor)[place]
        later, earlier = slice_axis(tensor, place, 1, size), slice_axis(tensor, place, 0, size - 1)
        tensor = not_equal(later, earlier) if dtype_of(tensor) is bool_ else sub(later, earlier)
    return tensor


@operation("numpy", "y")
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The integral along an axis by the trapezoidal rule, at the points ``x`` or at distances ``dx``."""
    values = floats(y)
    place = normalize_axis(axis, rank_of(values))
    size = shape_of(values)[place]
    pairs = add(slice_axis(values, place, 1, size), slice_axis(values, place, 0, size - 1))
    if x is None:
        return mul(reduce_sum(pairs, place), dx / 2)
    points = convert(x, dtype_of(values))
    if rank_of(points) == 1:
        points = reshape(points, tuple(-1 if i == place else 1 for i in range(rank_of(values))))
    return mul(reduce_sum(mul(pairs, diff(points, 1, place)), place), 0.5)
