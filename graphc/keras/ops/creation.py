"""``keras.ops.numpy``: tensors made from sizes and numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.keras.config import floatx, standardize_dtype
from graphc.keras.engine.operation import operation
from graphc.keras.ops.families import unary
from graphc.keras.ops.promotion import as_index, convert, floats, is_number, no_bool, promoted, result_type
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import creation as ir
from graphc_ir.ops.arithmetic import pow as power
from graphc_ir.ops.base import Operand, current, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.diagonal import eye as unit_matrix
from graphc_ir.ops.elementwise import add, cast, div, exp, greater_equal, log, mul, sub
from graphc_ir.ops.movement import broadcast_to, expand_dims

__all__ = [
    "arange", "array", "bartlett", "blackman", "empty", "empty_like", "eye", "full", "full_like", "geomspace",
    "hamming", "hanning", "identity", "kaiser", "linspace", "logspace", "meshgrid", "ones", "ones_like", "tri",
    "vander", "zeros", "zeros_like",
]  # fmt: skip


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros, of the default float dtype unless told otherwise."""
    return ir.zeros(shape, standardize_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones, of the default float dtype unless told otherwise."""
    return ir.ones(shape, standardize_dtype(dtype))


def empty(shape: Any, dtype: Any = None) -> Any:
    """A tensor whose values do not matter: zeros."""
    return ir.zeros(shape, standardize_dtype(dtype))


@operation("numpy", "fill_value")
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """A tensor of ``shape`` full of ``fill_value``, which broadcasts to it."""
    return broadcast_to(convert(fill_value, standardize_dtype(dtype)), shape)


@operation("numpy")
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros of the shape of ``x``, by default of its dtype."""
    return ir.zeros_like(convert(x), None if dtype is None else standardize_dtype(dtype))


@operation("numpy")
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones of the shape of ``x``, by default of its dtype."""
    return ir.ones_like(convert(x), None if dtype is None else standardize_dtype(dtype))


@operation("numpy")
def empty_like(x: Any, dtype: Any = None) -> Any:
    """A tensor of the shape of ``x`` whose values do not matter: zeros."""
    return ir.zeros_like(convert(x), None if dtype is None else standardize_dtype(dtype))


@operation("numpy", "x fill_value")
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """A tensor of the shape of ``x`` (and by default of its dtype) full of ``fill_value``."""
    tensor = convert(x)
    wanted = dtype_of(tensor) if dtype is None else standardize_dtype(dtype)
    return broadcast_to(convert(fill_value, wanted), shape_of(tensor))


@operation("numpy")
def array(x: Any, dtype: Any = None) -> Any:
    """The data as a tensor."""
    return convert(x, dtype)


# --- ranges ----------------------------------------------------------------------------------------------------------


@operation("numpy", "start stop step")
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """``start, start + step, ...`` before ``stop``; with one number, from 0 up to before it."""
    given = [v for v in (start, stop, step) if v is not None]
    kinds = [type(v) if is_number(v) else dtype_of(convert(v)) for v in given]
    wanted = result_type(*kinds) if dtype is None else standardize_dtype(dtype)
    return ir.arange(start, stop, 1 if step is None else step, wanted)


def _ends(start: Any, stop: Any, dtype: Any) -> tuple[Operand, Operand, Any]:
    """Both ends as floats, and the dtype of the result."""
    first, last = promoted(start, stop, at_least=(float,))
    return first, last, dtype_of(first) if dtype is None else standardize_dtype(dtype)


def _line(start: Operand, stop: Operand, num: int, endpoint: bool, axis: int) -> Operand:
    if num < 0:
        raise ArgumentError(f"got num={num}, expected 0 points or more")
    if num == 0:
        return _no_points(add(start, stop), axis)
    if endpoint:
        return ir.linspace(start, stop, num, axis)
    last = add(start, mul(sub(stop, start), (num - 1) / num))
    return ir.linspace(start, last, num, axis)


def _no_points(like: Operand, axis: int) -> Operand:
    shape = shape_of(expand_dims(like, axis))
    return ir.zeros(tuple(0 if i == axis % len(shape) else d for i, d in enumerate(shape)), dtype_of(like))


@operation("numpy", "start stop")
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
             axis: int = 0) -> Any:  # fmt: skip
    """``num`` evenly spaced values from ``start`` to ``stop`` along a new axis; ``endpoint``: ``stop`` is among them.

    With ``retstep`` also the distance between two of them.
    """
    first, last, wanted = _ends(start, stop, dtype)
    values = cast(_line(first, last, num, endpoint, axis), wanted)
    if not retstep:
        return values
    steps = num - 1 if endpoint else num
    return values, div(sub(last, first), steps) if steps > 0 else mul(first, math.nan)


@operation("numpy", "start stop")
def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None,
             axis: int = 0) -> Any:  # fmt: skip
    """``base`` to the power of ``num`` evenly spaced exponents from ``start`` to ``stop``."""
    first, last, wanted = _ends(start, stop, dtype)
    exponents = _line(first, last, num, endpoint, axis)
    return cast(power(lift(float(base), dtype_of(exponents)), exponents), wanted)


@operation("numpy", "start stop")
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """``num`` values from ``start`` to ``stop``, each the same multiple of the one before; both ends of one sign."""
    first, last, wanted = _ends(start, stop, dtype)
    growth = _line(mul(first, 0), log(div(last, first)), num, endpoint, axis)
    return cast(mul(expand_dims(first, axis) if rank_of(first) else first, exp(growth)), wanted)


@operation("numpy", "")
def meshgrid(*x: Any, indexing: str = "xy") -> Any:
    """Coordinate matrices of coordinate vectors, as a list."""
    if not x:
        return []
    return ir.meshgrid(*(convert(vector) for vector in x), indexing=indexing)


# --- matrices --------------------------------------------------------------------------------------------------------


def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = None) -> Any:
    """An ``N`` by ``M`` matrix (square without ``M``) with ones on diagonal ``k``, zeros elsewhere."""
    return unit_matrix(N, M, (), standardize_dtype(dtype), k)


def identity(n: Any, dtype: Any = None) -> Any:
    """The ``n`` by ``n`` identity matrix."""
    return unit_matrix(n, None, (), standardize_dtype(dtype))


def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = None) -> Any:
    """An ``N`` by ``M`` matrix with ones at and below diagonal ``k``, zeros above."""
    rows, columns = ir.arange(N), ir.arange(N if M is None else M)
    return cast(greater_equal(add(expand_dims(rows, 1), k), columns), standardize_dtype(dtype))


@operation("numpy")
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of a vector's elements as columns: ``N`` of them (by default as many as elements), highest first."""
    vector = no_bool(x)
    count = N if N is not None else shape_of(vector)[0]
    if rank_of(vector) != 1 or not isinstance(count, int):
        raise ArgumentError(f"vander: got x of shape {tuple(shape_of(vector))}, expected a vector of known size, or N")
    exponents = np.arange(count) if increasing else np.arange(count)[::-1]
    return power(expand_dims(vector, 1), current().constant(exponents.astype(dtype_of(vector).np)))


# --- windows ---------------------------------------------------------------------------------------------------------


def _window(name: str, samples: Any) -> Any:
    """A window function of a number of points that is known now."""

    def call(x: Any) -> Operand:
        return current().constant(samples(_points(name, x)).astype(as_dtype(floatx()).np))

    call.__doc__ = f"The {name} window of ``x`` points, of the default float dtype."
    return unary(name, call, lambda x: x)


def _points(name: str, x: Any) -> int:
    count = x if isinstance(x, int) else int(np.asarray(as_index(x)))
    if count < 0:
        raise ArgumentError(f"{name}: got {count} points, expected 0 or more")
    return count


bartlett = _window("bartlett", np.bartlett)
blackman = _window("blackman", np.blackman)
hamming = _window("hamming", np.hamming)
hanning = _window("hanning", np.hanning)


@operation("numpy", "x beta")
def kaiser(x: Any, beta: Any) -> Any:
    """The Kaiser window of ``x`` points with shape ``beta``, of the default float dtype."""
    samples = np.kaiser(_points("kaiser", x), float(np.asarray(floats(beta))))
    return current().constant(samples.astype(as_dtype(floatx()).np))
