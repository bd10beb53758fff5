"""``keras.ops.numpy``: reductions that leave NaNs out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import reduction
from graphc.keras.ops.promotion import convert, floats, summable, widened
from graphc.keras.ops.reductions import argmax, argmin, cumprod, cumsum
from graphc.keras.ops.reductions import max as largest
from graphc.keras.ops.reductions import min as smallest
from graphc_ir.ops.base import Operand, dtype_of, lift
from graphc_ir.ops.elementwise import cast, div, select, sqrt, square, sub
from graphc_ir.ops.logical import is_nan, logical_not
from graphc_ir.ops.reduction import reduce_all, reduce_prod, reduce_sum

__all__ = [
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum",
    "nanvar",
]  # fmt: skip


def _filled(x: Operand, value: float) -> Operand:
    """The tensor with a number in place of each NaN."""
    if not dtype_of(x).is_floating:
        return x
    return select(is_nan(x), lift(value, dtype_of(x)), x)


def _sum(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The sum of the elements that are not NaN."""
    return reduce_sum(_filled(summable(x), 0), axis, keepdims)


def _product(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The product of the elements that are not NaN."""
    return reduce_prod(_filled(summable(x), 1), axis, keepdims)


def _mean(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The mean of the elements that are not NaN; NaN where there are none."""
    values = widened(x)
    number = reduce_sum(cast(logical_not(is_nan(values)), dtype_of(values)), axis, keepdims)
    return cast(div(reduce_sum(_filled(values, 0), axis, keepdims), number), dtype_of(x))


def _variance(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The variance of the elements that are not NaN; NaN where there are none."""
    values = widened(x)
    return cast(_mean(square(sub(values, _mean(values, axis, True))), axis, keepdims), dtype_of(x))


def _deviation(x: Operand, axis: Any, keepdims: bool) -> Operand:
    """The standard deviation of the elements that are not NaN; NaN where there are none."""
    return sqrt(_variance(x, axis, keepdims))


def _extremum(find: Callable[..., Any], worst: float) -> Callable[[Operand, Any, bool], Operand]:
    def call(x: Operand, axis: Any, keepdims: bool) -> Any:
        if not dtype_of(x).is_floating:
            return find(x, axis, keepdims)
        found = find(_filled(x, worst), axis, keepdims)
        return select(reduce_all(is_nan(x), axis, keepdims), lift(math.nan, dtype_of(x)), found)

    call.__doc__ = "The extreme one of the elements that are not NaN; NaN where there are none."
    return call


nansum = reduction("nansum", _sum, convert)
nanprod = reduction("nanprod", _product, convert)
nanmean = reduction("nanmean", _mean, floats)
nanvar = reduction("nanvar", _variance, floats)
nanstd = reduction("nanstd", _deviation, floats)
nanmax = reduction("nanmax", _extremum(largest, -math.inf), convert)
nanmin = reduction("nanmin", _extremum(smallest, math.inf), convert)


def _position(find: Callable[..., Any], x: Any, worst: float, axis: int | None, keepdims: bool) -> Any:
    tensor = convert(x)
    found = find(_filled(tensor, worst), axis, keepdims)
    if not dtype_of(tensor).is_floating:
        return found
    return select(reduce_all(is_nan(tensor), axis, keepdims), lift(-1, dtype_of(found)), found)


@operation("numpy")
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the largest element that is not NaN, int32; -1 where there is none."""
    return _position(argmax, x, -math.inf, axis, keepdims)


@operation("numpy")
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the smallest element that is not NaN, int32; -1 where there is none."""
    return _position(argmin, x, math.inf, axis, keepdims)


@operation("numpy")
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running sum, to which NaNs add nothing."""
    return cumsum(_filled(convert(x, dtype), 0), axis)


@operation("numpy")
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running product, which NaNs leave as it is."""
    return cumprod(_filled(convert(x, dtype), 1), axis)
