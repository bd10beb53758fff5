"""Schedules that lower the learning rate by a power, a polynomial, a hyperbola or in stairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras.optimizers.schedules.schedule import LearningRateSchedule, as_float, check_steps
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import ceil, floor, pow
from graphc_ir.ops.base import Operand, lift
from graphc_ir.ops.elementwise import add, cast, div, less_equal, maximum, minimum, mul, select, sub

__all__ = ["ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay", "PolynomialDecay"]


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``; with ``staircase``, the exponent is a whole
    number.

    Raises ArgumentError unless ``decay_steps`` is positive.
    """

    config_keys = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        check_steps(decay_steps, "decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Operand:
        periods = _periods(step, self.decay_steps, self.staircase)
        return mul(pow(as_float(self.decay_rate), periods), self.initial_learning_rate)


class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``; with ``staircase``, the quotient is a whole
    number.

    Raises ArgumentError unless ``decay_steps`` is positive.
    """

    config_keys = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        check_steps(decay_steps, "decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Operand:
        periods = _periods(step, self.decay_steps, self.staircase)
        return div(as_float(self.initial_learning_rate), add(mul(periods, self.decay_rate), 1))


def _periods(step: Any, length: float, whole: bool) -> Operand:
    passed = div(as_float(step), length)
    return floor(passed) if whole else passed


class PolynomialDecay(LearningRateSchedule):
    """From ``initial_learning_rate`` to ``end_learning_rate`` by ``(1 - step / decay_steps) ** power``.

    Stays at the end, or with ``cycle`` starts anew over a span stretched to the next multiple of ``decay_steps``.
    Raises ArgumentError unless ``decay_steps`` is positive.
    """

    config_keys = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        check_steps(decay_steps, "decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Operand:
        span = sub(as_float(self.initial_learning_rate), self.end_learning_rate)
        left = pow(sub(1, self._share(as_float(step))), float(self.power))
        return add(mul(span, left), self.end_learning_rate)

    def _share(self, step: Operand) -> Operand:
        if not self.cycle:
            return div(minimum(step, self.decay_steps), self.decay_steps)
        return div(step, mul(maximum(ceil(div(step, self.decay_steps)), 1), self.decay_steps))


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[i]`` up to and including the step ``boundaries[i]``, the last value after the last boundary.

    Raises ArgumentError unless there is one value more than boundaries.
    """

    config_keys = ("boundaries", "values", "name")

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        if len(boundaries) != len(values) - 1:
            raise ArgumentError(f"{len(boundaries)} boundaries {list(boundaries)} part {len(boundaries) + 1} values, "
                                f"got {len(values)}: {list(values)}")  # fmt: skip
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Operand:
        operand, rate = lift(step), as_float(self.values[-1])
        for boundary, value in reversed(list(zip(self.boundaries, self.values, strict=False))):
            rate = select(less_equal(operand, cast(lift(boundary), operand.dtype)), value, rate)
        return rate
