"""Random draws with Keras's arguments.

``seed``: a SeedGenerator, which moves on; an integer, which gives the same numbers at each call; None draws from the
global generator. In a model that is put together from KerasTensors, layers draw: these functions refuse KerasTensors.
"""

from __future__ import annotations

from typing import Any

from graphc import draws
from graphc.generator import generator_for
from graphc.keras.config import standardize_dtype
from graphc.keras.engine.keras_tensor import any_symbolic
from graphc.keras.random.seed_generator import SeedGenerator
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import random as ir
from graphc_ir.ops.base import Operand, lift, rank_of
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add, cast, div
from graphc_ir.ops.indexing import getitem
from graphc_ir.ops.rearrange import moveaxis

__all__ = [
    "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint", "shuffle", "truncated_normal",
    "uniform",
]  # fmt: skip


def _key(seed: Any) -> Any:
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        return generator_for(None).next_key()
    if not isinstance(seed, int):
        raise ArgumentError(f"got seed={seed!r}, expected an integer, a keras.random.SeedGenerator or None")
    return draws.as_key([seed, 0])


def _floats(what: str, dtype: Any) -> str:
    name = standardize_dtype(dtype)
    if not as_dtype(name).is_floating:
        raise ArgumentError(f"{what}: got dtype={name!r}, expected a float dtype; use randint for integers")
    return name


def _refuse_symbolic(what: str, *values: Any) -> None:
    if any_symbolic(values):
        raise ArgumentError(f"keras.random.{what} got a KerasTensor, which has no values to draw for; draw in the call "
                            "of a layer of your own, or use a layer such as keras.layers.Dropout")  # fmt: skip


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normal floats of ``shape``. Raises ArgumentError for a dtype of integers."""
    return draws.normal(_key(seed), shape, mean, stddev, _floats("normal", dtype))


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normal floats within two standard deviations of the mean. Raises ArgumentError for a dtype of integers."""
    return draws.truncated_normal(_key(seed), shape, mean, stddev, _floats("truncated_normal", dtype))


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Floats, uniform in [minval, maxval). Raises ArgumentError for a dtype of integers."""
    return draws.uniform(_key(seed), shape, minval, maxval, _floats("uniform", dtype))


def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    """Integers, uniform in [minval, maxval). Raises ArgumentError for a dtype of floats."""
    name = standardize_dtype(dtype)
    if not as_dtype(name).is_integer:
        raise ArgumentError(f"randint: got dtype={name!r}, expected an integer dtype; use uniform for floats")
    return draws.uniform(_key(seed), shape, minval, maxval, name)


def categorical(logits: Any, num_samples: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    """``num_samples`` class numbers per row of unnormalised log-probabilities (batch, classes)."""
    _refuse_symbolic("categorical", logits)
    return ir.categorical(_key(seed), logits, num_samples, standardize_dtype(dtype))


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """The inputs with a fraction ``rate`` of the elements set to 0 and the others scaled by 1 / (1 - rate).

    ``noise_shape`` broadcasts to the shape of the inputs; along axes of size 1 elements share their fate.
    """
    _refuse_symbolic("dropout", inputs)
    if rate == 1:
        return zeros_like(inputs)
    return draws.dropout(lambda: _key(seed), inputs, rate, noise_shape)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The slices along an axis in random order."""
    _refuse_symbolic("shuffle", x)
    return moveaxis(ir.shuffle(_key(seed), moveaxis(lift(x), axis, 0)), 0, axis)


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Gamma floats of ``shape`` with mean ``alpha``, which broadcasts to it."""
    name = _floats("gamma", dtype)
    return draws.gamma(_key(seed), shape, _parameter(alpha, name), None, name)


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Beta floats of ``shape`` with mean ``alpha / (alpha + beta)``; both broadcast to it."""
    name = _floats("beta", dtype)
    keys = ir.split_key(_key(seed))
    # The share of one gamma variate in the sum of two is beta distributed.
    first, second = (
        draws.gamma(getitem(keys, i), shape, _parameter(p, name), None, name) for i, p in enumerate((alpha, beta))
    )
    return div(first, add(first, second))


def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Successes among ``counts`` trials of these probabilities, as floats of ``shape``, to which both broadcast."""
    name = _floats("binomial", dtype)
    return cast(ir.binomial(_key(seed), shape, counts, probabilities), name)


def _parameter(value: Any, dtype: str) -> Operand:
    operand = lift(value, as_dtype(dtype))
    return cast(operand, dtype) if rank_of(operand) or not isinstance(value, (int, float)) else operand
