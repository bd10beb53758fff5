"""Random numbers as pure functions of a key.

A key is an int64 tensor ``[seed, counter]``: equal keys give equal numbers on every backend. Whoever wants fresh
numbers moves to :func:`advance_key`. The streams are those of :mod:`graphc_ir.random_bits`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from graphc_ir import dims, random_bits
from graphc_ir.dims import Dim, Shape
from graphc_ir.dtypes import DType, as_dtype, bool_, float32, float64, int32, int64
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import (
    Array,
    NotDifferentiable,
    Op,
    Operand,
    bind,
    lift,
    rank_of,
    shape_of,
)
from graphc_ir.ops.constant import constant
from graphc_ir.ops.elementwise import add, cast, div, mul, sub
from graphc_ir.ops.gather import gather
from graphc_ir.ops.movement import resolve_shape
from graphc_ir.types import TensorType

KEY: Final = TensorType(int64, (2,))
_STEP: Final = np.array([0, 1], np.int64)
_STEP.flags.writeable = False


# --- ops -------------------------------------------------------------------------------------------------------------


class RandomOp(Op, abstract=True):
    """A tensor of ``shape`` drawn from the stream of the first operand, the key."""

    shape: Shape
    dtype: DType
    vjp = NotDifferentiable("random draws are constants for the gradient")

    def infer(self, key: TensorType, *parameters: TensorType) -> TensorType:
        check_key(self, key)
        self.check(*parameters)
        _check_sizes(self, self.shape)
        return TensorType(self.dtype, self.shape)

    def check(self, *parameters: TensorType) -> None:
        """Raises DTypeError or ShapeError for parameters (operands after the key) that do not fit."""
        _require_float(self, self.dtype)


class RandomUniform(RandomOp):
    """Floats in [0, 1)."""

    def kernel(self, key: Array) -> Any:
        return random_bits.uniform(key, self.shape, self.dtype.np)  # type: ignore[arg-type]


class RandomNormal(RandomOp):
    """Standard normal floats."""

    def kernel(self, key: Array) -> Any:
        return random_bits.normal(key, self.shape, self.dtype.np)  # type: ignore[arg-type]


class RandomTruncatedNormal(RandomOp):
    """Standard normal floats conditioned on lying within two standard deviations."""

    def kernel(self, key: Array) -> Any:
        return random_bits.truncated_normal(key, self.shape, self.dtype.np)  # type: ignore[arg-type]


class RandomFullInt(RandomOp):
    """Integers uniform over all values of the dtype."""

    def check(self, *parameters: TensorType) -> None:
        _require_integer(self, self.dtype)

    def kernel(self, key: Array) -> Any:
        return random_bits.uniform_full_int(key, self.shape, self.dtype.np)  # type: ignore[arg-type]


class RandomUniformInt(RandomOp):
    """Integers in [minval, maxval), two scalars of the op's dtype."""

    def check(self, *parameters: TensorType) -> None:
        _require_integer(self, self.dtype)
        if any(p.shape != () or p.dtype is not self.dtype for p in parameters) or len(parameters) != 2:
            raise DTypeError(f"random_uniform_int: got bounds {', '.join(map(str, parameters))}; expected two scalars "
                             f"of {self.dtype.name}; cast them, or scale floats for bounds per element")  # fmt: skip

    def kernel(self, key: Array, minval: Array, maxval: Array) -> Any:
        bounds = int(minval), int(maxval)
        return random_bits.uniform_int(key, *bounds, self.shape, self.dtype.np)  # type: ignore[arg-type]


class RandomBernoulli(Op):
    """True with the probability given by the second operand (float32, broadcast to ``shape``)."""

    shape: Shape
    vjp = NotDifferentiable("whether a draw is below a probability jumps")

    def infer(self, key: TensorType, probability: TensorType) -> TensorType:
        check_key(self, key)
        if probability.dtype is not float32:
            raise DTypeError(f"random_bernoulli: got probabilities of {probability}, expected float32; cast them")
        _check_broadcasts(self, probability, self.shape)
        _check_sizes(self, self.shape)
        return TensorType(bool_, self.shape)

    def kernel(self, key: Array, probability: Array) -> Any:
        return random_bits.bernoulli(key, probability, self.shape)  # type: ignore[arg-type]


class RandomPermutation(RandomOp):
    """The numbers 0 .. n - 1 in random order; ``shape`` is (n,)."""

    def check(self, *parameters: TensorType) -> None:
        if len(self.shape) != 1 or self.dtype is not int64:
            raise ShapeError(f"random_permutation makes int64 vectors, not {TensorType(self.dtype, self.shape)}")

    def kernel(self, key: Array) -> Any:
        return random_bits.permutation(key, self.shape[0])  # type: ignore[arg-type]


class RandomCategorical(Op):
    """Class numbers drawn by unnormalised log-probabilities (..., classes); ``samples`` holds how many per row."""

    samples: Shape
    dtype: DType
    vjp = NotDifferentiable("class numbers are integers")

    def infer(self, key: TensorType, logits: TensorType) -> TensorType:
        check_key(self, key)
        _require_integer(self, self.dtype)
        _require_float(self, logits.dtype)
        _check_sizes(self, self.samples)
        if not logits.rank or logits.shape[-1] == 0:
            raise ShapeError(f"random_categorical: got logits {logits}, expected at least one class on the last axis")
        return TensorType(self.dtype, (*logits.shape[:-1], *self.samples))

    def kernel(self, key: Array, logits: Array) -> Any:
        scores = logits.astype(np.float32, copy=False)
        drawn = random_bits.categorical(key, scores, self.samples[0])  # type: ignore[arg-type]
        return drawn.astype(self.dtype.np, copy=False)


class RandomGamma(RandomOp):
    """Gamma(alpha, 1) floats; ``alpha`` broadcasts to ``shape``."""

    vjp = NotDifferentiable("the gradient of a gamma draw in alpha is not implemented; scale draws by beta instead")

    def check(self, *parameters: TensorType) -> None:
        _require_float(self, self.dtype)
        _check_parameters(self, parameters, 1, self.shape)

    def kernel(self, key: Array, alpha: Array) -> Any:
        return random_bits.gamma(key, alpha.astype(np.float64), self.shape, self.dtype.np)  # type: ignore[arg-type]


class RandomPoisson(RandomOp):
    """Poisson(lam) counts in any number dtype; ``lam`` broadcasts to ``shape``."""

    vjp = NotDifferentiable("counts are integers")

    def check(self, *parameters: TensorType) -> None:
        _check_parameters(self, parameters, 1, self.shape)

    def kernel(self, key: Array, lam: Array) -> Any:
        return random_bits.poisson(key, lam.astype(np.float64), self.shape, self.dtype.np)  # type: ignore[arg-type]


class RandomBinomial(RandomOp):
    """Successes among ``counts`` trials of probability ``probs``; both broadcast to ``shape``."""

    vjp = NotDifferentiable("counts are integers")

    def check(self, *parameters: TensorType) -> None:
        _check_parameters(self, parameters, 2, self.shape)

    def kernel(self, key: Array, counts: Array, probs: Array) -> Any:
        wide = counts.astype(np.int64), probs.astype(np.float64)
        return random_bits.binomial(key, *wide, self.shape, self.dtype.np)  # type: ignore[arg-type]


class SplitKey(Op):
    """``num`` independent child keys as int64[num, 2]."""

    num: int
    vjp = NotDifferentiable("keys are integers")

    def infer(self, key: TensorType) -> TensorType:
        check_key(self, key)
        return TensorType(int64, (self.num, 2))

    def kernel(self, key: Array) -> Any:
        return random_bits.split(key, self.num)


class FoldInKey(Op):
    """The child key of the number in the second operand (int64 scalar, not negative)."""

    vjp = NotDifferentiable("keys are integers")

    def infer(self, key: TensorType, data: TensorType) -> TensorType:
        check_key(self, key)
        if data != TensorType(int64, ()):
            raise DTypeError(f"fold_in_key: got data {data}, expected an int64 scalar; cast it")
        return KEY

    def kernel(self, key: Array, data: Array) -> Any:
        return random_bits.fold_in(key, int(data))


def check_key(op: Op, key: TensorType) -> None:
    """Raises DTypeError when an operand is no key."""
    if key != KEY:
        raise DTypeError(f"{op.name}: got a key {key}, expected {KEY}, [seed, counter]; cast the seed to int64")


def _require_float(op: Op, dtype: DType) -> None:
    if not dtype.is_floating:
        raise DTypeError(f"{op.name}: got dtype {dtype.name}, expected float16, bfloat16, float32 or float64; draw "
                         "float32 and cast, or draw integers with uniform(..., maxval=, dtype=)")  # fmt: skip


def _require_integer(op: Op, dtype: DType) -> None:
    if not dtype.is_integer:
        raise DTypeError(f"{op.name}: got dtype {dtype.name}, expected an integer dtype")


def _check_sizes(op: Op, shape: Shape) -> None:
    negative = [d for d in shape if dims.known_ge(d, 0) is False]
    if negative:
        raise ShapeError(f"{op.name}: shape {_shown(shape)} has the negative size {negative[0]}")


def _check_parameters(op: RandomOp, parameters: tuple[TensorType, ...], count: int, shape: Shape) -> None:
    if len(parameters) != count or not all(p.dtype.is_numeric and not p.dtype.is_complex for p in parameters):
        raise DTypeError(f"{op.name}: got parameters {', '.join(map(str, parameters))}, expected {count} of numbers")
    if op.dtype.kind not in "iuf":
        raise DTypeError(f"{op.name}: got dtype {op.dtype.name}, expected an integer or float dtype")
    for parameter in parameters:
        _check_broadcasts(op, parameter, shape)


def _check_broadcasts(op: Op, parameter: TensorType, shape: Shape) -> None:
    try:
        fits = dims.broadcast_shapes(parameter.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{op.name}: a parameter of {parameter} does not broadcast to the shape {_shown(shape)}; add "
                         "axes of size 1, or draw a larger shape")  # fmt: skip


def _shown(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


# --- keys ------------------------------------------------------------------------------------------------------------


def advance_key(key: Operand) -> Operand:
    """The key of the next draw: the counter moved on by one."""
    return add(key, constant(_STEP))


def split_key(key: Any, num: int = 2) -> Operand:
    """``num`` independent child keys, int64[num, 2]. Raises ArgumentError when ``num`` is below 1."""
    if num < 1:
        raise ArgumentError(f"split: got num={num}, expected at least 1")
    return bind(SplitKey(int(num)), lift(key))


def fold_in_key(key: Any, data: Any) -> Operand:
    """The child key number ``data`` (an integer scalar >= 0) of a key."""
    return bind(FoldInKey(), lift(key), cast(lift(data, int64), int64))


# --- draws -----------------------------------------------------------------------------------------------------------


def uniform(key: Any, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32) -> Operand:
    """Numbers uniform in [minval, maxval): floats with bounds that broadcast to ``shape`` (default 0 and 1), or
    integers with scalar bounds.

    Raises ArgumentError when integers lack ``maxval`` or the interval is empty, DTypeError for other dtypes.
    """
    wanted, sizes = as_dtype(dtype), resolve_shape(shape)
    if wanted.is_integer:
        return _uniform_int(lift(key), sizes, minval, maxval, wanted)
    low, high = 0 if minval is None else minval, 1 if maxval is None else maxval
    drawn = bind(RandomUniform(sizes, wanted), lift(key))
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        return shifted(drawn, high - low, low)
    bound = lift(low, wanted)
    return add(mul(drawn, sub(lift(high, wanted), bound)), bound)


def shifted(draws: Operand, scale: Any, shift: Any) -> Operand:
    """``draws * scale + shift``, without the steps that change nothing."""
    scaled = draws if _is_number(scale, 1) else mul(draws, scale)
    return scaled if _is_number(shift, 0) else add(scaled, shift)


def _is_number(value: Any, number: int) -> bool:
    return isinstance(value, (int, float)) and value == number


def _uniform_int(key: Operand, sizes: Shape, minval: Any, maxval: Any, dtype: DType) -> Operand:
    if maxval is None:
        raise ArgumentError(f"uniform: integers ({dtype.name}) need maxval, e.g. maxval=10 "
                            "(for all values of the dtype use uniform_full_int)")  # fmt: skip
    if isinstance(minval, int) and isinstance(maxval, int) and minval >= maxval:
        raise ArgumentError(f"uniform: got minval={minval} and maxval={maxval}, expected minval < maxval")
    return bind(RandomUniformInt(sizes, dtype), key, lift(minval, dtype), lift(maxval, dtype))


def uniform_full_int(key: Any, shape: Any, dtype: Any = int32) -> Operand:
    """Integers uniform over all values of the dtype."""
    return bind(RandomFullInt(resolve_shape(shape), as_dtype(dtype)), lift(key))


def normal(key: Any, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32) -> Operand:
    """Normal floats ``mean + stddev * z``; gradients flow to ``mean`` and ``stddev``, which broadcast to ``shape``."""
    return shifted(bind(RandomNormal(resolve_shape(shape), as_dtype(dtype)), lift(key)), stddev, mean)


def truncated_normal(key: Any, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32) -> Operand:
    """Normal floats within two standard deviations of the mean."""
    return shifted(bind(RandomTruncatedNormal(resolve_shape(shape), as_dtype(dtype)), lift(key)), stddev, mean)


def bernoulli(key: Any, shape: Any, probability: Any) -> Operand:
    """bool, true with ``probability`` (broadcast to ``shape``; its resolution is 2**-24)."""
    return bind(RandomBernoulli(resolve_shape(shape)), lift(key), cast(lift(probability, float32), float32))


def permutation(key: Any, count: Dim) -> Operand:
    """0 .. count - 1 in random order, int64."""
    return bind(RandomPermutation((count,), int64), lift(key))


def shuffle(key: Any, x: Any) -> Operand:
    """The rows (slices along the first axis) of ``x`` in random order. Raises ShapeError for a scalar."""
    operand = lift(x)
    if not rank_of(operand):
        raise ShapeError("shuffle: got a scalar, expected at least one axis; its rows are shuffled")
    return gather(operand, permutation(key, shape_of(operand)[0]), 0)


def categorical(key: Any, logits: Any, num_samples: Any, dtype: Any = int64) -> Operand:
    """``num_samples`` class numbers per row of the unnormalised log-probabilities (..., classes)."""
    return bind(RandomCategorical(resolve_shape(num_samples), as_dtype(dtype)), lift(key), lift(logits, float32))


def gamma(key: Any, shape: Any, alpha: Any, dtype: Any = float32) -> Operand:
    """Gamma(alpha, 1) floats; ``alpha`` > 0 broadcasts to ``shape``."""
    wanted = as_dtype(dtype)
    return bind(RandomGamma(resolve_shape(shape), wanted), lift(key), lift(alpha, wanted))


def poisson(key: Any, shape: Any, lam: Any, dtype: Any = float32) -> Operand:
    """Poisson counts of mean ``lam`` >= 0, which broadcasts to ``shape``."""
    return bind(RandomPoisson(resolve_shape(shape), as_dtype(dtype)), lift(key), lift(lam, float32))


def binomial(key: Any, shape: Any, counts: Any, probs: Any, dtype: Any = int32) -> Operand:
    """Successes among ``counts`` trials of probability ``probs``, which broadcast to ``shape``."""
    operands = lift(key), lift(counts, float64), lift(probs, float64)
    return bind(RandomBinomial(resolve_shape(shape), as_dtype(dtype)), *operands)


def scaled_mask(key: Any, shape: Any, rate: Any, dtype: DType) -> Operand:
    """0 with probability ``rate``, else 1 / (1 - rate): what dropout multiplies with."""
    keep = 1.0 - rate if isinstance(rate, (int, float)) else sub(1.0, cast(lift(rate, float32), float32))
    kept = cast(bernoulli(key, shape, keep), dtype)
    if isinstance(keep, float):
        return mul(kept, 1.0 / keep)
    return mul(kept, cast(div(1.0, keep), dtype))
