"""Special functions: the error function and its relatives, the logarithm of the gamma function and its derivatives."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from graphc_ir.errors import ArgumentError
from graphc_ir.ops import error_function
from graphc_ir.ops.arithmetic import abs_real, floor, reciprocal
from graphc_ir.ops.base import ARRAYS, Array, Operand, bind, dtype_of, lift, using
from graphc_ir.ops.elementwise import (
    Unary,
    add,
    cos,
    div,
    equal,
    exp,
    greater_equal,
    less,
    less_equal,
    log,
    maximum,
    mul,
    neg,
    select,
    sin,
    sqrt,
    square,
    sub,
)

_TWO_OVER_SQRT_PI: Final = 2 / math.sqrt(math.pi)

# Lanczos' approximation of the gamma function with g = 7 and 9 terms.
_LANCZOS_G: Final = 7.0
_LANCZOS: Final = (
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
)  # fmt: skip
_BERNOULLI: Final = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)  # B2, B4, ... B14
_SHIFT: Final = 8  # asymptotic series are used this far from 0

# M. Giles, "Approximating the erfinv function", GPU Computing Gems (2012): single precision, highest degree first.
_ERFINV_CENTRAL: Final = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
    0.246640727, 1.50140941,
)  # fmt: skip
_ERFINV_TAIL: Final = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
    1.00167406, 2.83297682,
)  # fmt: skip


class Erf(Unary):
    """The error function."""

    accepts = "f"

    def kernel(self, x: Array) -> Any:
        return error_function.erf(np.asarray(x))

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, mul(exp(neg(square(x))), _TWO_OVER_SQRT_PI))


class Erfc(Unary):
    """``1 - erf(x)``, accurate also where it is tiny."""

    accepts = "f"

    def kernel(self, x: Array) -> Any:
        return error_function.erfc(np.asarray(x))

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, mul(exp(neg(square(x))), -_TWO_OVER_SQRT_PI))

    def decompose(self, x: Operand) -> Operand:
        return sub(1, erf(x))


class _Smooth(Unary, abstract=True):
    """A function whose decomposition, run in float64, is its kernel."""

    accepts = "f"

    def kernel(self, x: Array) -> Any:
        assert self.decompose is not None
        with using(ARRAYS), np.errstate(all="ignore"):
            return np.asarray(self.decompose(x.astype(np.float64))).astype(x.dtype)


class Erfinv(_Smooth):
    """The inverse of the error function; infinite at -1 and 1."""

    def kernel(self, x: Array) -> Any:
        wide = x.astype(np.float64)
        with using(ARRAYS), np.errstate(all="ignore"):
            y = np.asarray(self.decompose(wide))
            for _ in range(2):
                y = _refined(y, wide)
        return y.astype(x.dtype)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, mul(exp(square(y)), 1 / _TWO_OVER_SQRT_PI))

    def decompose(self, x: Operand) -> Operand:
        w = neg(log(mul(sub(1, x), add(x, 1))))
        central = _polynomial(sub(w, 2.5), _ERFINV_CENTRAL)
        tail = _polynomial(sub(sqrt(maximum(w, 0)), 3), _ERFINV_TAIL)
        inside = mul(select(less(w, 5), central, tail), x)
        return select(equal(abs_real(x), 1), mul(x, math.inf), inside)


def _refined(y: Array, x: Array) -> Array:
    """One step of Halley's method for erf(y) = x; the tails are compared by erfc, where erf has no digits left."""
    tail = (1 - np.abs(x)) - error_function.erfc(np.abs(y))
    error = np.where(np.abs(x) > 0.5, np.sign(x) * tail, error_function.erf(y) - x)
    step = error / (_TWO_OVER_SQRT_PI * np.exp(-y * y))
    better = y - step / (1 + y * step)
    return np.where(np.isfinite(better), better, y)


def _polynomial(x: Operand, coefficients: tuple[float, ...]) -> Operand:
    result = add(mul(x, coefficients[0]), coefficients[1])
    for coefficient in coefficients[2:]:
        result = add(mul(result, x), coefficient)
    return result


class Lgamma(_Smooth):
    """The logarithm of the absolute value of the gamma function; infinite at 0, -1, -2, ..."""

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, digamma(x))

    def decompose(self, x: Operand) -> Operand:
        reflected = less(x, 0.5)
        value = _lgamma_right(select(reflected, sub(1, x), x))
        mirror = sub(math.log(math.pi), add(log(abs_real(_sin_pi(x))), value))
        return select(reflected, mirror, value)


def _lgamma_right(x: Operand) -> Operand:
    """For x >= 0.5."""
    z = sub(x, 1)
    series: Any = lift(_LANCZOS[0], dtype_of(x))
    for i, coefficient in enumerate(_LANCZOS[1:], 1):
        series = add(series, div(lift(coefficient, dtype_of(x)), add(z, i)))
    base = add(z, _LANCZOS_G + 0.5)
    grown = sub(mul(add(z, 0.5), log(base)), base)
    return add(add(grown, 0.5 * math.log(2 * math.pi)), log(series))


def _sin_pi(x: Operand) -> Operand:
    """sin(pi x) up to the sign, exactly 0 at integers."""
    return sin(mul(sub(x, floor(x)), math.pi))


class Digamma(_Smooth):
    """The derivative of :class:`Lgamma`; NaN at 0, -1, -2, ..."""

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, polygamma(1, x))

    def decompose(self, x: Operand) -> Operand:
        reflected = less_equal(x, 0)
        value = _digamma_right(select(reflected, sub(1, x), x))
        fraction = mul(sub(x, floor(x)), math.pi)
        cotangent = div(mul(cos(fraction), math.pi), sin(fraction))
        poles = equal(floor(x), x)
        mirror = select(poles, lift(math.nan, dtype_of(x)), sub(value, cotangent))
        return select(reflected, mirror, value)


def _digamma_right(x: Operand) -> Operand:
    """For x > 0: shifted up by the recurrence, then the asymptotic series."""
    shifted = add(x, _SHIFT)
    inverse = reciprocal(square(shifted))
    terms = [-b / (2 * k) for k, b in enumerate(_BERNOULLI, 1)]
    series = mul(inverse, _polynomial(inverse, tuple(reversed(terms))))
    value = add(sub(log(shifted), div(lift(0.5, dtype_of(x)), shifted)), series)
    for k in range(_SHIFT):
        value = sub(value, reciprocal(add(x, k)))
    return value


class Polygamma(_Smooth):
    """Derivative number ``order`` (1 or higher) of :class:`Digamma`, for positive numbers; NaN elsewhere."""

    order: int

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, polygamma(self.order + 1, x))

    def decompose(self, x: Operand) -> Operand:
        sign = 1.0 if self.order % 2 else -1.0
        value = mul(_hurwitz_zeta(self.order + 1, x), sign * math.factorial(self.order))
        return select(greater_equal(x, 0), value, lift(math.nan, dtype_of(x)))


def _hurwitz_zeta(s: int, x: Operand) -> Operand:
    """The sum of (x + k) ** -s over k >= 0, by the Euler-Maclaurin formula; x > 0."""
    count = _SHIFT + s
    shifted = reciprocal(add(x, count))
    inverse = square(shifted)
    terms, rising = [], float(s)
    for k, b in enumerate(_BERNOULLI, 1):
        terms.append(b / math.factorial(2 * k) * rising)
        rising *= (s + 2 * k - 1) * (s + 2 * k)
    first = _power(shifted, s - 1)
    series = mul(_polynomial(inverse, tuple(reversed(terms))), mul(_power(shifted, s), shifted))
    value = add(add(mul(first, 1 / (s - 1)), mul(mul(first, shifted), 0.5)), series)
    for k in range(count):
        value = add(value, _power(reciprocal(add(x, k)), s))
    return value


def _power(x: Operand, exponent: int) -> Operand:
    result = x
    for _ in range(exponent - 1):
        result = mul(result, x)
    return result


def erf(x: Any) -> Operand:
    """The error function."""
    return bind(Erf(), lift(x))


def erfc(x: Any) -> Operand:
    """The complementary error function ``1 - erf(x)``."""
    return bind(Erfc(), lift(x))


def erfinv(x: Any) -> Operand:
    """The inverse of :func:`erf`, for numbers in [-1, 1]."""
    return bind(Erfinv(), lift(x))


def lgamma(x: Any) -> Operand:
    """The logarithm of the absolute value of the gamma function."""
    return bind(Lgamma(), lift(x))


def digamma(x: Any) -> Operand:
    """The derivative of :func:`lgamma`."""
    return bind(Digamma(), lift(x))


def polygamma(order: int, x: Any) -> Operand:
    """Derivative number ``order`` of :func:`digamma`, for positive numbers.

    Raises ArgumentError for a negative order.
    """
    if order < 0:
        raise ArgumentError(f"polygamma: order={order} is negative; expected 0 or more")
    return bind(Polygamma(int(order)), lift(x)) if order else digamma(x)
