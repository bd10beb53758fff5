"""Ops that make tensors from sizes and scalars: fills, ranges, one-hot rows, grids and masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, DimExpr, Shape, fresh_symbol
from graphc_ir.dtypes import DType, as_dtype, bool_, float32, int32
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import (
    Array,
    NotDifferentiable,
    Op,
    Operand,
    bind,
    current,
    dtype_of,
    lift,
    normalize_axis,
    promote,
    rank_of,
    shape_of,
    to_array,
)
from graphc_ir.ops.constant import constant
from graphc_ir.ops.elementwise import add, cast, div, equal, less, mul, select, sub
from graphc_ir.ops.movement import broadcast_to, expand_dims, lift_all, reshape, resolve_shape
from graphc_ir.ops.reduction import reduce_max
from graphc_ir.ops.shape import size_operand
from graphc_ir.types import TensorType


class Iota(Op):
    """0, 1, 2, ... as a vector of ``shape`` (one size)."""

    shape: Shape
    dtype: DType

    def infer(self) -> TensorType:
        if len(self.shape) != 1 or not (self.dtype.is_integer or self.dtype.is_floating):
            raise ShapeError(f"iota makes vectors of numbers, not {self.dtype.name} of rank {len(self.shape)}")
        return TensorType(self.dtype, self.shape)

    def kernel(self) -> Any:
        (size,) = self.shape
        assert isinstance(size, int)
        return np.arange(size).astype(self.dtype.np)

    def vjp(self, g: Operand, y: Operand) -> Any:
        return ()


class Range(Op):
    """``start, start + delta, ...`` up to but without ``limit``, all scalars that are known only when the
    graph runs.

    ``length`` holds one fresh symbol: the size of the result.
    """

    length: Shape
    makes_sizes = True
    vjp = NotDifferentiable("the values of a range follow its length, which jumps")

    def infer(self, start: TensorType, limit: TensorType, delta: TensorType) -> TensorType:
        for t in (start, limit, delta):
            if t.shape != () or t.dtype is not start.dtype or t.dtype.kind not in "iuf":
                raise DTypeError(
                    f"range needs three scalars of one integer or float dtype, got {start}, {limit}, {delta}"
                )
        return TensorType(start.dtype, self.length)

    def kernel(self, start: Array, limit: Array, delta: Array) -> Any:
        if delta == 0:
            raise ArgumentError(f"range: the step from {start} to {limit} is 0; expected another number")
        count = _count(*(_exact(a[()]) for a in (start, limit, delta)))
        return (start.item() + np.arange(count) * delta.item()).astype(start.dtype)


def _exact(number: Any) -> Any:
    """Integers without a width, which cannot overflow; floats as they are, since their width decides the length."""
    return number.item() if isinstance(number, np.integer) else number


def _count(start: Any, limit: Any, delta: Any) -> int:
    """As many as NumPy, for floats of Python, and ONNX, for those of tensors: 10 from 0.1 to 1.1 in steps of 0.1."""
    if all(isinstance(v, int) for v in (start, limit, delta)):
        return max(0, int((limit - start + delta - (1 if delta > 0 else -1)) // delta))
    return max(0, math.ceil(float(limit - start) / float(delta)))


def iota(size: Dim, dtype: DType) -> Operand:
    """0 .. size - 1 as a vector."""
    if isinstance(size, int) and size <= 64:
        return constant(np.arange(size).astype(dtype.np))
    return bind(Iota((size,), dtype))


def fill(shape: Any, value: Any, dtype: Any = None) -> Operand:
    """A tensor of ``shape`` with ``value`` everywhere. Raises ShapeError when the value is no scalar."""
    operand = lift(value) if dtype is None else lift(value, as_dtype(dtype))
    if rank_of(operand):
        raise ShapeError(f"fill: the value must be a scalar, got shape {list(shape_of(operand))}; use tf.broadcast_to")
    return broadcast_to(operand if dtype is None else cast(operand, dtype), _checked_sizes(shape))


def _checked_sizes(shape: Any) -> Shape:
    sizes = resolve_shape(shape)
    for d in sizes:
        if dims.known_ge(d, 0) is False:
            raise ArgumentError(f"shape [{', '.join(map(str, sizes))}] has the negative size {d}")
    return sizes


def zeros(shape: Any, dtype: Any = float32) -> Operand:
    """Zeros (False for bool)."""
    return _filled(shape, 0, dtype)


def ones(shape: Any, dtype: Any = float32) -> Operand:
    """Ones (True for bool)."""
    return _filled(shape, 1, dtype)


def _filled(shape: Any, value: int, dtype: Any) -> Operand:
    wanted = as_dtype(dtype)
    if wanted.kind == "s":
        raise DTypeError(f"cannot fill a string tensor with {value}; use tf.fill(shape, '')")
    return broadcast_to(constant(np.array(value).astype(wanted.np)), _checked_sizes(shape))


def zeros_like(x: Any, dtype: Any = None) -> Operand:
    """Zeros of the shape of ``x``, by default of its dtype."""
    operand = lift(x)
    return zeros(shape_of(operand), dtype_of(operand) if dtype is None else dtype)


def ones_like(x: Any, dtype: Any = None) -> Operand:
    """Ones of the shape of ``x``, by default of its dtype."""
    operand = lift(x)
    return ones(shape_of(operand), dtype_of(operand) if dtype is None else dtype)


def arange(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None) -> Operand:
    """``start, start + delta, ...`` without ``limit``; ``arange(n)`` counts from 0.

    Arguments are numbers, dims or scalar tensors. Where the length is only known when the graph runs, the
    result has a size of its own. Raises ArgumentError for a step of 0.
    """
    begin, end = (0, start) if limit is None else (start, limit)
    if all(isinstance(v, (int, float, np.generic)) for v in (begin, end, delta)):
        return _static_range(begin, end, delta, dtype)
    wanted = _range_dtype((begin, end, delta), dtype)
    if wanted.is_integer:
        first, last, step = (_known_scalar(v) for v in (begin, end, delta))
        if first is not None and last is not None and step is not None:
            return _integer_range(first, last, step, wanted)
    a, b, c = (reshape(cast(lift(v, wanted), wanted), ()) for v in (begin, end, delta))
    return bind(Range((fresh_symbol(),)), a, b, c)


def _static_range(start: Any, limit: Any, delta: Any, dtype: Any) -> Operand:
    values = [to_array(v) for v in (start, limit, delta)]
    natural = max((as_dtype(v.dtype) for v in values), key=lambda d: (d.kind == "f", d.size))
    wanted = natural if dtype is None else as_dtype(dtype)
    a, b, c = (_exact(v) for v in (start, limit, delta))
    if c == 0:
        raise ArgumentError(f"range: the step from {a} to {b} is 0; expected another number")
    if wanted.is_integer and isinstance(a, int) and isinstance(c, int) and _count(a, b, c) > 64:
        return _integer_range(a, b, c, wanted)
    return constant((a + np.arange(_count(a, b, c)) * c).astype(wanted.np))


def _integer_range(start: Dim, limit: Any, delta: Dim, dtype: DType) -> Operand:
    if not isinstance(delta, int) or delta == 0:
        raise ArgumentError(f"range: the step must be a number other than 0, got {delta}")
    size: Dim = _range_size(start, limit, delta)
    steps = iota(size, dtype)
    scaled = steps if delta == 1 else mul(steps, constant(np.array(delta, dtype.np)))
    return scaled if isinstance(start, int) and start == 0 else add(scaled, size_operand(start, dtype))


def _range_size(start: Dim, limit: Any, delta: int) -> Dim:
    if not isinstance(start, DimExpr) and not isinstance(limit, DimExpr):
        return _count(start, limit, delta)
    forward = limit - start if delta > 0 else start - limit
    if dims.known_ge(forward, 0) is False:
        return 0
    return (forward + abs(delta) - 1) // abs(delta)  # type: ignore[no-any-return]


def _range_dtype(values: tuple[Any, ...], dtype: Any) -> DType:
    if dtype is not None:
        return as_dtype(dtype)
    tensors = [o for o in map(current().as_operand, values) if o is not None]
    found = {dtype_of(o) for o in tensors} or {int32}
    if len(found) > 1:
        raise DTypeError(f"range mixes {', '.join(sorted(d.name for d in found))}; cast the arguments or give dtype=")
    has_float = any(isinstance(v, float) for v in values)
    return float32 if has_float and not min(found, key=str).is_floating else found.pop()


def _known_scalar(value: Any) -> Dim | None:
    if isinstance(value, DimExpr):
        return value
    operand = current().as_operand(value)
    if operand is None:
        return int(value)
    known = current().symbolic_dims(operand) if dtype_of(operand).is_integer else None
    return None if known is None or len(known) != 1 else known[0]


def linspace(start: Any, stop: Any, num: Any, axis: int = 0) -> Operand:
    """``num`` evenly spaced values from ``start`` to ``stop``, both included, along a new axis.

    Raises ArgumentError when ``num`` is below 1, DTypeError for integer ends of different dtypes.
    """
    a, b = promote(start, stop)
    if dtype_of(a).is_integer:
        a, b = cast(a, "float64"), cast(b, "float64")
    (count,) = resolve_shape(num)
    if dims.known_ge(count, 1) is False:
        raise ArgumentError(f"linspace: num={count} must be at least 1")
    if rank_of(a) != rank_of(b):
        a, b = broadcast_to(a, shape_of(add(a, b))), broadcast_to(b, shape_of(add(a, b)))
    place = normalize_axis(axis, rank_of(a) + 1)
    a, b = expand_dims(a, place), expand_dims(b, place)
    if isinstance(count, int) and count == 1:
        return a
    shape = tuple(-1 if i == place else 1 for i in range(rank_of(a)))
    dtype = dtype_of(a)
    position = reshape(iota(count, dtype), shape)
    last = size_operand(count - 1, int32)
    step = div(sub(b, a), cast(last, dtype))
    # The last value is the end itself, without the rounding of start + n * step.
    return select(equal(position, cast(last, dtype)), b, add(a, mul(step, position)))


def one_hot(
    indices: Any, depth: Any, on_value: Any = 1, off_value: Any = 0, axis: int = -1, dtype: Any = None
) -> Operand:
    """``on_value`` at the index of each element along a new axis of size ``depth``, ``off_value`` elsewhere.

    An index outside [0, depth) gives a row of ``off_value``. Raises DTypeError for indices that are no
    integers.
    """
    operand = lift(indices)
    if not dtype_of(operand).is_integer:
        raise DTypeError(f"one_hot needs integer indices, got {dtype_of(operand).name}; cast them with tf.cast")
    (count,) = resolve_shape(depth)
    place = normalize_axis(axis, rank_of(operand) + 1)
    columns = iota(count, dtype_of(operand))
    shape = tuple(count if i == place else 1 for i in range(rank_of(operand) + 1))
    hit = equal(expand_dims(operand, place), reshape(columns, shape))
    if type(on_value) in (int, float) and type(off_value) in (int, float) and (on_value, off_value) == (1, 0):
        return cast(hit, float32 if dtype is None else dtype)
    return _on_off(hit, on_value, off_value, dtype)


def _on_off(hit: Operand, on_value: Any, off_value: Any, dtype: Any) -> Operand:
    given = [o for o in map(current().as_operand, (on_value, off_value)) if o is not None]
    wanted = as_dtype(dtype) if dtype is not None else dtype_of(given[0]) if given else float32
    return select(hit, lift(on_value, wanted), lift(off_value, wanted))


def meshgrid(*values: Any, indexing: str = "xy") -> list[Operand]:
    """Coordinate grids of vectors: result i repeats vector i along all other axes. ``"xy"`` swaps the first
    two axes."""
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: indexing={indexing!r} must be 'xy' or 'ij'")
    vectors = [reshape(v, (-1,)) for v in lift_all(values, "meshgrid")]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[:2] = 1, 0
    sizes = [shape_of(v)[0] for v in vectors]
    shape = tuple(sizes[i] for i in order)
    return [
        broadcast_to(reshape(v, tuple(sizes[i] if k == i else 1 for k in order)), shape) for i, v in enumerate(vectors)
    ]


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = bool_) -> Operand:
    """``mask[..., j] = j < lengths[...]``, with ``maxlen`` columns (by default the largest length)."""
    operand = lift(lengths)
    if not dtype_of(operand).is_integer:
        raise DTypeError(f"sequence_mask needs integer lengths, got {dtype_of(operand).name}; cast them with tf.cast")
    positions = arange(reduce_max(operand) if maxlen is None else maxlen, dtype=dtype_of(operand))
    return cast(less(positions, expand_dims(operand, -1)), dtype)
