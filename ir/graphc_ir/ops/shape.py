"""Shapes as data: sizes as tensors, checked shapes, and the same bytes under another dtype."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.dtypes import DType, as_dtype, int32, int64
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import Array, NotDifferentiable, Op, Operand, bind, lift, rank_of, shape_of
from graphc_ir.ops.constant import constant
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.reduction import Dims
from graphc_ir.types import TensorType

__all__ = [
    "Bitcast",
    "Dims",
    "EnsureShape",
    "bitcast",
    "ensure_shape",
    "rank",
    "shape",
    "size",
    "size_operand",
]


class EnsureShape(Op):
    """The identity on tensors of ``shape``; any other shape is an error when the graph is built or run."""

    shape: Shape
    is_view = True

    def infer(self, x: TensorType) -> TensorType:
        fits = len(self.shape) == x.rank and all(
            dims.known_equal(a, b) is not False for a, b in zip(self.shape, x.shape, strict=True)
        )
        if not fits:
            raise ShapeError(f"ensure_shape: got {x}, expected shape {_shape_text(self.shape)}")
        return x.with_shape(self.shape)

    def kernel(self, x: Array) -> Any:
        if x.shape != self.shape:
            raise ShapeError(f"ensure_shape: got shape {_shape_text(x.shape)}, expected {_shape_text(self.shape)}")
        return x

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return bind(EnsureShape(shape_of(x)), g)


class Bitcast(Op):
    """The same bytes read as another dtype. A smaller dtype adds a last axis, a larger one uses the last
    axis up."""

    dtype: DType
    vjp = NotDifferentiable("bitcast reinterprets bytes")

    def infer(self, x: TensorType) -> TensorType:
        source, target = x.dtype.size, self.dtype.size
        if "s" in (x.dtype.kind, self.dtype.kind) or (x.dtype.kind == "b") is not (self.dtype.kind == "b"):
            raise DTypeError(f"bitcast: {x} cannot be read as {self.dtype.name}; use tf.cast to convert values")
        if source == target:
            return TensorType(self.dtype, x.shape)
        if source > target:
            return TensorType(self.dtype, (*x.shape, source // target))
        if not x.shape or x.shape[-1] != target // source:
            raise ShapeError(f"bitcast: reading {x} as {self.dtype.name} needs a last axis of size {target // source}")
        return TensorType(self.dtype, x.shape[:-1])

    def kernel(self, x: Array) -> Any:
        source, target = x.dtype.itemsize, self.dtype.size
        whole = np.array(x, order="C")
        if source == target:
            return whole.view(self.dtype.np)
        if source > target:
            return whole.reshape(*x.shape, 1).view(self.dtype.np)
        return whole.view(self.dtype.np).reshape(x.shape[:-1])


def _shape_text(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


def shape(x: Any, dtype: Any = int32) -> Operand:
    """The sizes of ``x`` as a 1-D integer tensor: a constant where they are known, else computed when run."""
    wanted, sizes = _index_dtype(dtype), shape_of(lift(x))
    if all(isinstance(d, int) for d in sizes):
        return constant(np.array(sizes, wanted.np))
    return bind(Dims(sizes, wanted))


def size(x: Any, dtype: Any = int32) -> Operand:
    """The number of elements of ``x`` as an integer scalar."""
    return size_operand(dims.element_count(shape_of(lift(x))), _index_dtype(dtype))


def rank(x: Any) -> Operand:
    """The number of axes of ``x`` as an int32 scalar."""
    return constant(np.array(rank_of(lift(x)), np.int32))


def size_operand(dim: Dim, dtype: DType) -> Operand:
    """One dim as an integer scalar of ``dtype``."""
    if isinstance(dim, int):
        return constant(np.array(dim, dtype.np))
    return reshape(bind(Dims((dim,), dtype)), ())


def _index_dtype(dtype: Any) -> DType:
    wanted = as_dtype(dtype)
    if wanted not in (int32, int64):
        raise ArgumentError(f"sizes come as int32 or int64, not {wanted.name}; cast them with tf.cast")
    return wanted


def ensure_shape(x: Any, shape: Any) -> Operand:
    """``x``, known to have this shape from here on; None leaves a size open.

    Raises ShapeError where the shapes can never agree, at once or (for unknown sizes) when the graph runs.
    """
    operand = lift(x)
    have = shape_of(operand)
    listed = tuple(shape)
    if len(listed) != len(have):
        shown = ", ".join(map(str, listed))
        raise ShapeError(f"ensure_shape: got shape {_shape_text(have)}, expected [{shown}], of another rank")
    wanted = tuple(h if w is None else w for h, w in zip(have, listed, strict=True))
    return operand if wanted == have else bind(EnsureShape(wanted), operand)


def bitcast(x: Any, dtype: Any) -> Operand:
    """The bytes of ``x`` as another dtype. Raises ShapeError when the last axis does not fit."""
    if sys.byteorder != "little":
        raise ArgumentError("bitcast between sizes is defined for little-endian machines only")
    return bind(Bitcast(as_dtype(dtype)), lift(x))
