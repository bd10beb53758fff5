"""Connectionist temporal classification (Graves et al., 2006): labels without known positions in a sequence."""

from __future__ import annotations

from typing import Any

from graphc.keras.losses.arguments import convert, floats
from graphc.keras.losses.base import FunctionLoss
from graphc.keras.ops.ctc import ctc_loss
from graphc_ir.dtypes import int32
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import rank_of, shape_of, type_of
from graphc_ir.ops.reduction import count_nonzero
from graphc_ir.ops.shape import size_operand

__all__ = ["CTC", "ctc"]


def ctc(y_true: Any, y_pred: Any) -> Any:
    """``-log`` of the probability that the frames, with repetitions merged and blanks dropped, spell the labels.

    ``y_true``: class numbers (batch, labels), filled up with 0, the blank. ``y_pred``: logits (batch, frames, classes).
    Gives one loss per sequence; inf where there are too few frames. Raises ShapeError for other ranks.
    """
    labels, logits = convert(y_true, "int32"), floats(y_pred)
    if rank_of(labels) != 2 or rank_of(logits) != 3:
        raise ShapeError(f"ctc: got y_true {type_of(labels)} and y_pred {type_of(logits)}, expected labels (batch, "
                         "labels) and logits (batch, frames, classes)")  # fmt: skip
    frames = size_operand(shape_of(logits)[1], int32)
    return ctc_loss(labels, logits, count_nonzero(labels, 1, False, int32), frames)


class CTC(FunctionLoss):
    """The mean of :func:`ctc` over the batch."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "ctc",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(ctc, reduction, name, dtype)

    def _targets(self, y_true: Any) -> Any:
        return convert(y_true, "int32")
