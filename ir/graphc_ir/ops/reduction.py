"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Shape
from graphc_ir.dtypes import DType, int64
from graphc_ir.ops.base import Array, Op, Operand, bind, dtype_of, lift, normalize_axes, shape_of
from graphc_ir.ops.elementwise import FLOAT, NUMERIC, REAL, cast, check_kind, div, equal, mul
from graphc_ir.ops.movement import broadcast_to, reshape
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


class ReduceMax(Reduction):
    """The largest element. The gradient is shared evenly among ties, as in TensorFlow."""

    accepts = REAL
    reducer = staticmethod(np.maximum.reduce)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return share_among(self, x, y, g)

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        return np.maximum.reduce(x, axis=self.axes, keepdims=self.keepdims, out=out)


def share_among(op: Reduction, x: Operand, y: Operand, g: Operand) -> Operand:
    """The cotangent of an extremum: to the elements that equal it, in equal shares."""
    chosen = cast(equal(x, op.restore(x, y)), dtype_of(g))
    count = reduce_sum(chosen, op.axes, keepdims=True)
    return mul(div(chosen, count), op.restore(x, g))


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


def reduce_sum(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The sum over axes; None means all."""
    operand = lift(x)
    return bind(ReduceSum(normalize_axes(axis, len(shape_of(operand))), bool(keepdims)), operand)


def reduce_mean(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The mean over axes; None means all."""
    operand = lift(x)
    return bind(ReduceMean(normalize_axes(axis, len(shape_of(operand))), bool(keepdims)), operand)


def reduce_max(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """The maximum over axes; None means all."""
    operand = lift(x)
    return bind(ReduceMax(normalize_axes(axis, len(shape_of(operand))), bool(keepdims)), operand)


def sum_to_shape(x: Operand, shape: Shape) -> Operand:
    """Undoes broadcasting: sums the axes that broadcasting added or grew."""
    have = shape_of(x)
    if have == shape:
        return x
    lead = len(have) - len(shape)
    grown = [lead + i for i, d in enumerate(shape) if d == 1 and have[lead + i] != 1]
    summed = reduce_sum(x, [*range(lead), *grown])
    return reshape(summed, shape) if shape_of(summed) != shape else summed
