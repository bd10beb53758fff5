"""Schedules along a cosine: once, with a warm-up, or with restarts."""

from __future__ import annotations

import math
from typing import Any

from graphc.keras.optimizers.schedules.schedule import LearningRateSchedule, as_float, check_steps
from graphc_ir.ops.arithmetic import floor, pow
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, cos, div, less, log, minimum, mul, select, sub

__all__ = ["CosineDecay", "CosineDecayRestarts"]


class CosineDecay(LearningRateSchedule):
    """Half a cosine wave down to the share ``alpha`` of the highest rate, over ``decay_steps``.

    With a ``warmup_target``, the rate first rises from ``initial_learning_rate`` to it in a line over
    ``warmup_steps``, and falls from there. Source: Loshchilov and Hutter, 2016.
    Raises ArgumentError unless ``decay_steps`` is positive.
    """

    config_keys = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        check_steps(decay_steps, "decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Operand:
        now, start = as_float(step), as_float(self.initial_learning_rate)
        if self.warmup_target is None:
            return self._decayed(now, start)
        target = as_float(self.warmup_target)
        decayed = self._decayed(sub(now, self.warmup_steps), target)
        if not self.warmup_steps:
            return decayed
        rising = add(mul(sub(target, start), div(now, self.warmup_steps)), start)
        return select(less(now, self.warmup_steps), rising, decayed)

    def _decayed(self, step: Operand, highest: Operand) -> Operand:
        share = div(minimum(step, self.decay_steps), self.decay_steps)
        return mul(highest, _between(_falling(share), self.alpha))


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine waves one after another: each ``t_mul`` times as long and ``m_mul`` times as high as the one before.

    The first takes ``first_decay_steps``; all end at the share ``alpha`` of ``initial_learning_rate``. Source:
    Loshchilov and Hutter, 2016. Raises ArgumentError unless ``first_decay_steps`` is positive.
    """

    config_keys = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        check_steps(first_decay_steps, "first_decay_steps")
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Operand:
        restarts, share = self._position(div(as_float(step), self.first_decay_steps))
        wave = mul(pow(as_float(self.m_mul), restarts), _falling(share))
        return mul(_between(wave, self.alpha), self.initial_learning_rate)

    def _position(self, periods: Operand) -> tuple[Operand, Operand]:
        """How many waves are over, and the share of the current one."""
        if self.t_mul == 1:
            whole = floor(periods)
            return whole, sub(periods, whole)
        ratio = as_float(self.t_mul)
        restarts = floor(div(log(sub(1, mul(periods, sub(1, ratio)))), log(ratio)))
        length = pow(ratio, restarts)
        before = div(sub(1, length), sub(1, ratio))
        return restarts, div(sub(periods, before), length)


def _falling(share: Operand) -> Operand:
    """From 1 to 0 along half a cosine wave, as ``share`` goes from 0 to 1."""
    return mul(add(cos(mul(share, math.pi)), 1), 0.5)


def _between(height: Operand, lowest: float) -> Operand:
    """1 for height 1, ``lowest`` for 0."""
    return add(mul(height, 1 - lowest), lowest)
