"""Activations that are no functions of ``keras.ops``, or take other arguments than the one there."""

from __future__ import annotations

from typing import Any

from graphc.keras import ops
from graphc.keras.engine.operation import operation
from graphc.keras.ops.promotion import no_bool
from graphc_ir.ops.activation import leaky_relu
from graphc_ir.ops.arithmetic import clip_by_value
from graphc_ir.ops.base import Operand
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add, greater, minimum, mul, select, sub

__all__ = ["exponential", "gelu", "linear", "relu"]


def linear(x: Any) -> Any:
    """``x`` itself."""
    return x


def exponential(x: Any) -> Any:
    """``exp(x)``."""
    return ops.exp(x)


def gelu(x: Any, approximate: bool = False) -> Any:
    """``x`` times the normal distribution function of ``x``; ``approximate``: by tanh."""
    return ops.gelu(x, approximate)


@operation("keras.src.activations.activations", class_name="ReLU")
def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """``x`` from ``threshold`` on, at most ``max_value``; ``negative_slope * (x - threshold)`` below.

    Without arguments ``max(x, 0)``.
    """
    operand = no_bool(x)
    if negative_slope and not threshold and max_value is None:
        return leaky_relu(operand, negative_slope)
    upper = _upper_part(operand, max_value, threshold)
    if not negative_slope:
        return upper
    below = minimum(sub(operand, threshold), 0)
    return add(upper, mul(below, negative_slope))


def _upper_part(x: Operand, max_value: float | None, threshold: float) -> Operand:
    if max_value == 6 and not threshold:
        return ops.relu6(x)
    raised = select(greater(x, threshold), x, zeros_like(x)) if threshold else ops.relu(x)
    return raised if max_value is None else clip_by_value(raised, 0, max_value)
