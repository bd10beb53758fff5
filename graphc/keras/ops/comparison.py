"""``keras.ops.numpy``: comparisons, logic, bits, and questions about floats."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import binary, unary
from graphc.keras.ops.promotion import as_bool, convert, promoted
from graphc_ir.dtypes import bool_
from graphc_ir.ops import elementwise as ir
from graphc_ir.ops import logical
from graphc_ir.ops.arithmetic import abs_real
from graphc_ir.ops.base import Operand, dtype_of
from graphc_ir.ops.complex import imag
from graphc_ir.ops.creation import ones_like, zeros_like
from graphc_ir.ops.reduction import reduce_all

__all__ = [
    "allclose", "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "equal", "greater", "greater_equal", "isclose", "isfinite", "isinf", "isnan",
    "isneginf", "isposinf", "isreal", "left_shift", "less", "less_equal", "logical_and", "logical_not", "logical_or",
    "logical_xor", "not_equal", "right_shift",
]  # fmt: skip

Binary = Callable[[Any, Any], Any]

equal = binary("equal", ir.equal)
not_equal = binary("not_equal", ir.not_equal)
greater = binary("greater", ir.greater, (int,))
greater_equal = binary("greater_equal", ir.greater_equal, (int,))
less = binary("less", ir.less, (int,))
less_equal = binary("less_equal", ir.less_equal, (int,))


# --- logic -----------------------------------------------------------------------------------------------------------


def _logical(name: str, compute: Binary) -> Callable[..., Any]:
    def call(x1: Any, x2: Any) -> Any:
        return compute(as_bool(x1), as_bool(x2))

    call.__name__, call.__doc__ = name, compute.__doc__
    return operation("numpy", "x1 x2")(call)


logical_and = _logical("logical_and", logical.logical_and)
logical_or = _logical("logical_or", logical.logical_or)
logical_xor = _logical("logical_xor", logical.logical_xor)
logical_not = unary("logical_not", logical.logical_not, as_bool)


# --- bits ------------------------------------------------------------------------------------------------------------


def _bitwise(name: str, compute: Binary) -> Callable[..., Any]:
    def call(x: Any, y: Any) -> Any:
        return compute(*promoted(x, y))

    call.__name__, call.__doc__ = name, compute.__doc__
    return operation("numpy", "x y")(call)


def _on_bools(if_bool: Binary, otherwise: Binary) -> Binary:
    def call(x: Operand, y: Operand) -> Any:
        return if_bool(x, y) if dtype_of(x).is_bool else otherwise(x, y)

    call.__doc__ = otherwise.__doc__
    return call


bitwise_and = _bitwise("bitwise_and", _on_bools(logical.logical_and, logical.bitwise_and))
bitwise_or = _bitwise("bitwise_or", _on_bools(logical.logical_or, logical.bitwise_or))
bitwise_xor = _bitwise("bitwise_xor", _on_bools(logical.logical_xor, logical.bitwise_xor))
left_shift = _bitwise("left_shift", logical.left_shift)
right_shift = _bitwise("right_shift", logical.right_shift)
bitwise_left_shift = _bitwise("bitwise_left_shift", logical.left_shift)
bitwise_right_shift = _bitwise("bitwise_right_shift", logical.right_shift)


def _inverted(x: Operand) -> Operand:
    """Every bit of integers flipped; of bools the opposite."""
    return logical.logical_not(x) if dtype_of(x).is_bool else logical.invert(x)


bitwise_not = unary("bitwise_not", _inverted, convert)
bitwise_invert = unary("bitwise_invert", _inverted, convert)


# --- floats ----------------------------------------------------------------------------------------------------------


def _float_test(name: str, test: Callable[[Any], Any], of_others: Callable[..., Any]) -> Callable[..., Any]:
    """A question to which all integers and bools give one answer."""

    def call(x: Operand) -> Operand:
        return test(x) if dtype_of(x).is_floating else of_others(x, bool_)

    call.__doc__ = test.__doc__
    return unary(name, call, convert)


def _is_positive_infinity(x: Operand) -> Operand:
    """Where an element is infinity."""
    return ir.equal(x, math.inf)


def _is_negative_infinity(x: Operand) -> Operand:
    """Where an element is minus infinity."""
    return ir.equal(x, -math.inf)


def _is_real(x: Operand) -> Operand:
    """Where the imaginary part is 0."""
    return ir.equal(imag(x), 0) if dtype_of(x).is_complex else ones_like(x, bool_)


isnan = _float_test("isnan", logical.is_nan, zeros_like)
isinf = _float_test("isinf", logical.is_inf, zeros_like)
isfinite = _float_test("isfinite", logical.is_finite, ones_like)
isposinf = _float_test("isposinf", _is_positive_infinity, zeros_like)
isneginf = _float_test("isneginf", _is_negative_infinity, zeros_like)
isreal = unary("isreal", _is_real, convert)


@operation("numpy", "x1 x2 rtol atol")
def isclose(x1: Any, x2: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """Where ``|x1 - x2| <= atol + rtol * |x2|``; equal infinities are close, NaNs only with ``equal_nan``."""
    a, b = promoted(x1, x2, at_least=(float,))
    margin = ir.add(ir.mul(abs_real(b), rtol), atol)
    near = logical.logical_and(ir.less_equal(abs_real(ir.sub(a, b)), margin), logical.is_finite(b))
    close = logical.logical_or(near, ir.equal(a, b))
    if not equal_nan:
        return close
    return logical.logical_or(close, logical.logical_and(logical.is_nan(a), logical.is_nan(b)))


@operation("numpy", "x1 x2", class_name="AllClose")
def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether all elements are close, as :func:`isclose` says."""
    return reduce_all(isclose(x1, x2, rtol, atol, equal_nan), None, False)
