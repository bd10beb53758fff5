"""Optimizer updates: one op per parameter and step, so that executors can run it as one pass over memory.

All updates follow Keras' formulas. Scalars that change per step (learning rate and bias correction) are
operands. The gradient gets :func:`guard` added where it enters a decaying average: averages of a gradient
that stays 0 would otherwise shrink into denormal numbers, which processors compute many times slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np

from graphc_ir import dims
from graphc_ir.dtypes import DType, bfloat16, float32, of_numpy
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Array, NotDifferentiable, Op, Operand, bind, dtype_of, lift
from graphc_ir.ops.elementwise import add, check_kind, div, mul, sqrt, square, sub
from graphc_ir.types import TensorType

_BLOCK: Final = 65536  # elements: enough to hide the cost of the calls, few enough to stay in the caches
_GUARDS: Final = {float32: 1e-17, bfloat16: 1e-17}


def guard(dtype: DType) -> float:
    """What is added to gradients: far below the precision of a useful gradient, its square still a normal
    number."""
    return _GUARDS.get(dtype, 0.0)


class OptimizerUpdate(Op, abstract=True):
    """Operands: the parameter, its slots (``slots`` of them), its gradient, then scalars. Results: the new
    parameter and slots."""

    slots: ClassVar[int] = 0
    scalars: ClassVar[tuple[str, ...]] = ("learning rate",)
    required_scalars: ClassVar[int] = 1
    vjp = NotDifferentiable("an optimizer's update is no part of a model; differentiate the loss instead")

    @property
    def num_results(self) -> int:
        return 1 + self.slots

    def infer(self, *types: TensorType) -> Any:
        check_kind(self, "f", *types)
        tensors, scalars = types[: self.slots + 2], types[self.slots + 2 :]
        if not self.required_scalars <= len(types) - self.slots - 2 <= len(self.scalars):
            raise ShapeError(f"{self.name} takes a parameter, {self.slots} slots, a gradient and the scalars "
                             f"{', '.join(self.scalars)}; got {len(types)} operands")  # fmt: skip
        for other in tensors[1:]:
            self._require_same(tensors[0], other)
        for what, scalar in zip(self.scalars, scalars, strict=False):
            if scalar.shape != ():
                raise ShapeError(f"{self.name}: the {what} must be a scalar, got {scalar}")
        return types[: self.slots + 1] if self.slots else types[0]

    def _require_same(self, parameter: TensorType, other: TensorType) -> None:
        try:
            if parameter.rank != other.rank:
                raise ValueError("ranks differ")
            for a, b in zip(parameter.shape, other.shape, strict=True):
                dims.require_equal(a, b, "sizes")
        except ValueError as error:
            raise ShapeError(f"{self.name}: parameter {parameter}, slots and gradient must have one shape, "
                             f"got "
                             f"{other}: {error}") from error  # fmt: skip

    def kernel(self, *arrays: Any, out: Sequence[Array] | None = None) -> Any:
        """Computes block by block. ``out`` gives one contiguous array per result; each may be the operand
        that it replaces (an update in place)."""
        count = self.slots + 2
        parameter = arrays[0]
        results = [np.empty(parameter.shape, parameter.dtype) for _ in range(count - 1)] if out is None else list(out)
        if parameter.size <= _BLOCK:
            spare = np.empty((2, *parameter.shape), parameter.dtype)
            self.block(list(arrays[:count]), arrays[count:], results, spare[0, ...], spare[1, ...])
        else:
            self._update_blocks(arrays[:count], arrays[count:], results)
        return tuple(results) if self.slots else results[0]

    def _update_blocks(self, tensors: Sequence[Array], scalars: Sequence[Any], results: Sequence[Array]) -> None:
        flat = [np.ascontiguousarray(a).reshape(-1) for a in tensors]
        targets = [_flat_view(self, r) for r in results]
        spare = np.empty((2, _BLOCK), flat[0].dtype)
        for start in range(0, flat[0].size, _BLOCK):
            part = slice(start, start + _BLOCK)
            parts = [a[part] for a in flat]
            size = parts[0].size
            self.block(parts, scalars, [t[part] for t in targets], spare[0, :size], spare[1, :size])

    def block(self, operands: list[Array], scalars: Sequence[Any], out: list[Array], t: Array, u: Array) -> None:
        """Updates one block. ``out`` may share memory with the operand of the same position; ``t`` and ``u``
        are scratch."""
        raise NotImplementedError


def _flat_view(op: Op, array: Array) -> Array:
    if not array.flags.c_contiguous:
        raise ShapeError(f"{op.name}: the array for a result of shape {array.shape} must be contiguous")
    return array.reshape(-1)


class SgdUpdate(OptimizerUpdate):
    """parameter - rate * gradient: (parameter, gradient, rate) -> parameter."""

    def block(self, operands: list[Array], scalars: Sequence[Any], out: list[Array], t: Array, u: Array) -> None:
        parameter, gradient = operands
        np.subtract(parameter, np.multiply(gradient, scalars[0], out=t), out=out[0])

    def decompose(self, parameter: Operand, gradient: Operand, rate: Operand) -> Operand:
        return sub(parameter, mul(gradient, rate))


class MomentumUpdate(OptimizerUpdate):
    """Gradient descent with momentum: (parameter, velocity, gradient, rate) -> (parameter, velocity).

    velocity' = momentum * velocity - rate * gradient; the parameter moves by velocity', or with ``nesterov``
    by momentum * velocity' - rate * gradient.
    """

    momentum: float
    nesterov: bool
    slots: ClassVar[int] = 1

    def block(self, operands: list[Array], scalars: Sequence[Any], out: list[Array], t: Array, u: Array) -> None:
        parameter, velocity, gradient = operands
        np.add(gradient, gradient.dtype.type(guard(of_numpy(gradient.dtype))), out=t)
        t *= scalars[0]
        momentum = t.dtype.type(self.momentum)
        np.subtract(np.multiply(velocity, momentum, out=u), t, out=out[1])
        step = np.subtract(np.multiply(out[1], momentum, out=u), t, out=u) if self.nesterov else out[1]
        np.add(parameter, step, out=out[0])

    def decompose(self, parameter: Operand, velocity: Operand, gradient: Operand, rate: Operand) -> Any:
        scaled = mul(guarded(gradient), rate)
        moved = sub(mul(velocity, self.momentum), scaled)
        step = sub(mul(moved, self.momentum), scaled) if self.nesterov else moved
        return add(parameter, step), moved


class AdamUpdate(OptimizerUpdate):
    """(parameter, m, v, gradient, rate[, decay]) -> (parameter, m, v).

    m' = m + (g - m) (1 - beta_1); v' = v + (g^2 - v) (1 - beta_2);
    parameter' = parameter (1 - decay) - rate m' / (sqrt(v') + epsilon).

    ``rate`` carries the bias correction: learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t). ``decay`` is
    learning_rate * weight_decay (AdamW), absent in plain Adam.
    """

    beta_1: float
    beta_2: float
    epsilon: float
    slots: ClassVar[int] = 2
    scalars: ClassVar[tuple[str, ...]] = ("learning rate", "weight decay")

    def __post_init__(self) -> None:
        if not (0 <= self.beta_1 < 1 and 0 <= self.beta_2 < 1):
            raise ArgumentError(f"Adam's beta_1={self.beta_1} and beta_2={self.beta_2} must lie in [0, 1)")

    def block(self, operands: list[Array], scalars: Sequence[Any], out: list[Array], t: Array, u: Array) -> None:
        parameter, m, v, gradient = operands
        kind = t.dtype.type
        np.add(gradient, kind(guard(of_numpy(gradient.dtype))), out=t)
        np.subtract(t, m, out=u)
        u *= kind(1 - self.beta_1)
        np.add(m, u, out=out[1])
        np.square(t, out=t)
        t -= v
        t *= kind(1 - self.beta_2)
        np.add(v, t, out=out[2])
        np.sqrt(out[2], out=u)
        u += kind(self.epsilon)
        np.divide(out[1], u, out=t)
        t *= scalars[0]
        for decay in scalars[1:]:
            parameter = np.subtract(parameter, np.multiply(parameter, decay, out=u), out=u)
        np.subtract(parameter, t, out=out[0])

    def decompose(
        self, parameter: Operand, m: Operand, v: Operand, gradient: Operand, rate: Operand, *decay: Operand
    ) -> Any:
        # The gradient enters scaled: a matrix product that makes it can do the scaling and the guard itself.
        share = 1 - self.beta_1
        amount = guard(dtype_of(gradient)) * share
        scaled = add(mul(gradient, share), amount) if amount else mul(gradient, share)
        first = add(mul(m, self.beta_1), scaled)
        second = add(mul(v, self.beta_2), mul(square(scaled), (1 - self.beta_2) / share**2))
        step = mul(div(first, add(sqrt(second), self.epsilon)), rate)
        for factor in decay:
            parameter = sub(parameter, mul(parameter, factor))
        return sub(parameter, step), first, second


class RmspropUpdate(OptimizerUpdate):
    """(parameter, v, gradient, rate) -> (parameter, v): v' = rho v + (1 - rho) g^2;
    parameter' = parameter - rate g / sqrt(v' + epsilon)."""

    rho: float
    epsilon: float
    slots: ClassVar[int] = 1

    def block(self, operands: list[Array], scalars: Sequence[Any], out: list[Array], t: Array, u: Array) -> None:
        parameter, v, gradient = operands
        kind = t.dtype.type
        np.add(gradient, kind(guard(of_numpy(gradient.dtype))), out=t)
        np.square(t, out=u)
        u *= kind(1 - self.rho)
        np.add(np.multiply(v, kind(self.rho), out=out[1]), u, out=out[1])
        np.add(out[1], kind(self.epsilon), out=u)
        np.sqrt(u, out=u)
        t *= scalars[0]
        t /= u
        np.subtract(parameter, t, out=out[0])

    def decompose(self, parameter: Operand, v: Operand, gradient: Operand, rate: Operand) -> Any:
        g = guarded(gradient)
        second = add(mul(v, self.rho), mul(square(g), 1 - self.rho))
        return sub(parameter, div(mul(g, rate), sqrt(add(second, self.epsilon)))), second


class AdagradUpdate(OptimizerUpdate):
    """(parameter, accumulator, gradient, rate) -> (parameter, accumulator): a' = a + g^2;
    parameter' = parameter - rate g / sqrt(a' + epsilon)."""

    epsilon: float
    slots: ClassVar[int] = 1

    def block(self, operands: list[Array], scalars: Sequence[Any], out: list[Array], t: Array, u: Array) -> None:
        parameter, accumulator, gradient = operands
        np.add(accumulator, np.square(gradient, out=u), out=out[1])
        np.add(out[1], u.dtype.type(self.epsilon), out=u)
        np.sqrt(u, out=u)
        np.multiply(gradient, scalars[0], out=t)
        t /= u
        np.subtract(parameter, t, out=out[0])

    def decompose(self, parameter: Operand, accumulator: Operand, gradient: Operand, rate: Operand) -> Any:
        total = add(accumulator, square(gradient))
        return sub(parameter, div(mul(gradient, rate), sqrt(add(total, self.epsilon)))), total


def guarded(gradient: Operand) -> Operand:
    """The gradient as decaying averages take it."""
    amount = guard(dtype_of(gradient))
    return add(gradient, amount) if amount else gradient


# --- public functions ---------------------------------------------------------------------------------------


def _operands(parameter: Any, others: Sequence[Any]) -> list[Operand]:
    first = lift(parameter)
    dtype = dtype_of(first)
    return [first, *[lift(o, dtype) for o in others]]


def sgd_update(parameter: Any, gradient: Any, learning_rate: Any) -> Operand:
    """The parameter after one step of gradient descent."""
    return bind(SgdUpdate(), *_operands(parameter, (gradient, learning_rate)))


def momentum_update(
    parameter: Any, velocity: Any, gradient: Any, learning_rate: Any, momentum: float, nesterov: bool = False
) -> tuple[Operand, Operand]:
    """Parameter and velocity after one step; see :class:`MomentumUpdate`."""
    op = MomentumUpdate(float(momentum), bool(nesterov))
    result: tuple[Operand, Operand] = bind(op, *_operands(parameter, (velocity, gradient, learning_rate)))
    return result


def adam_update(
    parameter: Any,
    m: Any,
    v: Any,
    gradient: Any,
    corrected_rate: Any,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    decay: Any = None,
) -> tuple[Operand, Operand, Operand]:
    """Parameter and moments after one step. ``corrected_rate`` is lr * sqrt(1 - beta_2^t) / (1 - beta_1^t),
    ``decay`` is lr * weight_decay; both scalars. See :class:`AdamUpdate`."""
    op = AdamUpdate(float(beta_1), float(beta_2), float(epsilon))
    scalars = (corrected_rate,) if decay is None else (corrected_rate, decay)
    operands = _operands(parameter, (m, v, gradient, *scalars))
    result: tuple[Operand, Operand, Operand] = bind(op, *operands)
    return result


def rmsprop_update(
    parameter: Any, v: Any, gradient: Any, learning_rate: Any, rho: float = 0.9, epsilon: float = 1e-7
) -> tuple[Operand, Operand]:
    """Parameter and mean square after one step; see :class:`RmspropUpdate`."""
    op = RmspropUpdate(float(rho), float(epsilon))
    result: tuple[Operand, Operand] = bind(op, *_operands(parameter, (v, gradient, learning_rate)))
    return result


def adagrad_update(
    parameter: Any, accumulator: Any, gradient: Any, learning_rate: Any, epsilon: float = 1e-7
) -> tuple[Operand, Operand]:
    """Parameter and sum of squares after one step; see :class:`AdagradUpdate`."""
    op = AdagradUpdate(float(epsilon))
    result: tuple[Operand, Operand] = bind(op, *_operands(parameter, (accumulator, gradient, learning_rate)))
    return result
