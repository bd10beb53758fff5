"""Logic on bools, bits of integers, and questions about floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir.ops.base import NotDifferentiable, Operand, bind, dtype_of, lift, promote
from graphc_ir.ops.elementwise import Binary, Predicate, Unary

_INTEGER = "iu"
_DISCRETE = NotDifferentiable("bits and truth values are discrete")


class LogicalAnd(Binary):
    accepts = "b"
    ufunc = np.logical_and
    vjp = _DISCRETE


class LogicalOr(Binary):
    accepts = "b"
    ufunc = np.logical_or
    vjp = _DISCRETE


class LogicalXor(Binary):
    accepts = "b"
    ufunc = np.logical_xor
    vjp = _DISCRETE


class LogicalNot(Unary):
    accepts = "b"
    ufunc = np.logical_not
    vjp = _DISCRETE


class BitwiseAnd(Binary):
    accepts = _INTEGER
    ufunc = np.bitwise_and
    vjp = _DISCRETE


class BitwiseOr(Binary):
    accepts = _INTEGER
    ufunc = np.bitwise_or
    vjp = _DISCRETE


class BitwiseXor(Binary):
    accepts = _INTEGER
    ufunc = np.bitwise_xor
    vjp = _DISCRETE


class Invert(Unary):
    """Every bit flipped."""

    accepts = _INTEGER
    ufunc = np.invert
    vjp = _DISCRETE


class LeftShift(Binary):
    """Bits moved towards the high end. Shifts by a negative or too large count are undefined."""

    accepts = _INTEGER
    ufunc = np.left_shift
    vjp = _DISCRETE


class RightShift(Binary):
    """Bits moved towards the low end; the sign of signed integers is kept."""

    accepts = _INTEGER
    ufunc = np.right_shift
    vjp = _DISCRETE


class IsNan(Predicate):
    accepts = "f"
    ufunc = np.isnan


class IsInf(Predicate):
    accepts = "f"
    ufunc = np.isinf


class IsFinite(Predicate):
    accepts = "f"
    ufunc = np.isfinite


def logical_and(x: Any, y: Any) -> Operand:
    """Whether both hold."""
    return bind(LogicalAnd(), *promote(x, y))


def logical_or(x: Any, y: Any) -> Operand:
    """Whether one or both hold."""
    return bind(LogicalOr(), *promote(x, y))


def logical_xor(x: Any, y: Any) -> Operand:
    """Whether exactly one holds."""
    return bind(LogicalXor(), *promote(x, y))


def logical_not(x: Any) -> Operand:
    """Whether it does not hold."""
    return bind(LogicalNot(), lift(x))


def bitwise_and(x: Any, y: Any) -> Operand:
    """``x & y`` of integers, bit by bit."""
    return bind(BitwiseAnd(), *promote(x, y))


def bitwise_or(x: Any, y: Any) -> Operand:
    """``x | y`` of integers, bit by bit."""
    return bind(BitwiseOr(), *promote(x, y))


def bitwise_xor(x: Any, y: Any) -> Operand:
    """``x ^ y`` of integers, bit by bit."""
    return bind(BitwiseXor(), *promote(x, y))


def invert(x: Any) -> Operand:
    """``~x`` of integers: every bit flipped."""
    return bind(Invert(), lift(x))


def left_shift(x: Any, y: Any) -> Operand:
    """``x << y`` on integers."""
    return bind(LeftShift(), *promote(x, y))


def right_shift(x: Any, y: Any) -> Operand:
    """``x >> y`` on integers; the sign is kept."""
    return bind(RightShift(), *promote(x, y))


def is_nan(x: Any) -> Operand:
    """Whether each element is not a number."""
    return bind(IsNan(), lift(x))


def is_inf(x: Any) -> Operand:
    """Whether each element is infinite."""
    return bind(IsInf(), lift(x))


def is_finite(x: Any) -> Operand:
    """Whether each element is a finite number."""
    return bind(IsFinite(), lift(x))


def tensor_and(x: Any, y: Any) -> Operand:
    """What ``x & y`` means: logical for bool, bit by bit for integers."""
    a, b = promote(x, y)
    return logical_and(a, b) if dtype_of(a).is_bool else bitwise_and(a, b)


def tensor_or(x: Any, y: Any) -> Operand:
    """What ``x | y`` means: logical for bool, bit by bit for integers."""
    a, b = promote(x, y)
    return logical_or(a, b) if dtype_of(a).is_bool else bitwise_or(a, b)


def tensor_xor(x: Any, y: Any) -> Operand:
    """What ``x ^ y`` means: logical for bool, bit by bit for integers."""
    a, b = promote(x, y)
    return logical_xor(a, b) if dtype_of(a).is_bool else bitwise_xor(a, b)


def tensor_not(x: Any) -> Operand:
    """What ``~x`` means: logical for bool, bit by bit for integers."""
    operand = lift(x)
    return logical_not(operand) if dtype_of(operand).is_bool else invert(operand)
