"""Counter-based random numbers that NumPy and a plain ONNX graph draw bit for bit alike.

A *key* is an int64 array ``[seed, counter]``. Every draw is a pure function of the key and of the
element's index; a caller that wants fresh numbers moves to ``advance(key)``, i.e. ``counter + 1``.
Seeds are meant to lie in [0, 2**63): seeds that differ by 2**63 name the same stream.

The generator is Widynski's Squares (four rounds, 32 bits out; "Squares: A Fast Counter-Based RNG",
arXiv:2004.06278), all arithmetic modulo 2**64::

    k = seed * SEED_STRIDE + SEED_OFFSET            odd for every seed
    c = (counter + 1) * COUNTER_STRIDE + index
    y = c * k;  z = y + k
    x = swap(y*y + y);  x = swap(x*x + z);  x = swap(x*x + y)    swap exchanges the 32-bit halves
    bits = (x*x + z) >> 32

It was chosen because it needs multiplication, addition and shifts by constants only. Generators that
xor would need ONNX's BitwiseXor, which is missing below opset 18 and in ONNX Runtime's CUDA provider;
this one exists from opset 11 on (shifts as BitShift) and on CUDA (shifts as Div/Mul by a power of two).

COUNTER_STRIDE is 2**64 divided by the golden ratio, which spreads calls evenly: n calls under one seed
share no position unless one of them draws more than about 0.38 * 2**64 / n elements.

Integer results, ``uniform`` and ``bernoulli`` are equal on every backend to the last bit. Normal draws go through
log, sqrt, cos and sin, so they agree to the accuracy of these functions (about 1e-6 for float32).
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Iterator, Sequence

import ml_dtypes
import numpy as np
import numpy.typing as npt

__all__ = [
    "COUNTER_STRIDE",
    "DERIVE_OFFSET",
    "ERF_SQRT2",
    "SEED_OFFSET",
    "SEED_STRIDE",
    "TRUNCATED_COEFFICIENTS",
    "advance",
    "bernoulli",
    "binomial",
    "bits32",
    "bits64",
    "categorical",
    "float_bits",
    "fold_in",
    "gamma",
    "gumbel",
    "make_key",
    "normal",
    "open_uniform",
    "permutation",
    "poisson",
    "seed_from",
    "split",
    "truncated_normal",
    "uniform",
    "uniform_full_int",
    "uniform_int",
]

Array = npt.NDArray[np.generic]
Float = npt.NDArray[np.floating]
Key = npt.NDArray[np.int64]
Shape = Sequence[int]

# Irregular bit patterns with nothing to hide: from the fractions of sqrt(3), sqrt(2) and the golden ratio.
# An even stride and an odd offset make the multiplier k odd for every seed.
SEED_STRIDE = 0x76CF5D0B09954E76
SEED_OFFSET = 0x6A09E667F3BCC909
COUNTER_STRIDE = 0x9E3779B97F4A7C15
# Child seeds are drawn this many counter steps away, so that they share no bits with ordinary draws.
DERIVE_OFFSET = 1 << 62

# Truncation at two standard deviations: x = sqrt(2) * erfinv(v) for v uniform in +-erf(sqrt(2)).
# With w = -log(1 - v*v), x / v is this polynomial in w (lowest power first; relative error 5e-11).
ERF_SQRT2 = 0.9544997361036416
TRUNCATED_COEFFICIENTS = (
    1.253314137379324,
    0.32811686881115715,
    0.016333302737234892,
    -0.0033026741671826287,
    -0.00018018692984327604,
    6.457511637822692e-05,
    4.082106696038809e-06,
    -2.1145071196575986e-06,
    1.6690242802303994e-07,
)

_MASK = (1 << 64) - 1
_BLOCK = 8192  # elements per block: four uint64 buffers of this size stay in the L2 cache
_INDICES = np.arange(_BLOCK, dtype=np.uint64)
_HALF = np.uint64(32)
_SIGNIFICANT_BITS: dict[np.dtype[np.generic], int] = {
    np.dtype(np.float16): 11,
    np.dtype(ml_dtypes.bfloat16): 8,
    np.dtype(np.float32): 24,
    np.dtype(np.float64): 53,
}


# --- keys ---------------------------------------------------------------------------------------


def seed_from(global_seed: int | None = None, op_seed: int | None = None) -> int:
    """Hash a global and an op seed to one seed in [0, 2**63); with neither, take one from the system.

    Equal arguments give equal seeds in every process; ``None`` differs from every integer.
    """
    if global_seed is None and op_seed is None:
        return secrets.randbits(63)
    digest = hashlib.blake2b(f"{global_seed}/{op_seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def make_key(seed: int, counter: int = 0) -> Key:
    """The key ``[seed, counter]`` as int64 of shape (2,); both words are taken modulo 2**64."""
    return np.array([seed & _MASK, counter & _MASK], dtype=np.uint64).view(np.int64)


def advance(key: Key, steps: int = 1) -> Key:
    """The key whose draws are independent of ``key``'s: the counter moved on by ``steps``."""
    seed, counter = _words(key)
    return make_key(seed, counter + steps)


def fold_in(key: Key, data: int) -> Key:
    """The child key number ``data`` (>= 0) of ``key``: a new seed, the counter at zero."""
    seed, counter = _words(key)
    return make_key(_seeds(seed, counter, data, 1)[0])


def split(key: Key, num: int = 2) -> Key:
    """``num`` independent child keys, int64 of shape (num, 2); row i is ``fold_in(key, i)``."""
    keys = np.zeros((num, 2), np.int64)
    keys[:, 0] = _seeds(*_words(key), 0, num)
    return keys


def _seeds(seed: int, counter: int, start: int, count: int) -> list[int]:
    parent = make_key(seed, counter + DERIVE_OFFSET)
    halves = bits32(parent, 2 * count, 2 * start).reshape(count, 2).astype(np.uint64)
    return [int(high) << 31 | int(low) >> 1 for high, low in halves]


def _words(key: Key) -> tuple[int, int]:
    if key.shape != (2,) or key.dtype != np.int64:
        raise ValueError(
            f"random key: got shape {key.shape} and dtype {key.dtype}, expected int64 of shape (2,), "
            "[seed, counter]. Make one with make_key(seed)."
        )
    seed, counter = key.tolist()
    return seed, counter


# --- bits ---------------------------------------------------------------------------------------


def bits32(key: Key, count: int, start: int = 0) -> npt.NDArray[np.uint32]:
    """``count`` uniform 32-bit words for the indices ``start, start + 1, ...``; uint32, shape (count,)."""
    out = np.empty(count, np.uint32)
    for block, words in _blocks(key, start, count):
        np.copyto(out[block], np.right_shift(words, _HALF, out=words), casting="unsafe")
    return out


def bits64(key: Key, count: int) -> npt.NDArray[np.uint64]:
    """``count`` uniform 64-bit words; uint64, shape (count,).

    The high halves are the 32-bit words ``0 ... count - 1``, the low halves the next ``count``.
    """
    out = np.empty(count, np.uint64)
    for block, words in _blocks(key, 0, count):
        np.bitwise_and(words, np.uint64(0xFFFFFFFF00000000), out=out[block])
    for block, words in _blocks(key, count, count):
        out[block] |= np.right_shift(words, _HALF, out=words)
    return out


def _blocks(key: Key, start: int, count: int) -> Iterator[tuple[slice, npt.NDArray[np.uint64]]]:
    """Yield (where, words) block by block; the upper 32 bits of each uint64 word are the random ones.

    The words live in a buffer that the next block overwrites; the consumer may change them.
    """
    seed, counter = _words(key)
    k = (seed * SEED_STRIDE + SEED_OFFSET) & _MASK
    first = ((counter + 1) * COUNTER_STRIDE + start) * k & _MASK
    y = _INDICES[: min(count, _BLOCK)] * np.uint64(k)
    y += np.uint64(first)
    z = y + np.uint64(k)
    x, swapped = np.empty_like(y), np.empty_like(y)
    step = np.uint64(_BLOCK * k & _MASK)
    for begin in range(0, count, _BLOCK):
        n = min(count - begin, _BLOCK)
        if n < len(y):
            y, z, x, swapped = y[:n], z[:n], x[:n], swapped[:n]
        yield slice(begin, begin + n), _rounds(x, y, z, swapped)
        y += step
        z += step


def _rounds(
    x: npt.NDArray[np.uint64],
    y: npt.NDArray[np.uint64],
    z: npt.NDArray[np.uint64],
    scratch: npt.NDArray[np.uint64],
) -> npt.NDArray[np.uint64]:
    np.multiply(y, y, out=x)
    x += y
    for addend in (z, y, z):
        np.right_shift(x, _HALF, out=scratch)
        x <<= _HALF
        x |= scratch
        x *= x
        x += addend
    return x


# --- floats -------------------------------------------------------------------------------------


def float_bits(dtype: npt.DTypeLike) -> int:
    """How many random bits ``uniform`` puts into a float of this dtype: its significand's width.

    Raises TypeError for a dtype that is not float16, bfloat16, float32 or float64.
    """
    bits = _SIGNIFICANT_BITS.get(np.dtype(dtype))
    if bits is None:
        raise TypeError(
            f"random floats: got dtype {np.dtype(dtype)}, expected float16, bfloat16, float32 or float64. "
            "Draw float32 and cast, or use uniform_int for integers."
        )
    return bits


def uniform(key: Key, shape: Shape, dtype: npt.DTypeLike = np.float32) -> Float:
    """Uniform floats in [0, 1): the multiples of 2**-float_bits(dtype), all equally likely."""
    bits = float_bits(dtype)
    count = math.prod(shape)
    if bits == 53:
        return _uniform64(key, count).reshape(shape)
    return _scaled(key, count, bits).astype(dtype, copy=False).reshape(shape)


def open_uniform(key: Key, shape: Shape, start: int = 0) -> npt.NDArray[np.float32]:
    """Uniform float32 in the open interval (0, 1): (i + 1/2) / 2**23 for i < 2**23, all exact."""
    out = _scaled(key, math.prod(shape), 23, start)
    out += np.float32(2**-24)
    return out.reshape(shape)


def _scaled(key: Key, count: int, bits: int, start: int = 0) -> npt.NDArray[np.float32]:
    """float32 in [0, 1) from the top ``bits`` (<= 24) random bits."""
    out = np.empty(count, np.float32)
    shift, scale = np.uint64(64 - bits), np.float32(2.0**-bits)
    for block, words in _blocks(key, start, count):
        words >>= shift
        # Signed conversions are single instructions; the values fit either way.
        np.multiply(words.view(np.int64).astype(np.int32).astype(np.float32), scale, out=out[block])
    return out


def _uniform64(key: Key, count: int) -> npt.NDArray[np.float64]:
    words = bits64(key, count)
    words >>= np.uint64(11)
    out = words.view(np.int64).astype(np.float64)
    out *= 2.0**-53
    return out


def normal(key: Key, shape: Shape, dtype: npt.DTypeLike = np.float32) -> Float:
    """Standard normal floats by the Box-Muller transform, both of its outputs used.

    float16 and bfloat16 are float32 draws, rounded. The 32 bits behind each radius bound the result
    by 6.66 in every dtype.
    """
    float_bits(dtype)
    work = np.dtype(np.float64) if np.dtype(dtype) == np.float64 else np.dtype(np.float32)
    count = math.prod(shape)
    half = (count + 1) // 2
    radius, angle = _polar(key, half, work)
    out = np.empty(2 * half, work)
    np.multiply(radius, np.cos(angle), out=out[:half])
    np.multiply(radius, np.sin(angle, out=angle), out=out[half:])
    return out[:count].astype(dtype, copy=False).reshape(shape)


def _polar(key: Key, half: int, dtype: np.dtype[np.floating]) -> tuple[Float, Float]:
    words = bits32(key, 2 * half)
    radius = words[:half].astype(dtype)
    radius += dtype.type(1)
    radius *= dtype.type(2.0**-32)
    np.log(radius, out=radius)
    radius *= dtype.type(-2)
    np.sqrt(radius, out=radius)
    angle = words[half:].astype(dtype)
    angle *= dtype.type(2 * math.pi * 2.0**-32)
    return radius, angle


def truncated_normal(key: Key, shape: Shape, dtype: npt.DTypeLike = np.float32) -> Float:
    """Standard normal floats conditioned on lying within two standard deviations.

    By the inverse distribution function, so that the graph is fixed; float64 draws have 23 random bits.
    """
    float_bits(dtype)
    work = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    v: Float = open_uniform(key, shape).astype(work, copy=False)
    v *= work(2 * ERF_SQRT2)
    v -= work(ERF_SQRT2)
    w: Float = np.asarray(-np.log(1 - v * v))
    ratio: Float = np.full_like(w, TRUNCATED_COEFFICIENTS[-1])
    for coefficient in TRUNCATED_COEFFICIENTS[-2::-1]:
        ratio *= w
        ratio += work(coefficient)
    ratio *= v
    return ratio.astype(dtype, copy=False)


def gumbel(key: Key, shape: Shape) -> npt.NDArray[np.float32]:
    """Standard Gumbel float32, ``-log(-log(u))`` for u uniform in (0, 1); within -2.9 ... 16.7."""
    u = open_uniform(key, shape)
    np.log(u, out=u)
    np.negative(u, out=u)
    np.log(u, out=u)
    return np.negative(u, out=u)


# --- integers, choices --------------------------------------------------------------------------


def uniform_int(
    key: Key, minval: int, maxval: int, shape: Shape, dtype: npt.DTypeLike = np.int32
) -> npt.NDArray[np.integer]:
    """Uniform integers in [minval, maxval), from 64 random bits modulo the range's width.

    No value's probability is off by more than a factor 1 + (maxval - minval) / 2**64.
    Raises ValueError if the interval is empty or does not fit the dtype.
    """
    limits = np.iinfo(np.dtype(dtype))
    if not limits.min <= minval < maxval <= limits.max + 1:
        raise ValueError(
            f"uniform_int: got minval={minval}, maxval={maxval} for {np.dtype(dtype)}, expected "
            f"minval < maxval within [{limits.min}, {limits.max + 1}]. Widen the interval or the dtype."
        )
    words = bits64(key, math.prod(shape))
    if maxval - minval <= _MASK:
        words %= np.uint64(maxval - minval)
    words += np.uint64(minval & _MASK)
    return words.astype(dtype, copy=False).reshape(shape)


def uniform_full_int(key: Key, shape: Shape, dtype: npt.DTypeLike = np.int32) -> npt.NDArray[np.integer]:
    """Integers uniform over all values of the dtype: the low bits of a 32- or 64-bit word."""
    limits = np.iinfo(np.dtype(dtype))
    count = math.prod(shape)
    words = bits64(key, count) if limits.bits == 64 else bits32(key, count)
    return words.astype(dtype, copy=False).reshape(shape)


def bernoulli(key: Key, probability: float | Float, shape: Shape) -> npt.NDArray[np.bool_]:
    """bool, true with ``probability`` (broadcast against shape; its resolution is 2**-24).

    The same as ``uniform(key, shape) < probability``.
    """
    limit = np.asarray(probability, np.float32)
    if limit.ndim:
        return np.asarray(uniform(key, shape) < limit)
    out = np.empty(math.prod(shape), np.bool_)
    # i * 2**-24 < p for the 24 upper bits i just when the whole word is below ceil(p * 2**24) << 40.
    steps = math.ceil(float(limit) * (1 << 24)) if limit > 0 else 0
    if 0 < steps < 1 << 24:
        below = np.uint64(steps << 40)
        for block, words in _blocks(key, 0, len(out)):
            np.less(words, below, out=out[block])
    else:
        out.fill(steps > 0)
    return out.reshape(shape)


def permutation(key: Key, count: int) -> npt.NDArray[np.int64]:
    """A random permutation of ``0 ... count - 1``: the order that sorts ``count`` 63-bit words."""
    words = (bits64(key, count) >> np.uint64(1)).view(np.int64)
    return np.argsort(words, kind="stable").astype(np.int64, copy=False)


def categorical(key: Key, logits: Float, num_samples: int) -> npt.NDArray[np.int64]:
    """``num_samples`` class indices per row of ``logits`` (..., classes), by the Gumbel-max trick.

    Returns int64 of shape (..., num_samples). The logits need not be normalised.
    """
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(
            f"categorical: got logits of shape {logits.shape}, expected at least one class on the last "
            "axis. Pass logits of shape (..., classes)."
        )
    *batch, classes = logits.shape
    noise = gumbel(key, (*batch, num_samples, classes))
    noise += logits[..., None, :]
    return np.asarray(np.argmax(noise, axis=-1), np.int64)


# --- NumPy only: rejection samplers have no fixed graph -----------------------------------------


def gamma(key: Key, alpha: Float, shape: Shape, dtype: npt.DTypeLike = np.float32) -> Float:
    """Gamma(alpha, 1) floats; alpha > 0 broadcasts against shape.

    Drawn by numpy.random from a state that the key determines: no ONNX form, and the stream may
    change between NumPy releases.
    """
    return np.asarray(_numpy_generator(key).standard_gamma(alpha, tuple(shape))).astype(dtype)


def poisson(key: Key, lam: Float, shape: Shape, dtype: npt.DTypeLike = np.int64) -> Array:
    """Poisson(lam) counts; lam >= 0 broadcasts against shape. NumPy only, as ``gamma`` is."""
    return np.asarray(_numpy_generator(key).poisson(lam, tuple(shape))).astype(dtype)


def binomial(
    key: Key, counts: npt.NDArray[np.int64], probs: Float, shape: Shape, dtype: npt.DTypeLike = np.int64
) -> Array:
    """Successes among ``counts`` trials of probability ``probs``. NumPy only, as ``gamma`` is."""
    return np.asarray(_numpy_generator(key).binomial(counts, probs, tuple(shape))).astype(dtype)


def _numpy_generator(key: Key) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=bits64(key, 2)))
