"""LAMB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.gradients import flushed
from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, div, greater, mul, select, sqrt, square, sub
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.reduction import reduce_sum

__all__ = ["Lamb"]


class Lamb(Optimizer):
    """You et al., 2019, for large batches: Adam's direction, with the length of the weight it belongs to."""

    config_keys = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ("momentum", "velocity"))

    def step_scalars(self, learning_rate: Any, step: Callable[[], Any]) -> tuple[Any, ...]:
        """The rate, and the bias corrections of both averages."""
        t = step()
        return learning_rate, 1 - self.beta_1**t, 1 - self.beta_2**t

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate, first, second = self.scalars_for(variable, learning_rate)
        i = self._get_variable_index(variable)
        m = flushed(_moved(self._momentums[i], gradient, self.beta_1))
        v = flushed(_moved(self._velocities[i], square(gradient), self.beta_2))
        direction = div(div(m, first), add(sqrt(div(v, second)), self.epsilon))
        step = mul(direction, mul(_trust_ratio(variable, direction), rate))
        store([variable, self._momentums[i], self._velocities[i]], [sub(variable, step), m, v])


def _moved(average: Variable, value: Operand, beta: float) -> Operand:
    return add(average, mul(sub(value, average), 1 - beta))


def _trust_ratio(variable: Variable, direction: Operand) -> Operand:
    """The weight's length over the direction's; 1 if either is 0."""
    weight, length = (sqrt(reduce_sum(square(x))) for x in (variable, direction))
    return select(logical_and(greater(weight, 0), greater(length, 0)), div(weight, length), 1)
