"""Lion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.gradients import flushed
from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import sign
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, mul, sub

__all__ = ["Lion"]


class Lion(Optimizer):
    """Chen et al., 2023: steps of one size, in the direction of the sign of an averaged gradient.

    Wants a learning rate 3 to 10 times smaller than Adam's. Raises ArgumentError unless ``beta_1`` lies in (0, 1].
    """

    config_keys = ("beta_1", "beta_2")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **options: Unpack[Options]
    ) -> None:
        super().__init__(learning_rate, **options)
        if not 0 < beta_1 <= 1:
            raise ArgumentError(f"beta_1 must lie in (0, 1], got {beta_1}; without momentum, use SGD")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self._momentums: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        (rate,) = self.scalars_for(variable, learning_rate)
        momentum = self._momentums[self._get_variable_index(variable)]
        direction = sign(_mixed(momentum, gradient, self.beta_1))
        averaged = flushed(_mixed(momentum, gradient, self.beta_2))
        store([variable, momentum], [sub(variable, mul(direction, rate)), averaged])


def _mixed(average: Variable, gradient: Operand, beta: float) -> Operand:
    return add(mul(average, beta), mul(gradient, 1 - beta))
