"""Attention over the last two axes, and the masks that say who may attend to whom."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

from graphc_ir.dims import Dim
from graphc_ir.dtypes import DType, bool_, int64
from graphc_ir.ops import attention as ops
from graphc_ir.ops.base import Operand, dtype_of, lift
from graphc_ir.ops.complex import abs as absolute
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import cast, less, select, sub
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.movement import expand_dims

__all__ = ["Visible", "all_of", "attend", "attend_whole", "causal_mask", "window_mask", "with_hidden"]

causal_mask = ops.causal_mask


class Visible(NamedTuple):
    """Who may attend to whom: ``mask`` (bool, broadcasts to [..., queries, keys]; None: all), or ``causal`` alone:
    position i up to position i."""

    mask: Operand | None = None
    causal: bool = False


def attend(
    query: Operand, key: Operand, value: Operand, scale: float, visible: Visible, drop: Callable[[Any], Any] | None
) -> tuple[Operand, Operand]:
    """``softmax(query key' * scale) value`` over [..., queries, depth] and [..., keys, depth], and the weights.

    ``drop`` is applied to the weights before they meet the values. A query that may attend to nobody has weights of 0.
    """
    masks = () if visible.mask is None else (visible.mask,)
    weights = ops.Attention(float(scale), visible.causal).probabilities(query, key, *masks)
    return matmul(weights if drop is None else drop(weights), value), weights


def attend_whole(query: Operand, key: Operand, value: Operand, scale: float, visible: Visible) -> Operand:
    """The result of :func:`attend` as one op, for those who need neither the weights nor dropout.

    A query that may attend to nobody gets the mean of the values, as in Keras.
    """
    mask = next(iter(_added(visible.mask, dtype_of(query))), None)
    return ops.attention(query, key, value, mask, scale, visible.causal)


def _added(mask: Operand | None, dtype: DType) -> tuple[Operand, ...]:
    """The mask as numbers to add to the scores."""
    return () if mask is None else (select(mask, lift(0, dtype), lift(_hidden(dtype), dtype)),)


def with_hidden(scores: Operand, mask: Operand | None) -> Operand:
    """Scores in which those that the mask hides are so low that softmax gives them no weight."""
    masks = _added(mask, dtype_of(scores))
    return scores + masks[0] if masks else scores


def _hidden(dtype: DType) -> float:
    """Half the lowest number, so that adding a score cannot overflow."""
    return float(dtype.min) / 2


def all_of(*masks: Any) -> Operand | None:
    """Bools that hold where all of the given masks do; None where there are none."""
    found = [cast(lift(mask), bool_) for mask in masks if mask is not None]
    return reduce(logical_and, found) if found else None


def window_mask(queries: Dim, keys: Dim, width: int) -> Operand:
    """bool [queries, keys]: True where positions are less than ``width`` apart."""
    distance = sub(expand_dims(iota(queries, int64), 1), iota(keys, int64))
    return less(absolute(distance), width)
