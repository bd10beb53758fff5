"""Connectionist temporal classification (Graves et al., 2006): labels without known positions in a sequence."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from graphc.control import foldl
from graphc.keras.losses.arguments import convert, floats
from graphc.keras.losses.base import FunctionLoss
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Operand, dtype_of, lift, rank_of, shape_of, type_of
from graphc_ir.ops.creation import arange, ones_like, zeros_like
from graphc_ir.ops.elementwise import add, cast, equal, mul, neg, not_equal, select, sub
from graphc_ir.ops.gather import take_along_axis
from graphc_ir.ops.logical import logical_and, logical_or
from graphc_ir.ops.logsumexp import reduce_logsumexp
from graphc_ir.ops.movement import expand_dims, pad_with, reshape, slice_axis, transpose
from graphc_ir.ops.nn import log_softmax
from graphc_ir.ops.rearrange import stack
from graphc_ir.ops.reduction import count_nonzero

__all__ = ["CTC", "ctc"]

BLANK: Final = 0
_IMPOSSIBLE: Final = -np.inf


def ctc(y_true: Any, y_pred: Any) -> Any:
    """``-log`` of the probability that the frames, with repetitions merged and blanks dropped, spell the labels.

    ``y_true``: class numbers (batch, labels), filled up with 0, the blank. ``y_pred``: logits (batch, frames, classes).
    Gives one loss per sequence; inf where there are too few frames. Raises ShapeError for other ranks.
    """
    labels, logits = convert(y_true, "int32"), floats(y_pred)
    if rank_of(labels) != 2 or rank_of(logits) != 3:
        raise ShapeError(f"ctc: got y_true {type_of(labels)} and y_pred {type_of(logits)}, expected labels (batch, "
                         "labels) and logits (batch, frames, classes)")  # fmt: skip
    states = _with_blanks(labels)
    frames = _state_scores(states, log_softmax(logits))
    skips = _may_skip(states)
    start = add(zeros_like(frames[0]), _log_of(equal(_numbers(states), 0), frames))
    forward = foldl(lambda reached, frame: add(_advance(reached, skips), frame), frames, start)
    return neg(reduce_logsumexp(add(forward, _log_of(_is_final(labels, states), frames)), -1))


def _with_blanks(labels: Operand) -> Operand:
    """The states of an alignment: the labels with a blank around each, (batch, 2 * labels + 1)."""
    batch, count = shape_of(labels)
    pairs = reshape(stack([zeros_like(labels), labels], -1), (batch, 2 * count))
    return pad_with(pairs, (0, 0), (0, 1), BLANK)


def _state_scores(states: Operand, scores: Operand) -> Operand:
    """Per frame, the log-probability of the class of each state: (frames, batch, states)."""
    each_frame = ones_like(slice_axis(scores, 2, 0, 1), dtype_of(states))
    chosen = mul(expand_dims(states, 1), each_frame)
    return transpose(take_along_axis(scores, chosen, 2), (1, 0, 2))


def _may_skip(states: Operand) -> Operand:
    """Which states may follow the one before the blank before them: labels that differ from it."""
    return logical_and(not_equal(states, BLANK), not_equal(states, _shifted(states, 2, -1)))


def _advance(reached: Operand, skips: Operand) -> Operand:
    """Log-probabilities of the states one frame later: from the same state, the one before, or over a blank."""
    step = _shifted(reached, 1, _IMPOSSIBLE)
    jump = select(skips, _shifted(reached, 2, _IMPOSSIBLE), _IMPOSSIBLE)
    return reduce_logsumexp(stack([reached, step, jump], 0), 0)


def _shifted(x: Operand, places: int, fill: Any) -> Operand:
    """The states moved to the right."""
    kept = slice_axis(x, 1, 0, shape_of(x)[1] - places)
    return pad_with(kept, (0, places), (0, 0), fill)


def _is_final(labels: Operand, states: Operand) -> Operand:
    """The last label of each sequence and the blank behind it."""
    blank = mul(count_nonzero(labels, 1, True, "int32"), 2)
    numbers = _numbers(states)
    return logical_or(equal(numbers, blank), equal(numbers, sub(blank, 1)))


def _numbers(states: Operand) -> Operand:
    return cast(arange(shape_of(states)[1]), "int32")


def _log_of(allowed: Operand, like: Operand) -> Operand:
    return select(allowed, lift(0, dtype_of(like)), _IMPOSSIBLE)


class CTC(FunctionLoss):
    """The mean of :func:`ctc` over the batch."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "ctc",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(ctc, reduction, name, dtype)

    def _targets(self, y_true: Any) -> Any:
        return convert(y_true, "int32")
