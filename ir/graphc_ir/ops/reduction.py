"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Shape
from graphc_ir.dtypes import DType, as_dtype, int64
from graphc_ir.ops.arithmetic import divide_no_nan, truncatediv
from graphc_ir.ops.base import (
    Array,
    NotDifferentiable,
    Op,
    Operand,
    bind,
    dtype_of,
    lift,
    normalize_axes,
    normalize_axis,
    rank_of,
    shape_of,
)
from graphc_ir.ops.complex import abs as absolute
from graphc_ir.ops.cumulative import cumprod
from graphc_ir.ops.elementwise import (
    FLOAT,
    NUMERIC,
    REAL,
    adjoint,
    cast,
    check_kind,
    div,
    equal,
    mul,
    not_equal,
    sqrt,
    square,
    sub,
)
from graphc_ir.ops.movement import broadcast_to, reshape, transpose
from graphc_ir.types import TensorType


class Reduction(Op, abstract=True):
    """Reduces ``axes`` (sorted, non-negative); ``keepdims`` leaves them with size 1."""

    axes: tuple[int, ...]
    keepdims: bool
    accepts: ClassVar[str] = NUMERIC
    reducer: ClassVar[Callable[..., Any]]

    def result_dtype(self, dtype: DType) -> DType:
        return dtype

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, self.accepts, x)
        return TensorType(self.result_dtype(x.dtype), reduced_shape(x.shape, self.axes, self.keepdims))

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        return self.reducer(x, axis=self.axes, keepdims=self.keepdims, out=out, dtype=x.dtype)

    def accepts_out(self) -> bool:
        return True

    def restore(self, x: Operand, y: Operand) -> Operand:
        """The result with the reduced axes back as size 1, so that it broadcasts against the operand."""
        return y if self.keepdims else reshape(y, reduced_shape(shape_of(x), self.axes, True))


def reduced_shape(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


class ReduceSum(Reduction):
    reducer = staticmethod(np.add.reduce)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return broadcast_to(self.restore(x, g), shape_of(x))


class ReduceMean(Reduction):
    accepts = FLOAT

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        return np.mean(x, axis=self.axes, keepdims=self.keepdims, out=out)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        spread = broadcast_to(self.restore(x, g), shape_of(x))
        return div(spread, element_count(x, self.axes, dtype_of(g)))


class Extremum(Reduction, abstract=True):
    """The gradient is shared evenly among ties, as in TensorFlow."""

    accepts = REAL

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        options: dict[str, Any] = {} if x.size else {"initial": self.of_nothing(x)}
        return self.reducer(x, axis=self.axes, keepdims=self.keepdims, out=out, **options)

    def of_nothing(self, x: Array) -> Any:
        """The result over no elements."""
        raise NotImplementedError

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return share_among(self, x, y, g)


class ReduceMax(Extremum):
    """The largest element; -inf or the lowest integer of none."""

    reducer = staticmethod(np.maximum.reduce)

    def of_nothing(self, x: Array) -> Any:
        return np.iinfo(x.dtype).min if x.dtype.kind in "iu" else -np.inf


class ReduceMin(Extremum):
    """The smallest element; inf or the highest integer of none."""

    reducer = staticmethod(np.minimum.reduce)

    def of_nothing(self, x: Array) -> Any:
        return np.iinfo(x.dtype).max if x.dtype.kind in "iu" else np.inf


def share_among(op: Reduction, x: Operand, y: Operand, g: Operand) -> Operand:
    """The cotangent of an extremum: to the elements that equal it, in equal shares."""
    chosen = cast(equal(x, op.restore(x, y)), dtype_of(g))
    count = reduce_sum(chosen, op.axes, keepdims=True)
    return mul(div(chosen, count), op.restore(x, g))


class ReduceProd(Reduction):
    """The product. Its gradient is right for zeros too: each element gets the product of all others."""

    reducer = staticmethod(np.multiply.reduce)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return lambda: mul(self.restore(x, g), adjoint(product_of_others(x, self.axes)))


def product_of_others(x: Operand, axes: tuple[int, ...]) -> Operand:
    """For each element the product of all others that share its place on the axes that stay."""
    shape = shape_of(x)
    order = (*axes, *(i for i in range(len(shape)) if i not in axes))
    moved = transpose(x, order)
    rest = tuple(shape[i] for i in order[len(axes) :])
    lines = reshape(moved, (dims.element_count(tuple(shape[a] for a in axes)), *rest))
    others = mul(cumprod(lines, exclusive=True), cumprod(lines, exclusive=True, reverse=True))
    back = tuple(int(i) for i in np.argsort(order))
    return transpose(reshape(others, shape_of(moved)), back)


class ReduceAny(Reduction):
    """Whether any element holds."""

    accepts = "b"
    reducer = staticmethod(np.logical_or.reduce)
    vjp = NotDifferentiable("truth values are discrete")


class ReduceAll(Reduction):
    """Whether all elements hold."""

    accepts = "b"
    reducer = staticmethod(np.logical_and.reduce)
    vjp = NotDifferentiable("truth values are discrete")


class ReduceVariance(Reduction):
    """The mean squared distance from the mean."""

    accepts = "f"

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        return np.var(x, axis=self.axes, keepdims=self.keepdims, out=out)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        distance = sub(x, reduce_mean(x, self.axes, keepdims=True))
        scale = div(lift(2, dtype_of(g)), element_count(x, self.axes, dtype_of(g)))
        return mul(self.restore(x, g), mul(distance, scale))

    def decompose(self, x: Operand) -> Operand:
        distance = sub(x, reduce_mean(x, self.axes, keepdims=True))
        return reduce_mean(square(distance), self.axes, self.keepdims)


class ReduceEuclideanNorm(Reduction):
    """The square root of the sum of squares. The gradient at 0 is 0."""

    accepts = "f"

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        total = np.sum(np.square(x), axis=self.axes, dtype=x.dtype, keepdims=self.keepdims, out=out)
        return np.sqrt(total, out=out)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(x, divide_no_nan(self.restore(x, g), self.restore(x, y)))


class ArgExtremum(Op, abstract=True):
    """The index of an extremum along ``axis``, which goes away; of equal elements the first."""

    axis: int
    dtype: DType
    chosen: ClassVar[Callable[..., Any]]
    vjp = NotDifferentiable("an index is an integer")

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, REAL, x)
        axis = normalize_axis(self.axis, x.rank)
        return TensorType(self.dtype, (*x.shape[:axis], *x.shape[axis + 1 :]))

    def kernel(self, x: Array) -> Any:
        return self.chosen(x, self.axis).astype(self.dtype.np)


class ArgMax(ArgExtremum):
    chosen = staticmethod(np.argmax)


class ArgMin(ArgExtremum):
    chosen = staticmethod(np.argmin)


class Dims(Op):
    """A 1-D integer tensor of symbolic dims: how sizes that are known only at run time enter arithmetic."""

    dims: Shape
    dtype: DType

    def infer(self) -> TensorType:
        return TensorType(self.dtype, (len(self.dims),))

    def kernel(self) -> Any:
        return np.array(self.dims, self.dtype.np)

    def vjp(self, g: Operand, y: Operand) -> Any:
        return ()


def element_count(x: Operand, axes: tuple[int, ...], dtype: DType) -> Operand:
    """How many elements the axes hold, as a scalar of ``dtype``."""
    shape = shape_of(x)
    count = dims.element_count(tuple(shape[a] for a in axes))
    return lift(count, dtype) if isinstance(count, int) else cast(reshape(bind(Dims((count,), int64)), ()), dtype)


def _reduce(kind: type[Reduction], x: Any, axis: Any, keepdims: bool) -> Operand:
    operand = lift(x)
    return bind(kind(normalize_axes(axis, rank_of(operand)), bool(keepdims)), operand)


def reduce_sum(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The sum over axes; None means all."""
    return _reduce(ReduceSum, x, axis, keepdims)


def reduce_mean(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The mean over axes; None means all. The mean of integers is rounded towards zero, as in TensorFlow, and their
    sum is taken in int64."""
    operand = lift(x)
    dtype = dtype_of(operand)
    if not dtype.is_integer:
        return _reduce(ReduceMean, operand, axis, keepdims)
    count = element_count(operand, normalize_axes(axis, rank_of(operand)), int64)
    total = reduce_sum(cast(operand, int64), axis, keepdims)  # the sum of narrow integers would wrap around
    return cast(truncatediv(total, count), dtype)


def reduce_max(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The maximum over axes; None means all."""
    return _reduce(ReduceMax, x, axis, keepdims)


def reduce_min(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The minimum over axes; None means all."""
    return _reduce(ReduceMin, x, axis, keepdims)


def reduce_prod(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The product over axes; None means all."""
    return _reduce(ReduceProd, x, axis, keepdims)


def reduce_any(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """Whether any element holds, over axes; None means all."""
    return _reduce(ReduceAny, x, axis, keepdims)


def reduce_all(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """Whether all elements hold, over axes; None means all."""
    return _reduce(ReduceAll, x, axis, keepdims)


def reduce_variance(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The variance (divided by the count) over axes; None means all. Complex numbers: of their distance."""
    operand = lift(x)
    if not dtype_of(operand).is_complex:
        return _reduce(ReduceVariance, operand, axis, keepdims)
    distance = absolute(sub(operand, reduce_mean(operand, axis, keepdims=True)))
    return reduce_mean(square(distance), axis, keepdims)


def reduce_std(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The standard deviation over axes; None means all."""
    return sqrt(reduce_variance(x, axis, keepdims))


def reduce_euclidean_norm(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The square root of the sum of squares over axes; None means all."""
    return _reduce(ReduceEuclideanNorm, x, axis, keepdims)


def count_nonzero(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = int64) -> Operand:
    """How many elements are not 0 (or are true), over axes; None means all."""
    operand = lift(x)
    kind = dtype_of(operand)
    return reduce_sum(cast(operand if kind.is_bool else not_equal(operand, lift(0, kind)), dtype), axis, keepdims)


def zero_fraction(x: Any) -> Operand:
    """The share of elements that are 0, a float32 scalar; NaN for an empty tensor."""
    operand = lift(x)
    return reduce_mean(cast(equal(operand, lift(0, dtype_of(operand))), "float32"))


def argmax(x: Any, axis: int = 0, dtype: Any = int64) -> Operand:
    """The index of the largest element along an axis; of equal ones the first."""
    operand = lift(x)
    return bind(ArgMax(normalize_axis(axis, rank_of(operand)), as_dtype(dtype)), operand)


def argmin(x: Any, axis: int = 0, dtype: Any = int64) -> Operand:
    """The index of the smallest element along an axis; of equal ones the first."""
    operand = lift(x)
    return bind(ArgMin(normalize_axis(axis, rank_of(operand)), as_dtype(dtype)), operand)


def sum_to_shape(x: Operand, shape: Shape) -> Operand:
    """Undoes broadcasting: sums the axes that broadcasting added or grew."""
    have = shape_of(x)
    if have == shape:
        return x
    lead = len(have) - len(shape)
    grown = [lead + i for i, d in enumerate(shape) if d == 1 and have[lead + i] != 1]
    summed = reduce_sum(x, [*range(lead), *grown])
    return reshape(summed, shape) if shape_of(summed) != shape else summed
