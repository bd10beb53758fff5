"""The error function on NumPy arrays, without SciPy.

float64: the rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error function",
Mathematics of Computation 23 (1969). float32 and narrower: one rational function of ours on [-4, 4] (relative error
4e-7), which needs no branches and few temporaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Highest degree first, in x * x.
_SINGLE_NUMERATOR: Final = (
    1.986786661058221e-06, 2.845653797175165e-04, 3.883320569021175e-03, 5.310167344878516e-02,
    1.9354451512668008e-01, 1.128379139368185,
)  # fmt: skip
_SINGLE_DENOMINATOR: Final = (
    3.742019223653266e-05, 1.1855654710890503e-03, 1.5207204232328018e-02, 1.1534976937029e-01,
    5.048569165248317e-01, 1.0,
)  # fmt: skip

_NEAR_NUMERATOR: Final = (
    1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3,
)  # fmt: skip
_NEAR_DENOMINATOR: Final = (
    1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3,
)  # fmt: skip
_MIDDLE_NUMERATOR: Final = (
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
    2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
    1.23033935479799725e3,
)  # fmt: skip
_MIDDLE_DENOMINATOR: Final = (
    1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
    3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
)  # fmt: skip
_FAR_NUMERATOR: Final = (
    1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
    1.60837851487422766e-2, 6.58749161529837803e-4,
)  # fmt: skip
_FAR_DENOMINATOR: Final = (
    1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
    2.33520497626869185e-3,
)  # fmt: skip
_NEAR: Final = 0.46875
_ONE_OVER_SQRT_PI: Final = 0.56418958354775628695


def erf(x: Array) -> Array:
    """The error function; the dtype is kept."""
    if x.dtype != np.float64:
        return _erf_single(x)
    size = np.abs(x)
    near = size <= _NEAR
    result = np.copysign(1 - _tail(np.maximum(size, _NEAR)), x)
    small = np.where(near, x, 0)
    return np.where(near, small * _rational(small * small, _NEAR_NUMERATOR, _NEAR_DENOMINATOR), result)


def erfc(x: Array) -> Array:
    """``1 - erf(x)``, accurate also where it is tiny; the dtype is kept."""
    wide = np.asarray(x, np.float64)
    tail = _tail(np.maximum(np.abs(wide), _NEAR))
    result = np.where(np.abs(wide) <= _NEAR, 1 - erf(wide), np.where(wide < 0, 2 - tail, tail))
    return result.astype(x.dtype)


def _erf_single(x: Array) -> Array:
    clipped = np.clip(np.asarray(x, np.float32), np.float32(-4), np.float32(4))
    square = np.multiply(clipped, clipped)
    result = _polynomial(square, _SINGLE_NUMERATOR)
    result *= clipped
    result /= _polynomial(square, _SINGLE_DENOMINATOR)
    np.clip(result, np.float32(-1), np.float32(1), out=result)
    return result.astype(x.dtype, copy=False)


def _tail(x: Array) -> Array:
    """erfc for x >= 0.46875."""
    far = x > 4
    middle = _rational(np.minimum(x, 4), _MIDDLE_NUMERATOR, _MIDDLE_DENOMINATOR)
    if far.any():
        beyond = np.maximum(x, 4)
        inverse = 1 / (beyond * beyond)
        rest = inverse * _rational(inverse, _FAR_NUMERATOR, _FAR_DENOMINATOR)
        middle = np.where(far, (_ONE_OVER_SQRT_PI - rest) / beyond, middle)
    return np.asarray(np.exp(-x * x) * middle)


def _rational(x: Array, numerator: Sequence[float], denominator: Sequence[float]) -> Array:
    return _polynomial(x, numerator) / _polynomial(x, denominator)


def _polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    result = np.full(x.shape, coefficients[0], x.dtype)
    for coefficient in coefficients[1:]:
        result *= x
        result += x.dtype.type(coefficient)
    return result
