"""Activations that are linear in pieces: rectifiers, hard approximations of smooth functions, shrinkage."""

from __future__ import annotations

from typing import Any

from graphc_ir.ops import activation as ops
from graphc_ir.ops.arithmetic import abs_real, clip_by_value
from graphc_ir.ops.base import Operand, lift
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add, greater, minimum, mul, select, sub
from graphc_ir.ops.elementwise import relu as rectify

__all__ = [
    "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "linear", "relu", "relu6", "soft_shrink",
    "threshold",
]  # fmt: skip


def linear(x: Any) -> Any:
    """``x`` itself."""
    return x


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """``x`` from ``threshold`` on, at most ``max_value``; ``negative_slope * (x - threshold)`` below.

    Without arguments ``max(x, 0)``.
    """
    operand = lift(x)
    if negative_slope and not threshold and max_value is None:
        return ops.leaky_relu(operand, negative_slope)
    upper = _upper_part(operand, max_value, threshold)
    if not negative_slope:
        return upper
    below = minimum(sub(operand, threshold), 0)
    return add(upper, mul(below, negative_slope))


def _upper_part(x: Operand, max_value: float | None, threshold: float) -> Operand:
    if max_value == 6 and not threshold:
        return ops.relu6(x)
    raised = select(greater(x, threshold), x, zeros_like(x)) if threshold else rectify(x)
    return raised if max_value is None else clip_by_value(raised, 0, max_value)


def relu6(x: Any) -> Any:
    """``min(max(x, 0), 6)``."""
    return ops.relu6(x)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """``x`` where positive, else ``negative_slope * x``."""
    return ops.leaky_relu(x, negative_slope)


def hard_sigmoid(x: Any) -> Any:
    """``x / 6 + 0.5``, clipped to [0, 1]: a cheap sigmoid."""
    return ops.hard_sigmoid(x)


def hard_silu(x: Any) -> Any:
    """``x * hard_sigmoid(x)``, also called hard swish."""
    return ops.hard_silu(x)


def hard_tanh(x: Any) -> Any:
    """``x`` clipped to [-1, 1]."""
    return clip_by_value(x, -1, 1)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """0 where ``|x| <= threshold``, else ``x``."""
    operand = lift(x)
    return select(greater(abs_real(operand), threshold), operand, zeros_like(operand))


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """``x`` moved by ``threshold`` towards 0, and 0 where it is nearer than that."""
    operand = lift(x)
    return sub(operand, clip_by_value(operand, -threshold, threshold))


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """``x`` where greater than ``threshold``, else ``default_value``."""
    operand = lift(x)
    return select(greater(operand, threshold), operand, default_value)
