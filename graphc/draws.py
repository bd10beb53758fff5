"""Random draws from a key, with a short way through for eager ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.conversion import as_tensor
from graphc.mode import mode
from graphc.tensor import wrap
from graphc_ir import random_bits
from graphc_ir.dims import broadcast_shapes
from graphc_ir.dtypes import as_dtype, int64
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import random as ops
from graphc_ir.ops.base import Op, bind, current, dtype_of, lift, shape_of, to_array
from graphc_ir.ops.elementwise import cast, div, mul
from graphc_ir.ops.movement import resolve_shape

__all__ = ["as_key", "dropout", "gamma", "normal", "poisson", "truncated_normal", "uniform"]


def as_key(seed: Any) -> Any:
    """The key of a stateless seed: two integers. Raises ArgumentError for anything else."""
    given = as_tensor(seed)
    # Copied: a caller's array may change later.
    tensor = current().constant(np.array(to_array(seed, int64))) if given is None else given
    if tensor.type.shape != (2,) or not tensor.type.dtype.is_integer:
        raise ArgumentError(f"a stateless seed is a pair of integers, e.g. seed=[1, 2]; got {tensor.type}")
    return cast(tensor, int64)


def uniform(key: Any, shape: Any, minval: Any, maxval: Any, dtype: Any) -> Any:
    """Numbers in [minval, maxval), as :func:`graphc_ir.ops.random.uniform`."""
    low, high = 0 if minval is None else minval, 1 if maxval is None else maxval
    if as_dtype(dtype).is_floating and isinstance(low, (int, float)) and isinstance(high, (int, float)):
        return _floats(ops.RandomUniform, random_bits.uniform, key, shape, high - low, low, dtype)
    return ops.uniform(key, shape, low, maxval, dtype)


def normal(key: Any, shape: Any, mean: Any, stddev: Any, dtype: Any) -> Any:
    """``mean + stddev * z`` for standard normal z."""
    return _floats(ops.RandomNormal, random_bits.normal, key, shape, stddev, mean, dtype)


def truncated_normal(key: Any, shape: Any, mean: Any, stddev: Any, dtype: Any) -> Any:
    """Normal numbers within two standard deviations of the mean."""
    return _floats(ops.RandomTruncatedNormal, random_bits.truncated_normal, key, shape, stddev, mean, dtype)


def _floats(
    op: Callable[..., Op], sampler: Callable[..., Any], key: Any, shape: Any, scale: Any, shift: Any, dtype: Any
) -> Any:
    wanted = as_dtype(dtype)
    numbers = isinstance(scale, (int, float)) and isinstance(shift, (int, float))
    if mode.tracer is not None or not numbers or not wanted.is_floating or not _is_plain(shape):
        return ops.shifted(bind(op(resolve_shape(shape), wanted), key), scale, shift)
    # What the ops would compute, without their dispatch; a fresh array may be changed in place.
    array = sampler(key._array, shape, wanted.np)
    if scale != 1:
        array *= wanted.np.type(scale)
    if shift != 0:
        array += wanted.np.type(shift)
    return wrap(array)


def _is_plain(shape: Any) -> bool:
    if not isinstance(shape, (tuple, list)):
        return False
    for size in shape:  # noqa: SIM110 - a generator costs as much as the whole check
        if type(size) is not int or size < 0:
            return False
    return True


def gamma(key: Any, shape: Any, alpha: Any, beta: Any, dtype: Any) -> Any:
    """Gamma(alpha, beta) floats of the full ``shape``; gradients flow to ``beta``."""
    draws = ops.gamma(key, shape, alpha, dtype)
    return draws if beta is None else div(draws, beta)


def poisson(key: Any, shape: Any, lam: Any, dtype: Any) -> Any:
    """Poisson counts of the full ``shape``."""
    return ops.poisson(key, shape, lam, dtype)


def dropout(key: Callable[[], Any], x: Any, rate: Any, noise_shape: Any = None) -> Any:
    """``x`` with a fraction ``rate`` of its elements set to 0 and the others scaled by 1 / (1 - rate).

    ``key`` is called if numbers are drawn at all. ``noise_shape`` (broadcast to the shape of ``x``; None keeps a size)
    says which elements share their fate. Raises ArgumentError for a rate outside [0, 1), DTypeError unless ``x`` holds
    floats, ShapeError for a noise shape that does not broadcast.
    """
    operand = lift(x)
    if not dtype_of(operand).is_floating:
        raise DTypeError(f"dropout: got x of {dtype_of(operand).name}, expected floats; cast x")
    if isinstance(rate, (int, float)) and not 0 <= rate < 1:
        raise ArgumentError(f"dropout: got rate={rate}, expected a fraction in [0, 1) of elements to drop")
    noise = _noise_shape(noise_shape, shape_of(operand))
    if isinstance(rate, (int, float)) and rate == 0:
        return operand
    return mul(operand, ops.scaled_mask(key(), noise, rate, dtype_of(operand)))


def _noise_shape(noise_shape: Any, shape: Any) -> Any:
    if noise_shape is None:
        return shape
    listed = list(noise_shape) if isinstance(noise_shape, (list, tuple)) else resolve_shape(noise_shape)
    filled = [shape[i] if d is None and i < len(shape) else d for i, d in enumerate(listed)]
    noise = resolve_shape(filled)
    try:
        fits = broadcast_shapes(noise, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"dropout: noise_shape={noise_shape} does not broadcast to the shape {list(shape)} of x; use "
                         "1 or the same size per axis")  # fmt: skip
    return noise
