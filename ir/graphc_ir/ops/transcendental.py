"""Exponentials, logarithms, trigonometric and hyperbolic functions beyond the basic ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc_ir.ops.arithmetic import abs_real, rsqrt, sign, xdivy
from graphc_ir.ops.base import Array, Operand, bind, dtype_of, lift, promote
from graphc_ir.ops.elementwise import (
    Binary,
    Unary,
    add,
    adjoint,
    cast,
    div,
    equal,
    exp,
    greater_equal,
    less,
    log,
    mul,
    neg,
    not_equal,
    select,
    square,
    sub,
    tanh,
)


class Expm1(Unary):
    """``exp(x) - 1`` without cancellation near 0."""

    ufunc = np.expm1

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, adjoint(add(y, 1)))

    def decompose(self, x: Operand) -> Operand:
        # An exact identity whose factors both keep their relative accuracy.
        return mul(tanh(mul(x, 0.5)), add(exp(x), 1))


class Log1p(Unary):
    """``log(1 + x)`` without cancellation near 0."""

    ufunc = np.log1p

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return div(g, adjoint(add(x, 1)))

    def decompose(self, x: Operand) -> Operand:
        small = less(abs_real(x), 0.5)
        near = select(small, x, 0)
        return select(small, mul(atanh(div(near, add(near, 2))), 2), log(add(x, 1)))


class Tan(Unary):
    ufunc = np.tan

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, add(square(adjoint(y)), 1))


class Asin(Unary):
    ufunc = np.arcsin

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, rsqrt(sub(1, square(adjoint(x)))))


class Acos(Unary):
    ufunc = np.arccos

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return neg(mul(g, rsqrt(sub(1, square(adjoint(x))))))


class Atan(Unary):
    ufunc = np.arctan

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return div(g, add(square(adjoint(x)), 1))


class Sinh(Unary):
    ufunc = np.sinh

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, adjoint(cosh(x)))


class Cosh(Unary):
    ufunc = np.cosh

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, adjoint(sinh(x)))


class Asinh(Unary):
    ufunc = np.arcsinh

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return div(g, adjoint(cosh(y)))


class Acosh(Unary):
    ufunc = np.arccosh

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return div(g, adjoint(sinh(y)))


class Atanh(Unary):
    ufunc = np.arctanh

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return div(g, sub(1, square(adjoint(x))))


class Atan2(Binary):
    """The angle of the point (x, y), in radians; the first operand is y."""

    accepts = "f"
    ufunc = np.arctan2

    def vjp(self, g: Operand, z: Operand, y: Operand, x: Operand) -> Any:
        scale = div(g, add(square(x), square(y)))
        return mul(scale, x), neg(mul(scale, y))

    def decompose(self, y: Operand, x: Operand) -> Operand:
        vertical = equal(x, 0)
        slope = atan(div(y, select(vertical, 1, x)))
        turn = select(greater_equal(y, 0), lift(math.pi, dtype_of(y)), lift(-math.pi, dtype_of(y)))
        turned = select(less(x, 0), add(slope, turn), slope)
        return select(vertical, mul(sign(y), math.pi / 2), turned)


class Xlog1py(Binary):
    """``x * log(1 + y)``, and 0 where ``x`` is 0."""

    accepts = "f"

    def kernel(self, x: Array, y: Array) -> Any:
        return np.where(x == 0, x, x * np.log1p(np.where(x == 0, np.zeros((), y.dtype), y)))

    def vjp(self, g: Operand, z: Operand, x: Operand, y: Operand) -> Any:
        present = cast(not_equal(x, 0), dtype_of(x))
        return lambda: mul(g, xlog1py(present, y)), lambda: mul(g, xdivy(x, add(y, 1)))

    def decompose(self, x: Operand, y: Operand) -> Operand:
        void = equal(x, 0)
        return select(void, 0, mul(x, log1p(select(void, 0, y))))


def expm1(x: Any) -> Operand:
    """``exp(x) - 1``, accurate near 0."""
    return bind(Expm1(), lift(x))


def log1p(x: Any) -> Operand:
    """``log(1 + x)``, accurate near 0."""
    return bind(Log1p(), lift(x))


def log2(x: Any) -> Operand:
    """The logarithm to base 2."""
    return mul(log(x), 1 / math.log(2))


def log10(x: Any) -> Operand:
    """The logarithm to base 10."""
    return mul(log(x), 1 / math.log(10))


def tan(x: Any) -> Operand:
    """Tangent; ``x`` in radians."""
    return bind(Tan(), lift(x))


def asin(x: Any) -> Operand:
    """The inverse sine, in radians."""
    return bind(Asin(), lift(x))


def acos(x: Any) -> Operand:
    """The inverse cosine, in radians."""
    return bind(Acos(), lift(x))


def atan(x: Any) -> Operand:
    """The inverse tangent, in radians."""
    return bind(Atan(), lift(x))


def atan2(y: Any, x: Any) -> Operand:
    """The angle of the point (x, y), in radians."""
    return bind(Atan2(), *promote(y, x))


def sinh(x: Any) -> Operand:
    """Hyperbolic sine."""
    return bind(Sinh(), lift(x))


def cosh(x: Any) -> Operand:
    """Hyperbolic cosine."""
    return bind(Cosh(), lift(x))


def asinh(x: Any) -> Operand:
    """The inverse hyperbolic sine."""
    return bind(Asinh(), lift(x))


def acosh(x: Any) -> Operand:
    """The inverse hyperbolic cosine; NaN below 1."""
    return bind(Acosh(), lift(x))


def atanh(x: Any) -> Operand:
    """The inverse hyperbolic tangent; NaN outside [-1, 1]."""
    return bind(Atanh(), lift(x))


def xlog1py(x: Any, y: Any) -> Operand:
    """``x * log(1 + y)``, and 0 where ``x`` is 0."""
    return bind(Xlog1py(), *promote(x, y))
