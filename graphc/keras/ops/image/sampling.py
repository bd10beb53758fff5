"""Images read at other places: coordinates, affine and perspective transforms."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

from graphc.keras.engine.operation import operation
from graphc.keras.ops.image.layout import on_batches
from graphc.keras.ops.promotion import convert, floats
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import abs_real, clip_by_value, floor, floordiv, floormod, sign
from graphc_ir.ops.base import Operand, dtype_of, rank_of, shape_of
from graphc_ir.ops.creation import iota, ones_like, zeros_like
from graphc_ir.ops.elementwise import add, cast, div, greater_equal, less, mul, select, sub
from graphc_ir.ops.factorization import solve
from graphc_ir.ops.gather import gather_nd
from graphc_ir.ops.indexing import getitem
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.movement import concat, expand_dims, reshape
from graphc_ir.ops.rearrange import stack, unstack
from graphc_ir.ops.shape import size_operand

__all__ = ["affine_transform", "map_coordinates", "perspective_transform"]


# --- places outside --------------------------------------------------------------------------------------------------


def _mirrored(place: Operand, size: Operand) -> Operand:
    """... c b | a b c d | c b ..."""
    last = sub(size, 1)
    period = select(less(last, 1), ones_like(last), mul(last, 2))
    return sub(last, abs_real(sub(floormod(place, period), last)))


def _reflected(place: Operand, size: Operand) -> Operand:
    """... b a | a b c d | d c ..."""
    return floordiv(_mirrored(add(mul(place, 2), 1), add(mul(size, 2), 1)), 2)


_INSIDE: Final[dict[str, Callable[[Operand, Operand], Operand]]] = {
    "constant": lambda place, size: clip_by_value(place, 0, sub(size, 1)),
    "nearest": lambda place, size: clip_by_value(place, 0, sub(size, 1)),
    "wrap": floormod,
    "mirror": _mirrored,
    "reflect": _reflected,
}
"""Where the element is that stands for a place outside, along an axis."""


def _check_mode(what: str, mode: str) -> None:
    if mode not in _INSIDE:
        raise ArgumentError(f"{what}: got fill_mode={mode!r}, expected one of {', '.join(_INSIDE)}")


# --- reading between elements ----------------------------------------------------------------------------------------


def _sampled(
    x: Operand, coordinates: Sequence[Operand], order: int, mode: str, fill: Any, batch_dims: int = 0
) -> Operand:
    """The values of ``x`` at float coordinates along the axes behind the batch: of the nearest elements (order 0), or
    linear between them (order 1)."""
    sizes = [size_operand(shape_of(x)[batch_dims + i], dtype_of(convert(0))) for i in range(len(coordinates))]
    trailing = rank_of(x) - batch_dims - len(coordinates)
    total: Any = None
    for corner in itertools.product(*(_neighbours(c, order) for c in coordinates)):
        value = _read(x, [place for place, _ in corner], sizes, mode, fill, batch_dims)
        weight = _behind(_product([share for _, share in corner]), trailing)
        part = value if order == 0 else mul(value, weight)
        total = part if total is None else add(total, part)
    return total


def _neighbours(coordinate: Operand, order: int) -> list[tuple[Operand, Operand]]:
    """The elements around a coordinate, with their shares."""
    if order == 0:
        # Halves go away from zero.
        nearest = mul(sign(coordinate), floor(add(abs_real(coordinate), 0.5)))
        return [(cast(nearest, "int32"), ones_like(coordinate))]
    low = floor(coordinate)
    upper = sub(coordinate, low)
    place = cast(low, "int32")
    return [(place, sub(1, upper)), (add(place, 1), upper)]


def _product(factors: Sequence[Operand]) -> Operand:
    found = factors[0]
    for factor in factors[1:]:
        found = mul(found, factor)
    return found


def _behind(x: Operand, count: int) -> Operand:
    """``x`` with axes of size 1 behind the others."""
    return reshape(x, (*shape_of(x), *(1,) * count))


def _read(x: Operand, places: list[Operand], sizes: list[Operand], mode: str, fill: Any, batch_dims: int) -> Operand:
    inside = [_INSIDE[mode](place, size) for place, size in zip(places, sizes, strict=True)]
    values = gather_nd(x, stack(inside, -1), batch_dims)
    if mode != "constant":
        return values
    valid = [logical_and(greater_equal(p, 0), less(p, s)) for p, s in zip(places, sizes, strict=True)]
    every = valid[0]
    for condition in valid[1:]:
        every = logical_and(every, condition)
    return select(_behind(every, rank_of(values) - rank_of(every)), values, cast(fill, dtype_of(values)))


@operation("image", "inputs coordinates")
def map_coordinates(inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: Any = 0) -> Any:
    """The values of ``inputs`` at ``coordinates``: (rank of the inputs, ...), positions along each axis.

    ``order`` 0 reads the nearest element, 1 is linear between elements. ``fill_mode`` says what lies outside:
    "constant" (``fill_value``), "nearest", "wrap", "mirror" or "reflect". Raises ArgumentError for others, ShapeError
    when there is not one row of coordinates per axis.
    """
    tensor, positions = convert(inputs), convert(coordinates)
    _check_mode("map_coordinates", fill_mode)
    if order not in (0, 1):
        raise ArgumentError(f"map_coordinates: got order={order!r}, expected 0 or 1")
    if not rank_of(positions) or shape_of(positions)[0] != rank_of(tensor):
        raise ShapeError(f"map_coordinates: got coordinates of shape {tuple(shape_of(positions))} for inputs of shape "
                         f"{tuple(shape_of(tensor))}, expected {rank_of(tensor)} rows")  # fmt: skip
    rows = unstack(floats(positions), rank_of(tensor), 0)
    values = tensor if order == 0 or dtype_of(tensor).is_floating else cast(tensor, dtype_of(rows[0]))
    places = [cast(row, dtype_of(values)) if order else row for row in rows]
    return cast(_sampled(values, places, order, fill_mode, fill_value), dtype_of(tensor))


# --- transforms ------------------------------------------------------------------------------------------------------

_ORDERS: Final = {"nearest": 0, "bilinear": 1}


@operation("image", "images transform")
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: Any = 0,
    data_format: str | None = None,
) -> Any:
    """Images moved, turned and scaled: the pixel (x, y) shows ``((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)``,
    ``k = c0 x + c1 y + 1``, of the given ones.

    ``transform``: a0, a1, a2, b0, b1, b2, c0, c1; one vector, or one per image. ``interpolation``: "nearest" or
    "bilinear". Raises ArgumentError for other words, ShapeError for another number of coefficients.
    """
    _check_mode("affine_transform", fill_mode)
    coefficients = floats(transform)
    if rank_of(coefficients) not in (1, 2) or shape_of(coefficients)[-1] != 8:
        raise ShapeError(f"affine_transform: got a transform of shape {tuple(shape_of(coefficients))}, expected 8 "
                         "coefficients, or 8 per image")  # fmt: skip
    order = _order("affine_transform", interpolation)
    return _transformed("affine_transform", images, coefficients, order, fill_mode, fill_value, data_format)


def _order(what: str, interpolation: str) -> int:
    if interpolation not in _ORDERS:
        raise ArgumentError(f"{what}: got interpolation={interpolation!r}, expected one of {', '.join(_ORDERS)}")
    return _ORDERS[interpolation]


def _transformed(
    what: str, images: Any, transform: Operand, order: int, mode: str, fill: Any, data_format: str | None
) -> Any:

    def apply(batch: Operand) -> Operand:
        values = batch if dtype_of(batch).is_floating else cast(batch, "float32")
        places = _source_places(cast(transform, dtype_of(values)), values)
        return cast(_sampled(values, places, order, mode, fill, batch_dims=1), dtype_of(batch))

    return on_batches(what, images, data_format, apply)


def _source_places(transform: Operand, images: Operand) -> list[Operand]:
    """Rows and columns, (batch, height, width), that pixels of the result show."""
    height, width = shape_of(images)[1:3]
    dtype = dtype_of(images)
    y, x = reshape(iota(height, dtype), (1, -1, 1)), reshape(iota(width, dtype), (1, 1, -1))
    a0, a1, a2, b0, b1, b2, c0, c1 = (reshape(c, (-1, 1, 1)) for c in unstack(transform, 8, -1))
    depth = add(add(mul(c0, x), mul(c1, y)), 1)
    whole = zeros_like(getitem(images, (..., 0)))
    columns = div(add(add(mul(a0, x), mul(a1, y)), a2), depth)
    rows = div(add(add(mul(b0, x), mul(b1, y)), b2), depth)
    return [add(rows, whole), add(columns, whole)]


@operation("image", "images start_points end_points")
def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: Any = 0,
    data_format: str | None = None,
) -> Any:
    """Images seen from elsewhere: four points (x, y) of the given ones come to lie at the end points.

    Points: (4, 2), or (batch, 4, 2). ``fill_value`` is what lies outside. Raises ShapeError for points of another
    shape, ArgumentError for another ``interpolation`` than "nearest" and "bilinear".
    """
    start, end = floats(start_points), floats(end_points)
    for points in (start, end):
        if rank_of(points) not in (2, 3) or shape_of(points)[-2:] != (4, 2):
            raise ShapeError(f"perspective_transform: got points of shape {tuple(shape_of(points))}, expected (4, 2) "
                             "or (batch, 4, 2)")  # fmt: skip
    what = "perspective_transform"
    order = _order(what, interpolation)
    return _transformed(what, images, _projection(start, end), order, "constant", fill_value, data_format)


def _projection(start: Operand, end: Operand) -> Operand:
    """The coefficients that take the end points to the start points, from two equations per point."""
    x, y = (getitem(end, (..., i)) for i in (0, 1))
    u, v = (getitem(start, (..., i)) for i in (0, 1))
    one, none = ones_like(x), zeros_like(x)
    of_u = stack([x, y, one, none, none, none, mul(mul(u, x), -1), mul(mul(u, y), -1)], -1)
    of_v = stack([none, none, none, x, y, one, mul(mul(v, x), -1), mul(mul(v, y), -1)], -1)
    equations, values = concat([of_u, of_v], -2), concat([u, v], -1)
    found = solve(equations, expand_dims(values, -1))
    return reshape(found, shape_of(found)[:-1])
