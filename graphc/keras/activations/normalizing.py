"""Activations that make a distribution of the values along an axis, and the scalar forms of sparsemax."""

from __future__ import annotations

from typing import Any

from graphc_ir.ops import nn as ops
from graphc_ir.ops.arithmetic import clip_by_value
from graphc_ir.ops.base import Operand, dtype_of, lift, normalize_axis, rank_of, shape_of
from graphc_ir.ops.creation import iota, zeros_like
from graphc_ir.ops.cumulative import cumsum
from graphc_ir.ops.elementwise import add, cast, div, exp, greater, mul, relu, select, square, sub
from graphc_ir.ops.logsumexp import reduce_logsumexp
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.ops.sorting import sort

__all__ = ["log_softmax", "softmax", "sparse_plus", "sparse_sigmoid", "sparsemax"]


def softmax(x: Any, axis: Any = -1) -> Any:
    """``exp(x) / sum(exp(x))`` along an axis, or over several of them together."""
    if isinstance(axis, (tuple, list)):
        return exp(log_softmax(x, axis))
    return ops.softmax(x, axis)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """The logarithm of softmax, computed stably. ``axis``: one or several."""
    if not isinstance(axis, (tuple, list)):
        return ops.log_softmax(x, axis)
    operand = lift(x)
    return sub(operand, reduce_logsumexp(operand, axis, True))


def sparsemax(x: Any, axis: int = -1) -> Any:
    """``max(x - t, 0)`` with a shift ``t`` per slice along ``axis``, which sets small values to 0.

    With ``k`` values above the others by little enough to count, sorted as z1 >= ... >= zk, the shift is that of Keras:
    ``((k z1 + (k - 1) z2 + ... + zk) - 1) / k``. For ``k = 1`` the result is one-hot; for larger ``k`` its sum is
    below 1, where the sparsemax of Martins and Astudillo (2016), with ``(z1 + ... + zk - 1) / k``, gives a
    distribution.
    """
    operand = lift(x)
    ordered = sort(operand, axis, "DESCENDING")
    running = cumsum(ordered, axis)
    counted = greater(ordered, div(sub(running, 1), _counts(operand, axis)))
    number = reduce_sum(cast(counted, dtype_of(operand)), axis, True)
    total = reduce_sum(select(counted, running, zeros_like(running)), axis, True)
    return relu(sub(operand, div(sub(total, 1), number)))


def _counts(x: Operand, axis: int) -> Operand:
    """1, 2, 3, ... along ``axis``, to be broadcast against ``x``."""
    position, shape = normalize_axis(axis, rank_of(x)), shape_of(x)
    sizes = tuple(shape[position] if i == position else 1 for i in range(len(shape)))
    return add(reshape(iota(shape[position], dtype_of(x)), sizes), 1)


def sparse_plus(x: Any) -> Any:
    """0 up to -1, ``x`` from 1 on, and ``(x + 1)**2 / 4`` between: the integral of :func:`sparse_sigmoid`."""
    operand = lift(x)
    bend = mul(square(add(clip_by_value(operand, -1, 1), 1)), 0.25)
    return add(bend, relu(sub(operand, 1)))


def sparse_sigmoid(x: Any) -> Any:
    """``(x + 1) / 2``, clipped to [0, 1]."""
    return mul(add(clip_by_value(x, -1, 1), 1), 0.5)
