"""The circle loss of metric learning (Sun et al., 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.losses.arguments import convert, floats
from graphc.keras.losses.base import FunctionLoss
from graphc_ir.dims import Dim
from graphc_ir.dtypes import int32
from graphc_ir.ops.activation import softplus
from graphc_ir.ops.base import Operand, rank_of, shape_of
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import add, equal, greater, mul, not_equal, relu, select, sub
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.logical import logical_and, logical_not
from graphc_ir.ops.logsumexp import reduce_logsumexp
from graphc_ir.ops.movement import reshape, transpose

__all__ = ["Circle", "circle"]


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """One loss per embedding of (batch, features) with unit norm: small if those of its class are near, others far.

    ``y_true``: integer classes (batch). ``ref_labels`` and ``ref_embeddings`` are what to compare with, by default
    the batch itself; ``remove_diagonal`` then leaves out the pair of an embedding with itself. The result carries a
    mask that leaves elements of loss 0 out of a mean.
    """
    embeddings, labels = floats(y_pred), convert(y_true, "int32")
    references = embeddings if ref_embeddings is None else floats(ref_embeddings)
    distance = relu(sub(1, matmul(embeddings, transpose(references))))
    same = _same_class(labels, labels if ref_labels is None else convert(ref_labels, "int32"))
    others = logical_not(same)
    if remove_diagonal:
        same = logical_and(same, _off_diagonal(*shape_of(same)))
    near = mul(relu(add(distance, margin)), sub(distance, margin))
    far = mul(relu(sub(1 + margin, distance)), sub(1 - margin, distance))
    losses = softplus(add(_log_total(near, same, gamma), _log_total(far, others, gamma)))
    losses._keras_mask = greater(losses, 0)
    return losses


def _same_class(labels: Operand, references: Operand) -> Operand:
    column = labels if rank_of(labels) == 2 else reshape(labels, (-1, 1))
    row = transpose(references) if rank_of(references) == 2 else reshape(references, (1, -1))
    return equal(column, row)


def _off_diagonal(rows: Dim, columns: Dim) -> Operand:
    return not_equal(reshape(iota(rows, int32), (-1, 1)), iota(columns, int32))


def _log_total(terms: Operand, chosen: Operand, gamma: float) -> Operand:
    """``log(sum(exp(gamma * terms)))`` per row over the chosen ones; -inf if there are none."""
    return reduce_logsumexp(select(chosen, mul(terms, gamma), -np.inf), 1)


class Circle(FunctionLoss):
    """The mean of :func:`circle` over the batch."""

    def __init__(self, gamma: float = 80.0, margin: float = 0.4, remove_diagonal: bool = True,
                 reduction: str | None = "sum_over_batch_size", name: str | None = "circle",
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(circle, reduction, name, dtype, gamma=gamma, margin=margin,
                         remove_diagonal=remove_diagonal)  # fmt: skip
