"""Scaled dot-product attention."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim
from graphc_ir.dtypes import DType, bool_, int64
from graphc_ir.errors import DTypeError, ShapeError
from graphc_ir.ops.base import Array, NotDifferentiable, Op, Operand, bind, dtype_of, lift, shape_of, type_of
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import add, check_kind, greater_equal, mul, select, sub
from graphc_ir.ops.linalg import matmul, matrix_product, swap_last
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.nn import softmax
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.types import TensorType


class Attention(Op):
    """softmax(q k' * scale + mask) v: (query [..., t, d], key [..., s, d], value [..., s, e][, mask]) ->
    [..., t, e].

    The mask broadcasts to [..., t, s]: bool (True: attend) or floats that are added. ``causal``: position i
    attends positions up to i. Hidden positions have no weight, so a row without any visible one is 0.
    """

    scale: float
    causal: bool

    def infer(self, q: TensorType, k: TensorType, v: TensorType, *mask: TensorType) -> TensorType:
        check_kind(self, "f", q, k, v)
        if min(q.rank, k.rank, v.rank) < 2:
            raise ShapeError(f"attention needs operands of rank 2 or more, got {q}, {k}, {v}")
        try:
            dims.require_equal(q.shape[-1], k.shape[-1], "query and key depth")
            dims.require_equal(k.shape[-2], v.shape[-2], "number of keys and values")
            batch = dims.broadcast_shapes(q.shape[:-2], k.shape[:-2])
            scores = (*batch, q.shape[-2], k.shape[-2])
            scores = self._masked_shape(scores, q, *mask)
            batch = dims.broadcast_shapes(scores[:-2], v.shape[:-2])
        except ValueError as error:
            shown = ", ".join(map(str, (q, k, v, *mask)))
            raise ShapeError(f"attention: {shown} do not fit: {error}") from error
        return q.with_shape((*batch, q.shape[-2], v.shape[-1]))

    def _masked_shape(self, scores: dims.Shape, q: TensorType, *mask: TensorType) -> dims.Shape:
        for m in mask:
            if m.dtype is not bool_ and m.dtype is not q.dtype:
                raise DTypeError(
                    f"attention mask has dtype {m.dtype.name}; expected bool (True: attend) or {q.dtype.name}"
                )
            scores = dims.broadcast_shapes(scores, m.shape)
        return scores

    def kernel(self, q: Array, k: Array, v: Array, mask: Array | None = None) -> Any:
        scores = matrix_product(q * q.dtype.type(self.scale), k.swapaxes(-1, -2))
        visible = np.tri(q.shape[-2], k.shape[-2], dtype=np.bool_) if self.causal else None
        if mask is not None and mask.dtype != np.bool_:
            scores = scores + mask
        elif mask is not None:
            visible = mask if visible is None else visible & mask
        if visible is not None:
            scores = np.where(visible, scores, scores.dtype.type(lowest_score(type_of_array(q))))
        scores -= np.maximum.reduce(scores, axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= np.add.reduce(scores, axis=-1, keepdims=True)
        if visible is not None:
            scores *= visible
        return matrix_product(scores, v)

    def probabilities(self, q: Operand, k: Operand, *mask: Operand) -> Operand:
        scores = matmul(mul(q, self.scale), swap_last(k))
        for m in mask:
            scores = scores if dtype_of(m) is bool_ else add(scores, m)
        visible = self._visible(q, k, *mask)
        if visible is None:
            return softmax(scores)
        kind = dtype_of(q)
        # The lowest score hides; the second select empties rows in which nothing else is left.
        weights = softmax(select(visible, scores, lift(lowest_score(kind), kind)))
        return select(visible, weights, lift(0, kind))

    def _visible(self, q: Operand, k: Operand, *mask: Operand) -> Operand | None:
        """What each position attends as bools that broadcast to [..., t, s]; None: everything."""
        parts = [causal_mask(shape_of(q)[-2], shape_of(k)[-2])] if self.causal else []
        parts += [m for m in mask if dtype_of(m) is bool_]
        return reduce(logical_and, parts) if parts else None

    def vjp(self, g: Operand, y: Operand, q: Operand, k: Operand, v: Operand, *mask: Operand) -> Any:
        p = self.probabilities(q, k, *mask)
        weighted = mul(p, matmul(g, swap_last(v)))
        scores = sub(weighted, mul(p, reduce_sum(weighted, -1, keepdims=True)))
        scaled = mul(scores, self.scale)
        of_mask = tuple(NotDifferentiable("a bool mask") if dtype_of(m) is bool_ else scores for m in mask)
        return (
            lambda: matmul(scaled, k),
            lambda: matmul(swap_last(scaled), q),
            lambda: matmul(swap_last(p), g),
            *of_mask,
        )

    def decompose(self, q: Operand, k: Operand, v: Operand, *mask: Operand) -> Operand:
        return matmul(self.probabilities(q, k, *mask), v)


def lowest_score(dtype: DType) -> float:
    """The score of a hidden position."""
    return float(dtype.min)


def type_of_array(array: Array) -> DType:
    return TensorType.of(array).dtype


def causal_mask(queries: Dim, keys: Dim) -> Operand:
    """bool [queries, keys]: True up to the diagonal."""
    rows = reshape(iota(queries, int64), (queries, 1))
    return greater_equal(rows, iota(keys, int64))


def attention(
    query: Any, key: Any, value: Any, mask: Any = None, scale: float | None = None, causal: bool = False
) -> Operand:
    """Scaled dot-product attention over the last two axes; see :class:`Attention`. ``scale`` is 1/sqrt(depth)
    by default.

    Raises ShapeError for sizes that do not fit, DTypeError for a mask that is neither bool nor of the query's
    dtype.
    """
    q = lift(query)
    k, v = lift(key, dtype_of(q)), lift(value, dtype_of(q))
    if scale is None:
        depth = shape_of(q)[-1] if shape_of(q) else 1
        if not isinstance(depth, int):
            raise ShapeError(f"attention: the depth of {type_of(q)} is not known; pass scale")
        scale = 1 / math.sqrt(depth) if depth else 1.0
    masks = () if mask is None else (lift(mask),)
    return bind(Attention(float(scale), bool(causal)), q, k, v, *masks)
