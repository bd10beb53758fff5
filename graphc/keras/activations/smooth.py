"""Smooth activations, element by element, and the gated linear unit."""

from __future__ import annotations

from typing import Any

from graphc_ir.errors import ShapeError
from graphc_ir.ops import activation as ops
from graphc_ir.ops import elementwise
from graphc_ir.ops.base import lift, normalize_axis, rank_of, shape_of
from graphc_ir.ops.elementwise import add, mul, sqrt, square, sub
from graphc_ir.ops.movement import split

__all__ = [
    "celu", "elu", "exponential", "gelu", "glu", "log_sigmoid", "mish", "selu", "sigmoid", "silu", "softplus",
    "softsign", "squareplus", "tanh", "tanh_shrink",
]  # fmt: skip


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return ops.sigmoid(x)


def log_sigmoid(x: Any) -> Any:
    """``log(sigmoid(x))`` without underflow."""
    return ops.log_sigmoid(x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return elementwise.tanh(x)


def tanh_shrink(x: Any) -> Any:
    """``x - tanh(x)``."""
    operand = lift(x)
    return sub(operand, elementwise.tanh(operand))


def exponential(x: Any) -> Any:
    """``exp(x)``."""
    return elementwise.exp(x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where positive, else ``alpha * (exp(x) - 1)``."""
    return ops.elu(x, alpha)


def selu(x: Any) -> Any:
    """``elu`` with the slope and scale that keep mean 0 and variance 1 through layers of lecun_normal weights."""
    return ops.selu(x)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where positive, else ``alpha * (exp(x / alpha) - 1)``: an elu with slope 1 at 0 for every ``alpha``."""
    return ops.celu(x, alpha)


def gelu(x: Any, approximate: bool = False) -> Any:
    """``x`` times the normal distribution function of ``x``; ``approximate``: by tanh."""
    return ops.gelu(x, approximate)


def silu(x: Any) -> Any:
    """``x * sigmoid(x)``, also called swish."""
    return ops.silu(x)


def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))``."""
    return ops.mish(x)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))`` without overflow."""
    return ops.softplus(x)


def softsign(x: Any) -> Any:
    """``x / (1 + |x|)``."""
    return ops.softsign(x)


def squareplus(x: Any, b: float = 4) -> Any:
    """``(x + sqrt(x**2 + b)) / 2``: an algebraic softplus."""
    operand = lift(x)
    return mul(add(operand, sqrt(add(square(operand), b))), 0.5)


def glu(x: Any, axis: int = -1) -> Any:
    """The first half of ``x`` along ``axis``, gated by the sigmoid of the second.

    Raises ShapeError unless the size along ``axis`` is even.
    """
    operand = lift(x)
    position = normalize_axis(axis, rank_of(operand), "axis")
    size = shape_of(operand)[position]
    if isinstance(size, int) and size % 2:
        raise ShapeError(f"glu: got size {size} along axis {axis} of a tensor of shape {shape_of(operand)}, expected "
                         "an even one: half of it are the gates")  # fmt: skip
    value, gate = split(operand, 2, position)
    return mul(value, ops.sigmoid(gate))
