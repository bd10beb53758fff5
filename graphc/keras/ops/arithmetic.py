"""``keras.ops.numpy``: arithmetic, element by element, in the common dtype of the operands."""

from __future__ import annotations

import builtins
import math
from typing import Any

from graphc.control import while_loop
from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import binary, unary
from graphc.keras.ops.promotion import convert, floats, no_bool, promoted
from graphc_ir.dtypes import DType, bfloat16, bool_, float16, float32, float64, int16, int32, int64
from graphc_ir.errors import DTypeError
from graphc_ir.ops import arithmetic as ir
from graphc_ir.ops import complex as complex_ops
from graphc_ir.ops.base import Operand, dtype_of
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add as plus
from graphc_ir.ops.elementwise import (
    cast,
    div,
    equal,
    exp,
    greater,
    greater_equal,
    less,
    mul,
    neg,
    not_equal,
    select,
    sqrt,
    sub,
)
from graphc_ir.ops.elementwise import conj as conjugated
from graphc_ir.ops.elementwise import maximum as larger
from graphc_ir.ops.elementwise import minimum as smaller
from graphc_ir.ops.elementwise import square as squared
from graphc_ir.ops.logical import is_inf, is_nan, logical_and, logical_or
from graphc_ir.ops.reduction import reduce_any
from graphc_ir.ops.shape import bitcast
from graphc_ir.ops.transcendental import atan2, log1p

__all__ = [
    "abs", "absolute", "add", "angle", "arctan2", "cbrt", "ceil", "clip", "conj", "conjugate", "deg2rad", "divide",
    "divide_no_nan", "fabs", "floor", "floor_divide", "fmax", "fmin", "fmod", "gcd", "heaviside", "hypot", "imag",
    "lcm", "ldexp", "logaddexp", "logaddexp2", "maximum", "minimum", "mod", "multiply", "negative", "nextafter",
    "power", "rad2deg", "real", "reciprocal", "round", "rsqrt", "sign", "signbit", "square", "subtract", "true_divide",
    "trunc",
]  # fmt: skip


# --- two operands ----------------------------------------------------------------------------------------------------


def _add(x: Operand, y: Operand) -> Operand:
    """``x1 + x2``; of bools: whether either holds."""
    return logical_or(x, y) if dtype_of(x).is_bool else plus(x, y)


def _multiply(x: Operand, y: Operand) -> Operand:
    """``x1 * x2``; of bools: whether both hold."""
    return logical_and(x, y) if dtype_of(x).is_bool else mul(x, y)


def _maximum(x: Operand, y: Operand) -> Operand:
    """The larger one; of bools: whether either holds."""
    return logical_or(x, y) if dtype_of(x).is_bool else larger(x, y)


def _minimum(x: Operand, y: Operand) -> Operand:
    """The smaller one; of bools: whether both hold."""
    return logical_and(x, y) if dtype_of(x).is_bool else smaller(x, y)


def _ignoring_nan(choose: Any, x: Operand, y: Operand) -> Operand:
    if not dtype_of(x).is_floating:
        return choose(x, y)
    return select(is_nan(x), y, select(is_nan(y), x, choose(x, y)))


def _fmax(x: Operand, y: Operand) -> Operand:
    """The larger one, or the other where one is NaN."""
    return _ignoring_nan(_maximum, x, y)


def _fmin(x: Operand, y: Operand) -> Operand:
    """The smaller one, or the other where one is NaN."""
    return _ignoring_nan(_minimum, x, y)


def _in_order(x: Operand, y: Operand) -> tuple[Operand, Operand]:
    """The larger ones and the smaller ones; of equal elements, ``x`` is the larger, so that gradients do not count it
    twice."""
    first = greater_equal(x, y)
    return select(first, x, y), select(first, y, x)


def _logaddexp(x: Operand, y: Operand) -> Operand:
    """``log(exp(x1) + exp(x2))`` without overflow."""
    high, low = _in_order(x, y)
    # Equal infinities have no difference.
    gap = select(logical_and(equal(high, low), is_inf(high)), zeros_like(high), sub(low, high))
    return plus(high, log1p(exp(gap)))


def _logaddexp2(x: Operand, y: Operand) -> Operand:
    """``log2(2**x1 + 2**x2)`` without overflow."""
    natural = _logaddexp(mul(x, math.log(2)), mul(y, math.log(2)))
    return mul(natural, 1 / math.log(2))


def _hypot(x: Operand, y: Operand) -> Operand:
    """``sqrt(x1**2 + x2**2)`` without overflow."""
    long, short = _in_order(ir.abs_real(x), ir.abs_real(y))
    return mul(long, sqrt(plus(squared(ir.divide_no_nan(short, long)), 1)))


def _heaviside(x: Operand, y: Operand) -> Operand:
    """0 below zero, 1 above, ``x2`` at zero."""
    step = select(equal(x, 0), y, cast(greater(x, 0), dtype_of(x)))
    return select(is_nan(x), x, step)


def _gcd(x: Operand, y: Operand) -> Operand:
    """The greatest common divisor of integers."""
    a, b = plus(x, zeros_like(y)), plus(y, zeros_like(x))
    found, _ = while_loop(lambda a, b: reduce_any(not_equal(b, 0)), _euclid, (_magnitude(a), _magnitude(b)))
    return found


def _euclid(a: Operand, b: Operand) -> tuple[Operand, Operand]:
    """One round of Euclid's algorithm where it is not finished."""
    going = not_equal(b, 0)
    rest = ir.floormod(a, select(going, b, 1))
    return select(going, b, a), select(going, rest, b)


def _magnitude(x: Operand) -> Operand:
    return x if dtype_of(x).is_unsigned else ir.abs_real(x)


def _lcm(x: Operand, y: Operand) -> Operand:
    """The least common multiple of integers; 0 where one of them is 0."""
    divisor = _gcd(x, y)
    return _magnitude(mul(ir.floordiv(x, select(equal(divisor, 0), 1, divisor)), y))


add = binary("add", _add)
subtract = binary("subtract", sub)
multiply = binary("multiply", _multiply)
divide = binary("divide", div, (float,))
true_divide = binary("true_divide", div, (float,))
divide_no_nan = binary("divide_no_nan", ir.divide_no_nan, (float,))
floor_divide = binary("floor_divide", ir.floordiv, (int,))
mod = binary("mod", ir.floormod, (int,))
fmod = binary("fmod", ir.truncatemod, (int,))
power = binary("power", ir.pow, (int,))
maximum = binary("maximum", _maximum)
minimum = binary("minimum", _minimum)
fmax = binary("fmax", _fmax)
fmin = binary("fmin", _fmin)
arctan2 = binary("arctan2", atan2, (float,))
logaddexp = binary("logaddexp", _logaddexp, (float,))
logaddexp2 = binary("logaddexp2", _logaddexp2, (float,))
hypot = binary("hypot", _hypot, (float,))
heaviside = binary("heaviside", _heaviside, (float,))
gcd = binary("gcd", _gcd, (int,))
lcm = binary("lcm", _lcm, (int,))


@operation("numpy", "x1 x2")
def ldexp(x1: Any, x2: Any) -> Any:
    """``x1 * 2**x2`` for an integer ``x2``. Raises DTypeError for another one."""
    exponent = convert(x2)
    if not dtype_of(exponent).is_integer:
        raise DTypeError(f"ldexp: got an exponent of dtype {dtype_of(exponent).name}, expected integers; cast x2")
    value = floats(x1)
    return mul(value, ir.pow(cast(2.0, dtype_of(value)), cast(exponent, dtype_of(value))))


_BITS: dict[DType, DType] = {float16: int16, bfloat16: int16, float32: int32, float64: int64}


@operation("numpy", "x1 x2")
def nextafter(x1: Any, x2: Any) -> Any:
    """The float next to ``x1`` in the direction of ``x2``."""
    x, y = promoted(x1, x2, at_least=(float,))
    integer = _BITS[dtype_of(x)]
    bits = bitcast(plus(x, zeros_like(y)), integer)
    # Floats of one sign are ordered as their bits are.
    towards_zero = not_equal(greater(y, x), greater(x, 0))
    step = select(towards_zero, cast(-1, integer), cast(1, integer))
    neighbour, tiny = bitcast(plus(bits, step), dtype_of(x)), bitcast(cast(1, integer), dtype_of(x))
    moved = select(equal(x, 0), select(greater(y, 0), tiny, neg(tiny)), neighbour)
    return select(equal(x, y), y, select(logical_or(is_nan(x), is_nan(y)), plus(x, y), moved))


# --- one operand -----------------------------------------------------------------------------------------------------


def _absolute(x: Operand) -> Operand:
    """The absolute value; of complex numbers the modulus."""
    return x if dtype_of(x).kind in "bu" else complex_ops.abs(x)


def _whole_already(compute: Any) -> Any:
    """The function, which changes floats only."""

    def call(x: Operand) -> Operand:
        return compute(x) if dtype_of(x).is_floating else x

    call.__doc__ = compute.__doc__
    return call


def _sign(x: Operand) -> Operand:
    """-1, 0 or 1, as ``x`` is below, at or above zero."""
    return cast(greater(x, 0), dtype_of(x)) if dtype_of(x).is_unsigned else ir.sign(x)


def _cbrt(x: Operand) -> Operand:
    """The cube root, also of negative numbers."""
    return mul(ir.sign(x), ir.pow(ir.abs_real(x), 1 / 3))


def _signbit(x: Operand) -> Operand:
    """Whether the sign is set: of negative numbers, and of -0.0."""
    dtype = dtype_of(x)
    if dtype.is_floating:
        return less(bitcast(x, _BITS[dtype]), 0)
    return zeros_like(x, bool_) if dtype.kind in "bu" else less(x, 0)


def _degrees_to_radians(x: Operand) -> Operand:
    """Degrees as radians."""
    return mul(x, math.pi / 180)


def _radians_to_degrees(x: Operand) -> Operand:
    """Radians as degrees."""
    return mul(x, 180 / math.pi)


abs = absolute = unary("absolute", _absolute, convert)
fabs = unary("fabs", _absolute)
negative = unary("negative", neg, convert)
sign = unary("sign", _sign, no_bool)
floor = unary("floor", ir.floor)
ceil = unary("ceil", ir.ceil)
trunc = unary("trunc", _whole_already(ir.trunc), convert)
square = unary("square", squared, no_bool)
rsqrt = unary("rsqrt", ir.rsqrt, module="math")
reciprocal = unary("reciprocal", ir.reciprocal)
cbrt = unary("cbrt", _cbrt)
real = unary("real", complex_ops.real, convert)
imag = unary("imag", complex_ops.imag, no_bool)
conj = conjugate = unary("conjugate", conjugated, convert)
angle = unary("angle", complex_ops.angle)
deg2rad = unary("deg2rad", _degrees_to_radians)
rad2deg = unary("rad2deg", _radians_to_degrees)
signbit = unary("signbit", _signbit, convert)


@operation("numpy")
def round(x: Any, decimals: int = 0) -> Any:
    """Rounded to ``decimals`` places after the point (before it, if negative); halves go to the even neighbour."""
    value = convert(x)
    if decimals == 0:
        return _whole_already(ir.round)(value)
    if not dtype_of(value).is_floating:
        return value if decimals > 0 else cast(_rounded(cast(value, float64), decimals), dtype_of(value))
    return _rounded(value, decimals)


def _rounded(x: Operand, decimals: int) -> Operand:
    factor = 10.0 ** builtins.abs(decimals)
    if decimals > 0:
        return div(ir.round(mul(x, factor)), factor)
    return mul(ir.round(div(x, factor)), factor)


@operation("numpy")
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """The elements limited to ``[x_min, x_max]``, in the common dtype of all three."""
    value, low, high = promoted(no_bool(x), x_min, x_max)
    return smaller(larger(value, low), high)
