"""``keras.ops.math``: segments, the largest elements, distances, sequences, and complex numbers in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import unary
from graphc.keras.ops.promotion import as_index, convert, floats, promoted
from graphc_ir.dims import Dim
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import segment as segments
from graphc_ir.ops.base import Operand, dtype_of, rank_of, shape_of
from graphc_ir.ops.complex import complex, imag, real
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import add, cast, cos, equal, mul, select, sin, sqrt, square, sub
from graphc_ir.ops.factorization import logdet as log_determinant
from graphc_ir.ops.gather import gather
from graphc_ir.ops.indexing import getitem
from graphc_ir.ops.movement import expand_dims, resolve_shape
from graphc_ir.ops.nn import in_top_k as among_the_best
from graphc_ir.ops.rearrange import stack
from graphc_ir.ops.reduction import reduce_max, reduce_sum
from graphc_ir.ops.sorting import top_k as largest

__all__ = [
    "cdist", "extract_sequences", "in_top_k", "logdet", "polar", "segment_max", "segment_min",
    "segment_prod", "segment_sum", "top_k", "view_as_complex", "view_as_real",
]  # fmt: skip


# --- segments --------------------------------------------------------------------------------------------------------


def _segments(name: str, unsorted: Callable[..., Any], doc: str) -> Callable[..., Any]:
    def call(data: Any, segment_ids: Any, num_segments: Any = None, sorted: bool = False) -> Any:
        rows, ids = convert(data), as_index(segment_ids)
        if rank_of(ids) != 1:
            raise ShapeError(f"{name}: got segment_ids of shape {tuple(shape_of(ids))}, expected a vector")
        return unsorted(rows, ids, _needed(name, ids) if num_segments is None else num_segments)

    call.__name__ = name
    call.__doc__ = f"{doc} ``num_segments`` of them, by default as many as the ids need; ids need not be in order."
    return operation("math", "data segment_ids")(call)


def _needed(name: str, ids: Operand) -> Dim:
    """How many segments there are."""
    try:
        (count,) = resolve_shape(add(reduce_max(ids), 1))
    except ArgumentError as error:
        raise ArgumentError(f"{name}: how many segments there are is only known when the graph runs; pass "
                            "num_segments=") from error  # fmt: skip
    return count


segment_sum = _segments("segment_sum", segments.unsorted_segment_sum, "The sums of the rows of each segment.")
segment_prod = _segments("segment_prod", segments.unsorted_segment_prod, "The products of the rows of each segment.")
segment_max = _segments("segment_max", segments.unsorted_segment_max, "The maxima of the rows of each segment.")
segment_min = _segments("segment_min", segments.unsorted_segment_min, "The minima of the rows of each segment.")


# --- the largest elements --------------------------------------------------------------------------------------------


@operation("math")
def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """The ``k`` largest elements along the last axis, largest first (whatever ``sorted`` says), and their indices."""
    return largest(convert(x), k)


@operation("math", "targets predictions")
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether the class ``targets[i]`` is among the ``k`` best of ``predictions[i]``."""
    return among_the_best(as_index(targets), floats(predictions), k)


# --- vectors and sequences -------------------------------------------------------------------------------------------


@operation("math", "x y", class_name="CDist")
def cdist(x: Any, y: Any) -> Any:
    """The Euclidean distance of each row of ``x`` from each row of ``y``, (..., rows of x, rows of y)."""
    a, b = promoted(x, y, at_least=(float,))
    squares = reduce_sum(square(sub(expand_dims(a, -2), expand_dims(b, -3))), -1)
    # The square root's slope is infinite at 0: equal rows get the gradient 0.
    same = equal(squares, 0)
    return mul(sqrt(select(same, 1, squares)), select(same, cast(0, dtype_of(a)), cast(1, dtype_of(a))))


@operation("math")
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """Windows of ``sequence_length`` elements along the last axis, which start ``sequence_stride`` apart."""
    tensor = convert(x)
    check_stride("extract_sequences", sequence_stride)
    if not rank_of(tensor):
        raise ShapeError("extract_sequences: got a scalar, expected a tensor with an axis to take sequences from")
    size = shape_of(tensor)[-1]
    if isinstance(size, int) and size < sequence_length:
        raise ArgumentError(f"extract_sequences: got sequence_length={sequence_length} for a last axis of size {size}")
    count = (size - sequence_length) // sequence_stride + 1
    starts = mul(iota(count, dtype_of(convert(0))), sequence_stride)
    places = add(expand_dims(starts, 1), iota(sequence_length, dtype_of(starts)))
    return gather(tensor, places, rank_of(tensor) - 1)


def check_stride(what: str, sequence_stride: Any) -> None:
    """Raises ArgumentError unless sequences start a positive number of elements apart."""
    if not isinstance(sequence_stride, int) or sequence_stride < 1:
        raise ArgumentError(f"{what}: got sequence_stride={sequence_stride!r}, expected a positive integer")


logdet = unary("logdet", log_determinant, module="math")


# --- complex numbers as pairs ----------------------------------------------------------------------------------------


@operation("math")
def view_as_complex(x: Any) -> Any:
    """Complex numbers from real and imaginary parts, which lie along the last axis.

    Raises ShapeError when that axis is not of size 2.
    """
    pairs = floats(x)
    if not rank_of(pairs) or shape_of(pairs)[-1] != 2:
        raise ShapeError(f"view_as_complex: got shape {tuple(shape_of(pairs))}, expected a last axis of size 2")
    return complex(getitem(pairs, (Ellipsis, 0)), getitem(pairs, (Ellipsis, 1)))


@operation("math")
def view_as_real(x: Any) -> Any:
    """The real and imaginary parts of complex numbers along a new last axis."""
    tensor = convert(x)
    return stack([real(tensor), imag(tensor)], -1)


@operation("nn", "abs_ angle")
def polar(abs_: Any, angle: Any) -> Any:
    """Complex numbers from absolute values and angles in radians."""
    length, direction = promoted(abs_, angle, at_least=(float,))
    return complex(mul(length, cos(direction)), mul(length, sin(direction)))
