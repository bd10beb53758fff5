"""Looking behind the softmax or sigmoid at the end of a model: cross entropies of logits are exact and cheaper."""

from __future__ import annotations

import warnings
from typing import Any

from graphc.mode import mode
from graphc.tensor import SymbolicTensor
from graphc_ir.graph import Node
from graphc_ir.ops.activation import Sigmoid
from graphc_ir.ops.nn import Softmax

__all__ = ["sigmoid_logits", "softmax_logits"]


def softmax_logits(prediction: Any, from_logits: bool) -> Any | None:
    """The logits behind ``prediction``: what a softmax of the running trace over the last axis was applied to, or
    the prediction itself if it consists of logits; None if there are only probabilities.

    Warns if logits are expected but a softmax was applied.
    """
    return _behind(prediction, Softmax(prediction.ndim - 1), from_logits)


def sigmoid_logits(prediction: Any, from_logits: bool) -> Any | None:
    """:func:`softmax_logits` for sigmoid."""
    return _behind(prediction, Sigmoid(), from_logits)


def _behind(prediction: Any, activation: Any, from_logits: bool) -> Any | None:
    node = prediction.value.node if isinstance(prediction, SymbolicTensor) else None
    if node is None or node.op != activation:
        return prediction if from_logits else None
    if from_logits:
        warnings.warn(f"a loss with from_logits=True got the result of {activation.name}, which are probabilities; the "
                      f"logits before it are used. Take {activation.name} off the model, or from_logits off the loss",
                      stacklevel=2)  # fmt: skip
    return _operand_of(prediction, node)


def _operand_of(prediction: Any, node: Node) -> Any:
    """What the activation was applied to: the very tensor that an open tape knows, or its value in the trace."""
    recorded = (tape.operands_of(prediction) for tape in mode.tapes)
    operands = next((found for found in recorded if found is not None), None)
    return SymbolicTensor(node.operands[0]) if operands is None else operands[0]
