"""The logarithm of sums of exponentials, over axes and running along one, without overflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir.ops.base import Array, Operand, bind, lift, normalize_axes, rank_of, shape_of
from graphc_ir.ops.cumulative import Cumulative, bind_cumulative, cumsum
from graphc_ir.ops.elementwise import add, exp, greater, log, mul, neg, select, sub
from graphc_ir.ops.logical import is_finite, logical_and
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.reduction import Reduction, reduce_max, reduce_sum, reduced_shape


class ReduceLogsumexp(Reduction):
    """``log(sum(exp(x)))``."""

    accepts = "f"

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        offset = np.maximum.reduce(x, axis=self.axes, keepdims=True, initial=-np.inf)
        offset = np.where(np.isfinite(offset), offset, x.dtype.type(0))
        total = np.exp(x - offset).sum(self.axes, keepdims=self.keepdims)
        with np.errstate(divide="ignore"):
            logarithm = np.log(total, out=out)
        return np.add(logarithm, offset.reshape(logarithm.shape), out=out)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        top = self.restore(x, y)
        share = exp(sub(x, select(is_finite(top), top, 0)))
        return mul(self.restore(x, g), share)

    def decompose(self, x: Operand) -> Operand:
        offset = _finite_largest(x, self.axes)
        total = add(log(reduce_sum(exp(sub(x, offset)), self.axes, keepdims=True)), offset)
        return total if self.keepdims else reshape(total, reduced_shape(shape_of(x), self.axes, False))


def _finite_largest(x: Operand, axes: Any) -> Operand:
    largest = reduce_max(x, axes, keepdims=True)
    return select(is_finite(largest), largest, 0)


class CumulativeLogsumexp(Cumulative):
    """The logarithm of the running sum of exponentials."""

    accepts = "f"
    ufunc = np.logaddexp
    start = -np.inf

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        # In log space, positive and negative cotangents apart, so that nothing overflows.
        return sub(self._spread(g, y, x), self._spread(neg(g), y, x))

    def _spread(self, g: Operand, y: Operand, x: Operand) -> Operand:
        taken = logical_and(greater(g, 0), greater(y, -np.inf))
        amount = select(taken, sub(log(select(taken, g, 1)), y), -np.inf)
        return exp(add(cumulative_logsumexp(amount, **self.flipped()), x))

    def decompose(self, x: Operand) -> Operand:
        # One offset for the whole line: a running sum far below the line's largest element underflows to -inf.
        offset = _finite_largest(x, self.axis)
        total = cumsum(exp(sub(x, offset)), self.axis, self.exclusive, self.reverse)
        return add(log(total), offset)


def reduce_logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Operand:
    """``log(sum(exp(x)))`` over axes, without overflow; None means all."""
    operand = lift(x)
    return bind(ReduceLogsumexp(normalize_axes(axis, rank_of(operand)), bool(keepdims)), operand)


def cumulative_logsumexp(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Operand:
    """The logarithm of the running sum of ``exp(x)`` along an axis."""
    return bind_cumulative(CumulativeLogsumexp, x, axis, exclusive, reverse)
