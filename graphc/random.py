"""``tf.random``: random numbers, seeds and generators.

Functions without ``stateless`` draw from the global generator, or with ``seed=`` from a stream of their own that also
follows from the global seed (:func:`set_seed`). Gamma, Poisson and binomial draws run on the NumPy backend only.
"""

from __future__ import annotations

import sys
from enum import Enum
from typing import Any

from graphc import draws
from graphc.draws import as_key
from graphc.generator import (
    Generator,
    derive_seed,
    generator_for,
    get_global_generator,
    set_global_generator,
    set_seed,
)
from graphc_ir import random_bits
from graphc_ir.dims import broadcast_shapes
from graphc_ir.dtypes import as_dtype, float32, int32, int64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import random as ops
from graphc_ir.ops.base import lift, shape_of
from graphc_ir.ops.movement import resolve_shape

__all__ = [
    "Algorithm",
    "Generator",
    "categorical",
    "create_rng_state",
    "derive_seed",
    "dropout",
    "experimental",
    "fold_in",
    "gamma",
    "get_global_generator",
    "normal",
    "poisson",
    "set_global_generator",
    "set_seed",
    "shuffle",
    "split",
    "stateless_binomial",
    "stateless_categorical",
    "stateless_dropout",
    "stateless_fold_in",
    "stateless_gamma",
    "stateless_normal",
    "stateless_poisson",
    "stateless_shuffle",
    "stateless_split",
    "stateless_truncated_normal",
    "stateless_uniform",
    "truncated_normal",
    "uniform",
]


class Algorithm(Enum):
    """Names of TensorFlow's generators, accepted wherever ``alg`` is; graphc has one algorithm for all."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


# --- draws from the global generator ---------------------------------------------------------------------------------


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: Any = None, name: str | None = None
) -> Any:
    """Normal floats of a shape. ``mean`` and ``stddev`` broadcast to it and get gradients.

    Raises DTypeError when ``dtype`` is no float dtype.
    """
    return draws.normal(generator_for(seed).next_key(), shape, mean, stddev, dtype)


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, seed: Any = None, name: str | None = None
) -> Any:
    """Normal floats within two standard deviations of the mean."""
    return draws.truncated_normal(generator_for(seed).next_key(), shape, mean, stddev, dtype)


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, seed: Any = None, name: str | None = None
) -> Any:
    """Floats (by default in [0, 1)) or integers, uniform in [minval, maxval).

    Raises ArgumentError when integers lack ``maxval`` or the interval is empty.
    """
    return draws.uniform(generator_for(seed).next_key(), shape, minval, maxval, dtype)


def shuffle(value: Any, seed: Any = None, name: str | None = None) -> Any:
    """The rows of ``value`` (slices along its first axis) in random order."""
    return ops.shuffle(generator_for(seed).next_key(), value)


def categorical(logits: Any, num_samples: Any, dtype: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """``num_samples`` class numbers (int64 by default) per row of unnormalised log-probabilities [batch, classes]."""
    return ops.categorical(generator_for(seed).next_key(), logits, num_samples, int64 if dtype is None else dtype)


def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = float32, seed: Any = None, name: str | None = None
) -> Any:
    """Gamma(alpha, beta) floats: ``shape`` draws for each of the broadcast parameters, which give the last axes."""
    wanted = as_dtype(dtype)
    parameters = [lift(p, wanted) for p in (alpha, beta) if p is not None]
    full = (*resolve_shape(shape), *broadcast_shapes(*map(shape_of, parameters)))
    return draws.gamma(generator_for(seed).next_key(), full, parameters[0], beta, wanted)


def poisson(shape: Any, lam: Any, dtype: Any = float32, seed: Any = None, name: str | None = None) -> Any:
    """Poisson counts: ``shape`` draws for each mean in ``lam``, whose axes come last."""
    means = lift(lam, float32)
    return draws.poisson(generator_for(seed).next_key(), (*resolve_shape(shape), *shape_of(means)), means, dtype)


def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """``x`` with a fraction ``rate`` of its elements set to 0 and the others scaled by 1 / (1 - rate).

    ``noise_shape`` (None keeps a size, 1 shares one decision along an axis) must broadcast to the shape of ``x``.
    Raises ArgumentError for a rate outside [0, 1), DTypeError unless ``x`` holds floats.
    """
    return draws.dropout(lambda: generator_for(seed).next_key(), x, rate, noise_shape)


# --- draws from a seed -----------------------------------------------------------------------------------------------


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = float32,
    name: str | None = None,
    alg: Any = None,
) -> Any:
    """Normal floats that follow from ``seed``, two integers, alone."""
    return draws.normal(as_key(seed), shape, mean, stddev, dtype)


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = float32,
    name: str | None = None,
    alg: Any = None,
) -> Any:
    """Normal floats within two standard deviations, from a seed of two integers."""
    return draws.truncated_normal(as_key(seed), shape, mean, stddev, dtype)


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = float32,
    name: str | None = None,
    alg: Any = None,
) -> Any:
    """Floats or integers in [minval, maxval), from a seed of two integers.

    Integers without both bounds (None) are uniform over all values of the dtype.
    """
    if minval is None and maxval is None and as_dtype(dtype).is_integer:
        return ops.uniform_full_int(as_key(seed), shape, dtype)
    return draws.uniform(as_key(seed), shape, minval, maxval, dtype)


def stateless_categorical(logits: Any, num_samples: Any, seed: Any, dtype: Any = int64, name: str | None = None) -> Any:
    """Class numbers per row of unnormalised log-probabilities, from a seed of two integers."""
    return ops.categorical(as_key(seed), logits, num_samples, dtype)


def stateless_gamma(
    shape: Any, seed: Any, alpha: Any, beta: Any = None, dtype: Any = float32, name: str | None = None
) -> Any:
    """Gamma(alpha, beta) floats of ``shape``, to which the parameters broadcast."""
    return draws.gamma(as_key(seed), shape, alpha, beta, dtype)


def stateless_poisson(shape: Any, seed: Any, lam: Any, dtype: Any = int32, name: str | None = None) -> Any:
    """Poisson counts of ``shape``, to which ``lam`` broadcasts."""
    return draws.poisson(as_key(seed), shape, lam, dtype)


def stateless_binomial(
    shape: Any, seed: Any, counts: Any, probs: Any, output_dtype: Any = int32, name: str | None = None
) -> Any:
    """Successes among ``counts`` trials of probability ``probs``, which broadcast to ``shape``."""
    return ops.binomial(as_key(seed), shape, counts, probs, output_dtype)


def stateless_shuffle(value: Any, seed: Any, alg: Any = None, name: str | None = None) -> Any:
    """The rows of ``value`` in an order that follows from the seed."""
    return ops.shuffle(as_key(seed), value)


def stateless_dropout(
    x: Any, rate: Any, seed: Any, rng_alg: Any = None, noise_shape: Any = None, name: str | None = None
) -> Any:
    """:func:`dropout` from a seed of two integers."""
    return draws.dropout(lambda: as_key(seed), x, rate, noise_shape)


# --- seeds -----------------------------------------------------------------------------------------------------------


def split(seed: Any, num: int = 2, alg: Any = None) -> Any:
    """``num`` independent seeds from one, int64[num, 2]."""
    return ops.split_key(as_key(seed), num)


def fold_in(seed: Any, data: Any, alg: Any = None) -> Any:
    """A new seed, int64[2], from a seed and a number (not negative), e.g. of a step."""
    if isinstance(data, int) and data < 0:
        raise ArgumentError(f"fold_in: got data={data}, expected an integer >= 0")
    return ops.fold_in_key(as_key(seed), data)


def create_rng_state(seed: Any, alg: Any = None) -> Any:
    """The state that a Generator made from this seed starts with, int64[2]."""
    return lift(random_bits.make_key(random_bits.seed_from(int(seed))))


stateless_split = split
stateless_fold_in = fold_in
experimental = sys.modules[__name__]
