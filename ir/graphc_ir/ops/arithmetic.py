"""More element-wise arithmetic: rounding, powers, integer division, and products that define 0 / 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir.dtypes import float32, float64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Array, NotDifferentiable, Operand, bind, dtype_of, lift, promote
from graphc_ir.ops.elementwise import (
    FLOAT,
    REAL,
    Binary,
    Elementwise,
    Unary,
    add,
    adjoint,
    cast,
    div,
    equal,
    greater,
    less,
    log,
    maximum,
    minimum,
    mul,
    neg,
    not_equal,
    select,
    sqrt,
    square,
    sub,
)

_PIECEWISE = "a rounding function is piecewise constant"


class Abs(Unary):
    """The absolute value of real numbers. The gradient at 0 is 0."""

    accepts = REAL
    ufunc = np.absolute

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, sign(x))


class Sign(Unary):
    """-1, 0 or 1; NaN for NaN. Its gradient is 0, as in TensorFlow (not absent)."""

    accepts = REAL
    ufunc = np.sign

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, 0)


class Floor(Unary):
    accepts = "f"
    ufunc = np.floor
    vjp = NotDifferentiable(_PIECEWISE)


class Ceil(Unary):
    accepts = "f"
    ufunc = np.ceil
    vjp = NotDifferentiable(_PIECEWISE)


class Round(Unary):
    """To the nearest integer, halves to the even one."""

    accepts = "f"
    ufunc = np.rint
    vjp = NotDifferentiable(_PIECEWISE)


class Trunc(Unary):
    """Towards zero."""

    accepts = "f"
    ufunc = np.trunc
    vjp = NotDifferentiable(_PIECEWISE)

    def decompose(self, x: Operand) -> Operand:
        return select(less(x, 0), ceil(x), floor(x))


class Reciprocal(Unary):
    ufunc = np.reciprocal

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return neg(mul(g, square(adjoint(y))))


class Rsqrt(Unary):
    """``1 / sqrt(x)``."""

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        root = np.sqrt(x, out=out)
        return np.reciprocal(root, out=out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        z = adjoint(y)
        return mul(g, mul(mul(square(z), z), -0.5))

    def decompose(self, x: Operand) -> Operand:
        return reciprocal(sqrt(x))


class Pow(Binary):
    """``x ** y``. The gradient by the exponent is 0 where the base is not positive, as in TensorFlow."""

    ufunc = np.power

    def vjp(self, g: Operand, z: Operand, x: Operand, y: Operand) -> Any:
        if dtype_of(g).is_complex:
            return (lambda: mul(g, adjoint(mul(y, pow(x, sub(y, 1))))),
                    lambda: mul(g, adjoint(mul(z, log(x)))))  # fmt: skip
        return lambda: mul(g, mul(y, pow(x, sub(y, 1)))), lambda: mul(g, mul(z, _log_of_positive(x)))


def _log_of_positive(x: Operand) -> Operand:
    positive = greater(x, 0)
    return select(positive, log(select(positive, x, 1)), 0)


class FloorDiv(Binary):
    """The quotient rounded down."""

    accepts = REAL
    ufunc = np.floor_divide
    vjp = NotDifferentiable(_PIECEWISE)


class FloorMod(Binary):
    """The rest of :class:`FloorDiv`: it has the sign of the divisor."""

    accepts = REAL
    ufunc = np.remainder

    def vjp(self, g: Operand, z: Operand, x: Operand, y: Operand) -> Any:
        return g, lambda: neg(mul(g, floordiv(x, y)))


class TruncateDiv(Binary):
    """The quotient rounded towards zero."""

    accepts = REAL
    vjp = NotDifferentiable(_PIECEWISE)

    def kernel(self, x: Array, y: Array) -> Any:
        if x.dtype.kind in "iu":
            return np.floor_divide(x - np.fmod(x, y), y)
        return np.trunc(x / y)


class TruncateMod(Binary):
    """The rest of :class:`TruncateDiv`: it has the sign of the dividend."""

    accepts = REAL
    ufunc = np.fmod

    def vjp(self, g: Operand, z: Operand, x: Operand, y: Operand) -> Any:
        return g, lambda: neg(mul(g, truncatediv(x, y)))


class SquaredDifference(Binary):
    """``(x - y) ** 2``; for complex numbers the squared absolute value is not meant."""

    accepts = REAL

    def kernel(self, x: Array, y: Array, out: Array | None = None) -> Any:
        difference = np.subtract(x, y, out=out)
        return np.multiply(difference, difference, out=out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, z: Operand, x: Operand, y: Operand) -> Any:
        gx = mul(g, mul(sub(x, y), 2))
        return gx, neg(gx)

    def decompose(self, x: Operand, y: Operand) -> Operand:
        return square(sub(x, y))


class DivideNoNan(Binary):
    """``x / y``, and 0 where ``y`` is 0."""

    accepts = FLOAT

    def kernel(self, x: Array, y: Array) -> Any:
        shape = np.broadcast_shapes(x.shape, y.shape)
        return np.divide(x, y, out=np.zeros(shape, x.dtype), where=y != 0)

    def vjp(self, g: Operand, z: Operand, x: Operand, y: Operand) -> Any:
        gx = divide_no_nan(g, adjoint(y))
        return gx, neg(mul(gx, adjoint(z)))

    def decompose(self, x: Operand, y: Operand) -> Operand:
        void = equal(y, 0)
        return select(void, 0, div(x, select(void, 1, y)))


class MultiplyNoNan(Binary):
    """``x * y``, and 0 where ``y`` is 0 even if ``x`` is infinite or NaN."""

    accepts = FLOAT

    def kernel(self, x: Array, y: Array) -> Any:
        shape = np.broadcast_shapes(x.shape, y.shape)
        return np.multiply(x, y, out=np.zeros(shape, x.dtype), where=y != 0)

    def vjp(self, g: Operand, z: Operand, x: Operand, y: Operand) -> Any:
        return multiply_no_nan(g, adjoint(y)), multiply_no_nan(adjoint(x), g)

    def decompose(self, x: Operand, y: Operand) -> Operand:
        return select(equal(y, 0), 0, mul(x, y))


class Xdivy(Binary):
    """``x / y``, and 0 where ``x`` is 0."""

    accepts = FLOAT

    def kernel(self, x: Array, y: Array) -> Any:
        shape = np.broadcast_shapes(x.shape, y.shape)
        return np.divide(x, y, out=np.zeros(shape, x.dtype), where=x != 0)

    def vjp(self, g: Operand, z: Operand, x: Operand, y: Operand) -> Any:
        gx = mul(g, xdivy(_is_not_zero(x), adjoint(y)))
        return gx, neg(mul(g, xdivy(adjoint(x), square(adjoint(y)))))

    def decompose(self, x: Operand, y: Operand) -> Operand:
        void = equal(x, 0)
        return select(void, 0, div(x, select(void, 1, y)))


class Xlogy(Binary):
    """``x * log(y)``, and 0 where ``x`` is 0."""

    accepts = "f"

    def kernel(self, x: Array, y: Array) -> Any:
        return np.where(x == 0, x, x * np.log(np.where(x == 0, np.ones((), y.dtype), y)))

    def vjp(self, g: Operand, z: Operand, x: Operand, y: Operand) -> Any:
        return lambda: mul(g, xlogy(_is_not_zero(x), y)), lambda: mul(g, xdivy(x, y))

    def decompose(self, x: Operand, y: Operand) -> Operand:
        void = equal(x, 0)
        return select(void, 0, mul(x, log(select(void, 1, y))))


def _is_not_zero(x: Operand) -> Operand:
    return cast(not_equal(x, 0), dtype_of(x))


class ClipByValue(Elementwise):
    """``x`` kept between two bounds, all broadcast. On and between the bounds the gradient goes to ``x``, elsewhere to
    the bound that took effect."""

    accepts = REAL

    def kernel(self, x: Array, low: Array, high: Array, out: Array | None = None) -> Any:
        # min(max(x, low), high) in this order: where the bounds cross, the upper one wins.
        raised = np.maximum(x, low)
        return np.minimum(raised, high, out=out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, y: Operand, x: Operand, low: Operand, high: Operand) -> Any:
        below, above = less(x, low), greater(x, high)
        inside = select(below, 0, select(above, 0, g))
        return inside, lambda: select(below, g, 0), lambda: select(above, g, 0)

    def decompose(self, x: Operand, low: Operand, high: Operand) -> Operand:
        return minimum(maximum(x, low), high)


def abs_real(x: Any) -> Operand:
    """The absolute value of real numbers (complex ones: :func:`graphc_ir.ops.complex.abs`)."""
    return bind(Abs(), lift(x))


def sign(x: Any) -> Operand:
    """-1, 0 or 1."""
    return bind(Sign(), lift(x))


def floor(x: Any) -> Operand:
    """The largest integer not above ``x``."""
    return _rounded(Floor(), x)


def ceil(x: Any) -> Operand:
    """The smallest integer not below ``x``."""
    return _rounded(Ceil(), x)


def round(x: Any) -> Operand:
    """The nearest integer; halves go to the even one."""
    return _rounded(Round(), x)


def rint(x: Any) -> Operand:
    """The same as :func:`round`."""
    return _rounded(Round(), x)


def trunc(x: Any) -> Operand:
    """The integer part."""
    return _rounded(Trunc(), x)


def _rounded(op: Unary, x: Any) -> Operand:
    operand = lift(x)
    return operand if dtype_of(operand).is_integer else bind(op, operand)


def reciprocal(x: Any) -> Operand:
    """``1 / x``."""
    return bind(Reciprocal(), lift(x))


def rsqrt(x: Any) -> Operand:
    """``1 / sqrt(x)``."""
    return bind(Rsqrt(), lift(x))


def pow(x: Any, y: Any) -> Operand:
    """``x`` to the power of ``y``, with broadcasting."""
    return bind(Pow(), *promote(x, y))


def floordiv(x: Any, y: Any) -> Operand:
    """``x // y``: the quotient rounded down."""
    return bind(FloorDiv(), *promote(x, y))


def floormod(x: Any, y: Any) -> Operand:
    """``x % y`` with the sign of ``y``."""
    return bind(FloorMod(), *promote(x, y))


def truncatediv(x: Any, y: Any) -> Operand:
    """The quotient rounded towards zero."""
    return bind(TruncateDiv(), *promote(x, y))


def truncatemod(x: Any, y: Any) -> Operand:
    """The rest with the sign of ``x``."""
    return bind(TruncateMod(), *promote(x, y))


def squared_difference(x: Any, y: Any) -> Operand:
    """``(x - y) ** 2``."""
    return bind(SquaredDifference(), *promote(x, y))


def divide_no_nan(x: Any, y: Any) -> Operand:
    """``x / y``, and 0 where ``y`` is 0."""
    return bind(DivideNoNan(), *promote(x, y))


def multiply_no_nan(x: Any, y: Any) -> Operand:
    """``x * y``, and 0 where ``y`` is 0 even if ``x`` is infinite or NaN."""
    return bind(MultiplyNoNan(), *promote(x, y))


def xdivy(x: Any, y: Any) -> Operand:
    """``x / y``, and 0 where ``x`` is 0."""
    return bind(Xdivy(), *promote(x, y))


def xlogy(x: Any, y: Any) -> Operand:
    """``x * log(y)``, and 0 where ``x`` is 0."""
    return bind(Xlogy(), *promote(x, y))


def clip_by_value(x: Any, low: Any, high: Any) -> Operand:
    """``x`` kept between ``low`` and ``high``; all broadcast."""
    operand, lower = promote(x, low)
    return bind(ClipByValue(), operand, lower, promote(operand, high)[1])


def add_n(values: Any) -> Operand:
    """The sum of a list of tensors. Raises ArgumentError for an empty list."""
    operands = list(values)
    if not operands:
        raise ArgumentError("add_n needs at least one tensor, got an empty list")
    total = lift(operands[0])
    for operand in operands[1:]:
        total = add(total, operand)
    return total


def truediv(x: Any, y: Any) -> Operand:
    """``x / y``; integers are divided as floats (float64, or float32 for 8 and 16 bits), as in Python."""
    a, b = promote(x, y)
    dtype = dtype_of(a)
    if not dtype.is_integer or dtype_of(b) is not dtype:
        return div(a, b)
    wide = float32 if dtype.size < 4 else float64
    return div(cast(a, wide), cast(b, wide))
