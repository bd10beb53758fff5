"""``keras.ops.nn``: connectionist temporal classification (Graves et al., 2006): labels without known positions in a
sequence of frames.

Repeated classes in consecutive frames stand for one label, unless a frame of the blank class lies between them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from graphc.control import foldl
from graphc.keras.engine.operation import operation
from graphc.keras.ops.promotion import as_index, convert, floats, widened
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Operand, dtype_of, lift, rank_of, shape_of, type_of
from graphc_ir.ops.creation import iota, ones_like, zeros_like
from graphc_ir.ops.cumulative import cumsum
from graphc_ir.ops.elementwise import add, cast, equal, less, mul, neg, not_equal, select, sub
from graphc_ir.ops.gather import scatter_nd, take_along_axis
from graphc_ir.ops.logical import logical_and, logical_or
from graphc_ir.ops.logsumexp import reduce_logsumexp
from graphc_ir.ops.movement import broadcast_to, expand_dims, pad_with, reshape, slice_axis, transpose
from graphc_ir.ops.nn import log_softmax
from graphc_ir.ops.rearrange import stack
from graphc_ir.ops.reduction import argmax, reduce_max, reduce_sum

__all__ = ["ctc_decode", "ctc_loss"]

_IMPOSSIBLE: Final = -np.inf


@operation("nn", "target output target_length output_length", class_name="CTCLoss")
def ctc_loss(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0) -> Any:
    """``-log`` of the probability that the frames, with repetitions merged and blanks dropped, spell the labels.

    ``target``: class numbers (batch, labels), of which the first ``target_length`` count; ``output``: logits (batch,
    frames, classes), of which the first ``output_length`` count; ``mask_index``: the class of the blank. Gives one loss
    per sequence; inf where there are too few frames. Raises ShapeError for other ranks.
    """
    labels, logits = as_index(target), widened(floats(output))
    if rank_of(labels) != 2 or rank_of(logits) != 3:
        raise ShapeError(f"ctc: got a target {type_of(labels)} and an output {type_of(logits)}, expected labels "
                         "(batch, labels) and logits (batch, frames, classes)")  # fmt: skip
    states = _with_blanks(labels, mask_index)
    scores = _state_scores(states, log_softmax(logits))
    skips = _may_skip(states)
    start = add(zeros_like(scores[0]), _log_of(equal(_numbers(states), 0), scores))
    lengths = _column(output_length)

    def step(reached: Operand, frame: Any) -> Operand:
        number, score = frame
        return select(less(number, lengths), add(_advance(reached, skips), score), reached)

    forward = foldl(step, (iota(shape_of(scores)[0], dtype_of(lengths)), scores), start)
    return neg(reduce_logsumexp(add(forward, _log_of(_is_final(states, target_length), scores)), -1))


def _column(lengths: Any) -> Operand:
    """Lengths as a column, to be broadcast over steps; one number may stand for all."""
    return reshape(as_index(lengths), (-1, 1))


def _with_blanks(labels: Operand, blank: int) -> Operand:
    """The states of an alignment: the labels with a blank around each, (batch, 2 * labels + 1)."""
    batch, count = shape_of(labels)
    pairs = reshape(stack([add(zeros_like(labels), blank), labels], -1), (batch, 2 * count))
    return pad_with(pairs, (0, 0), (0, 1), blank)


def _state_scores(states: Operand, scores: Operand) -> Operand:
    """Per frame, the log-probability of the class of each state: (frames, batch, states)."""
    each_frame = ones_like(slice_axis(scores, 2, 0, 1), dtype_of(states))
    chosen = mul(expand_dims(states, 1), each_frame)
    return transpose(take_along_axis(scores, chosen, 2), (1, 0, 2))


def _may_skip(states: Operand) -> Operand:
    """Which states may follow the one before the state before them: labels that differ from it. Blanks never do."""
    return not_equal(states, _shifted(states, 2, -1))


def _advance(reached: Operand, skips: Operand) -> Operand:
    """Log-probabilities of the states one frame later: from the same state, the one before, or over a blank."""
    step = _shifted(reached, 1, _IMPOSSIBLE)
    jump = select(skips, _shifted(reached, 2, _IMPOSSIBLE), _IMPOSSIBLE)
    return reduce_logsumexp(stack([reached, step, jump], 0), 0)


def _shifted(x: Operand, places: int, fill: Any) -> Operand:
    """The states moved to the right."""
    kept = slice_axis(x, 1, 0, shape_of(x)[1] - places)
    return pad_with(kept, (0, places), (0, 0), fill)


def _is_final(states: Operand, lengths: Any) -> Operand:
    """The last label of each sequence and the blank behind it."""
    numbers = _numbers(states)
    blank = mul(cast(_column(lengths), dtype_of(numbers)), 2)
    return logical_or(equal(numbers, blank), equal(numbers, sub(blank, 1)))


def _numbers(states: Operand) -> Operand:
    return iota(shape_of(states)[1], dtype_of(convert(0)))


def _log_of(allowed: Operand, like: Operand) -> Operand:
    return select(allowed, lift(0, dtype_of(like)), _IMPOSSIBLE)


# --- decoding --------------------------------------------------------------------------------------------------------


@operation("nn", "inputs sequence_lengths", class_name="CTCDecode")
def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> Any:
    """The labels that the best class of each frame spells, (1, batch, frames) filled up with -1; and minus the sum of
    their logits, (batch, 1).

    ``inputs``: logits (batch, frames, classes), of which the first ``sequence_lengths`` count. Raises ArgumentError for
    another strategy than "greedy" and more than one path.
    """
    if strategy != "greedy" or top_paths != 1:
        raise ArgumentError(f"ctc_decode: got strategy={strategy!r} and top_paths={top_paths}, but graphc decodes "
                            "greedily only: use strategy='greedy', top_paths=1")  # fmt: skip
    logits = widened(floats(inputs))
    batch, frames, _ = shape_of(logits)
    classes, lengths = argmax(logits, 2, dtype_of(convert(0))), _column(sequence_lengths)
    alive = less(iota(frames, dtype_of(lengths)), lengths)
    kept = logical_and(alive, not_equal(classes, mask_index))
    if merge_repeated:
        kept = logical_and(kept, not_equal(classes, _shifted(classes, 1, -1)))
    best = select(alive, reduce_max(logits, 2), lift(0, dtype_of(logits)))
    return expand_dims(_compacted(classes, kept, batch, frames), 0), neg(reduce_sum(best, 1, True))


def _compacted(classes: Operand, kept: Operand, batch: Any, frames: Any) -> Operand:
    """The kept classes at the front of each row, -1 behind them."""
    counts = cast(kept, dtype_of(classes))
    # What is dropped adds 0, wherever it goes.
    column = mul(sub(cumsum(counts, 1), 1), counts)
    row = broadcast_to(expand_dims(iota(batch, dtype_of(classes)), 1), (batch, frames))
    values = mul(add(classes, 1), counts)
    return sub(scatter_nd(stack([row, column], -1), values, (batch, frames)), 1)
