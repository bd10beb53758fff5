"""Complex numbers and their parts. (:class:`graphc_ir.ops.elementwise.Conj` stands with the arithmetic.)"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc_ir.dtypes import DType, complex64, complex128, float32, float64
from graphc_ir.errors import DTypeError
from graphc_ir.ops.arithmetic import abs_real, divide_no_nan, reciprocal
from graphc_ir.ops.base import Array, Operand, bind, dtype_of, lift, promote
from graphc_ir.ops.elementwise import Elementwise, Unary, cast, less, mul, neg

_PART = {complex64: float32, complex128: float64}
_WHOLE = {part: whole for whole, part in _PART.items()}


class _Part(Unary, abstract=True):
    accepts = "c"

    def result_dtype(self, dtype: DType) -> DType:
        return _PART[dtype]


class Real(_Part):
    """The real part."""

    def kernel(self, x: Array) -> Any:
        return np.real(x).copy()

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return complex(g, mul(g, 0))


class Imag(_Part):
    """The imaginary part."""

    def kernel(self, x: Array) -> Any:
        return np.imag(x).copy()

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return complex(mul(g, 0), g)


class ComplexAbs(_Part):
    """The absolute value of a complex number. The gradient at 0 is 0."""

    ufunc = np.absolute

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        scale = divide_no_nan(g, y)
        return complex(mul(scale, real(x)), mul(scale, imag(x)))


class Angle(_Part):
    """The argument of a complex number, in radians."""

    def kernel(self, x: Array) -> Any:
        return np.angle(x)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return neg(mul(complex(g, mul(g, 0)), reciprocal(complex(imag(x), real(x)))))


class Complex(Elementwise):
    """A complex number of its real and imaginary part."""

    accepts = "f"

    def result_dtype(self, dtype: DType) -> DType:
        if dtype not in _WHOLE:
            raise DTypeError(f"complex takes float32 or float64 parts, got {dtype.name}; cast them first")
        return _WHOLE[dtype]

    def kernel(self, real: Array, imag: Array) -> Any:
        shape = np.broadcast_shapes(real.shape, imag.shape)
        result = np.empty(shape, np.result_type(real.dtype, np.complex64))
        result.real = real
        result.imag = imag
        return result

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand) -> Any:
        return real(g), imag(g)


def complex(real: Any, imag: Any) -> Operand:
    """``real + 1j * imag`` of two float tensors."""
    return bind(Complex(), *promote(real, imag))


def real(x: Any) -> Operand:
    """The real part; real tensors as they are."""
    operand = lift(x)
    return bind(Real(), operand) if dtype_of(operand).is_complex else operand


def imag(x: Any) -> Operand:
    """The imaginary part; zeros for real tensors."""
    operand = lift(x)
    return bind(Imag(), operand) if dtype_of(operand).is_complex else mul(operand, 0)


def angle(x: Any) -> Operand:
    """The argument in radians; for real tensors 0 or pi."""
    operand = lift(x)
    if dtype_of(operand).is_complex:
        return bind(Angle(), operand)
    return mul(cast(less(operand, 0), dtype_of(operand)), math.pi)


def abs(x: Any) -> Operand:
    """The absolute value of real or complex numbers."""
    operand = lift(x)
    return bind(ComplexAbs(), operand) if dtype_of(operand).is_complex else abs_real(operand)
