"""Activation functions. All are composite: each has a kernel with few temporaries and a decomposition."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from graphc_ir.ops import error_function
from graphc_ir.ops.arithmetic import abs_real, clip_by_value
from graphc_ir.ops.base import Array, Operand, bind, dtype_of, lift
from graphc_ir.ops.elementwise import (
    Unary,
    add,
    cast,
    div,
    exp,
    greater,
    less,
    maximum,
    minimum,
    mul,
    neg,
    select,
    square,
    sub,
    tanh,
)
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.special import erf
from graphc_ir.ops.transcendental import expm1, log1p

SELU_ALPHA: Final = 1.6732632423543772
SELU_SCALE: Final = 1.0507009873554805
_SQRT_HALF: Final = math.sqrt(0.5)
_SQRT_2_OVER_PI: Final = math.sqrt(2 / math.pi)
_GELU_CUBIC: Final = 0.044715


class Activation(Unary, abstract=True):
    accepts = "f"


def _sigmoid(x: Array, out: Array | None = None) -> Any:
    # exp overflows to inf for very negative x, and 1 / inf is the right 0.
    with np.errstate(over="ignore"):
        y = np.exp(np.negative(x, out=out), out=out)
    y = np.add(y, 1, out=out)
    return np.reciprocal(y, out=out)


def _clip(x: Array, high: int, out: Array | None = None) -> Any:
    """Between 0 and ``high``. (np.clip turns bfloat16 into float32.)"""
    raised = np.maximum(x, x.dtype.type(0), out=out)
    return np.minimum(raised, x.dtype.type(high), out=out)


def _softplus(x: Array) -> Any:
    y = np.exp(-np.abs(x))
    return np.maximum(x, 0) + np.log1p(y)


class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``."""

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        return _sigmoid(x, out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, mul(y, sub(1, y)))


class LogSigmoid(Activation):
    """``log(sigmoid(x))`` without underflow."""

    def kernel(self, x: Array) -> Any:
        return -_softplus(-x)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, sigmoid(neg(x)))

    def decompose(self, x: Operand) -> Operand:
        return neg(softplus(neg(x)))


class Softplus(Activation):
    """``log(1 + exp(x))`` without overflow."""

    def kernel(self, x: Array) -> Any:
        return _softplus(x)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, sigmoid(x))

    def decompose(self, x: Operand) -> Operand:
        return add(maximum(x, 0), log1p(exp(neg(abs_real(x)))))


class Softsign(Activation):
    """``x / (1 + |x|)``."""

    def kernel(self, x: Array) -> Any:
        return x / (np.abs(x) + 1)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return div(g, square(add(abs_real(x), 1)))

    def decompose(self, x: Operand) -> Operand:
        return div(x, add(abs_real(x), 1))


class Relu6(Activation):
    """``min(max(x, 0), 6)``. The gradient at 0 and 6 is 0."""

    accepts = "iuf"

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        return _clip(x, 6, out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, _between(y, 0, 6, g))

    def decompose(self, x: Operand) -> Operand:
        return clip_by_value(x, 0, 6)


def _between(x: Operand, low: float, high: float, like: Operand) -> Operand:
    return cast(logical_and(greater(x, low), less(x, high)), dtype_of(like))


class LeakyRelu(Activation):
    """``x`` where positive, else ``alpha * x``."""

    alpha: float

    def kernel(self, x: Array) -> Any:
        scaled = x * x.dtype.type(self.alpha)
        return np.maximum(x, scaled) if 0 <= self.alpha <= 1 else np.where(x > 0, x, scaled)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return select(greater(x, 0), g, mul(g, self.alpha))

    def decompose(self, x: Operand) -> Operand:
        return select(greater(x, 0), x, mul(x, self.alpha))


class Elu(Activation):
    """``x`` where positive, else ``alpha * (exp(x) - 1)``."""

    alpha: float

    def kernel(self, x: Array) -> Any:
        y = np.expm1(np.minimum(x, 0))
        y = y * x.dtype.type(self.alpha)
        return y + np.maximum(x, 0)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return select(greater(x, 0), g, mul(g, add(y, self.alpha)))

    def decompose(self, x: Operand) -> Operand:
        return select(greater(x, 0), x, mul(expm1(minimum(x, 0)), self.alpha))


class Selu(Activation):
    """The self-normalising unit: ``elu`` scaled so that mean 0 and variance 1 are kept."""

    def kernel(self, x: Array) -> Any:
        y = np.expm1(np.minimum(x, 0)) * x.dtype.type(SELU_ALPHA)
        return (y + np.maximum(x, 0)) * x.dtype.type(SELU_SCALE)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        scale = lift(SELU_SCALE, dtype_of(y))
        return mul(g, select(greater(x, 0), scale, add(y, SELU_SCALE * SELU_ALPHA)))

    def decompose(self, x: Operand) -> Operand:
        return mul(elu(x, SELU_ALPHA), SELU_SCALE)


class Celu(Activation):
    """``x`` where positive, else ``alpha * (exp(x / alpha) - 1)``."""

    alpha: float

    def kernel(self, x: Array) -> Any:
        alpha = x.dtype.type(self.alpha)
        return np.maximum(x, 0) + np.expm1(np.minimum(x, 0) / alpha) * alpha

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return select(greater(x, 0), g, mul(g, add(div(y, self.alpha), 1)))

    def decompose(self, x: Operand) -> Operand:
        below = mul(expm1(div(minimum(x, 0), self.alpha)), self.alpha)
        return add(maximum(x, 0), below)


class Gelu(Activation):
    """``x`` times the normal distribution function; ``approximate``: by its tanh approximation."""

    approximate: bool

    def kernel(self, x: Array) -> Any:
        half = x.dtype.type(0.5)
        if self.approximate:
            inner = np.tanh((x * x * x.dtype.type(_GELU_CUBIC) + 1) * x * x.dtype.type(_SQRT_2_OVER_PI))
        else:
            inner = error_function.erf(np.asarray(x * x.dtype.type(_SQRT_HALF)))
        return (inner + 1) * (x * half)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, self._approximate_slope(x) if self.approximate else _gelu_slope(x))

    def _approximate_slope(self, x: Operand) -> Operand:
        t = tanh(_gelu_argument(x))
        bent = mul(add(mul(square(x), 3 * _GELU_CUBIC), 1), _SQRT_2_OVER_PI)
        return add(mul(add(t, 1), 0.5), mul(mul(mul(x, 0.5), sub(1, square(t))), bent))

    def decompose(self, x: Operand) -> Operand:
        inner = tanh(_gelu_argument(x)) if self.approximate else erf(mul(x, _SQRT_HALF))
        return mul(mul(x, 0.5), add(inner, 1))


def _gelu_argument(x: Operand) -> Operand:
    return mul(mul(add(mul(square(x), _GELU_CUBIC), 1), x), _SQRT_2_OVER_PI)


def _gelu_slope(x: Operand) -> Operand:
    distribution = mul(add(erf(mul(x, _SQRT_HALF)), 1), 0.5)
    density = mul(exp(mul(square(x), -0.5)), 1 / math.sqrt(2 * math.pi))
    return add(distribution, mul(x, density))


class Silu(Activation):
    """``x * sigmoid(x)``, also called swish."""

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        y = _sigmoid(x)
        return np.multiply(y, x, out=out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        s = sigmoid(x)
        return mul(g, mul(s, add(mul(x, sub(1, s)), 1)))

    def decompose(self, x: Operand) -> Operand:
        return mul(x, sigmoid(x))


class Mish(Activation):
    """``x * tanh(softplus(x))``."""

    def kernel(self, x: Array) -> Any:
        return x * np.tanh(_softplus(x))

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        t = tanh(softplus(x))
        return mul(g, add(t, mul(mul(x, sub(1, square(t))), sigmoid(x))))

    def decompose(self, x: Operand) -> Operand:
        return mul(x, tanh(softplus(x)))


class HardSigmoid(Activation):
    """``alpha * x + beta`` kept between 0 and 1."""

    alpha: float
    beta: float

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        kind = x.dtype.type
        y = np.multiply(x, kind(self.alpha), out=out)
        y = np.add(y, kind(self.beta), out=out)
        return _clip(y, 1, out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, mul(_between(y, 0, 1, g), self.alpha))

    def decompose(self, x: Operand) -> Operand:
        return clip_by_value(add(mul(x, self.alpha), self.beta), 0, 1)


class HardSilu(Activation):
    """``x * hard_sigmoid(x)``, also called hard swish."""

    def kernel(self, x: Array) -> Any:
        kind = x.dtype.type
        return _clip(x * kind(1 / 6) + kind(0.5), 1) * x

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        gate = hard_sigmoid(x)
        return mul(g, add(gate, mul(mul(x, _between(gate, 0, 1, g)), 1 / 6)))

    def decompose(self, x: Operand) -> Operand:
        return mul(x, hard_sigmoid(x))


def sigmoid(x: Any) -> Operand:
    """``1 / (1 + exp(-x))``."""
    return bind(Sigmoid(), lift(x))


def log_sigmoid(x: Any) -> Operand:
    """``log(sigmoid(x))``, accurate for very negative ``x``."""
    return bind(LogSigmoid(), lift(x))


def softplus(x: Any) -> Operand:
    """``log(1 + exp(x))``."""
    return bind(Softplus(), lift(x))


def softsign(x: Any) -> Operand:
    """``x / (1 + |x|)``."""
    return bind(Softsign(), lift(x))


def relu6(x: Any) -> Operand:
    """``min(max(x, 0), 6)``."""
    return bind(Relu6(), lift(x))


def leaky_relu(x: Any, alpha: float = 0.2) -> Operand:
    """``x`` where positive, else ``alpha * x``."""
    return bind(LeakyRelu(float(alpha)), lift(x))


def elu(x: Any, alpha: float = 1.0) -> Operand:
    """``x`` where positive, else ``alpha * (exp(x) - 1)``."""
    return bind(Elu(float(alpha)), lift(x))


def selu(x: Any) -> Operand:
    """The scaled exponential linear unit."""
    return bind(Selu(), lift(x))


def celu(x: Any, alpha: float = 1.0) -> Operand:
    """``x`` where positive, else ``alpha * (exp(x / alpha) - 1)``."""
    return bind(Celu(float(alpha)), lift(x))


def gelu(x: Any, approximate: bool = False) -> Operand:
    """``x`` times the standard normal distribution function of ``x``."""
    return bind(Gelu(bool(approximate)), lift(x))


def silu(x: Any, beta: float = 1.0) -> Operand:
    """``x * sigmoid(beta * x)``."""
    operand = lift(x)
    return bind(Silu(), operand) if beta == 1 else mul(operand, sigmoid(mul(operand, float(beta))))


def mish(x: Any) -> Operand:
    """``x * tanh(softplus(x))``."""
    return bind(Mish(), lift(x))


def hard_sigmoid(x: Any, alpha: float = 1 / 6, beta: float = 0.5) -> Operand:
    """``alpha * x + beta`` kept between 0 and 1; by default as Keras defines it."""
    return bind(HardSigmoid(float(alpha), float(beta)), lift(x))


def hard_silu(x: Any) -> Operand:
    """``x * hard_sigmoid(x)``."""
    return bind(HardSilu(), lift(x))
