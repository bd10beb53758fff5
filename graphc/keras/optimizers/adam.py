"""Adam."""

from __future__ import annotations

from typing import Any

from graphc.keras.optimizers.optimizer import Optimizer
from graphc.variable import Variable
from graphc_ir.ops.arithmetic import pow
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import cast, div, mul, sqrt, sub
from graphc_ir.ops.optim import adam_update


class Adam(Optimizer):
    """Kingma and Ba, 2014: steps scaled by running averages of the gradient and of its square."""

    slot_names = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate, name)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def step_factors(self, step: Operand) -> Operand:
        """The learning rate with the bias corrections of both averages."""
        first, second = sub(1, pow(self.beta_1, step)), sub(1, pow(self.beta_2, step))
        return mul(self._rate, div(sqrt(second), first))

    def update(self, gradient: Any, variable: Variable, slots: list[Variable], rate: Operand) -> None:
        m, v = slots
        scaled = cast(rate, variable.dtype)
        found = adam_update(variable, m, v, gradient, scaled, self.beta_1, self.beta_2, self.epsilon)
        self.assign_all([variable, *slots], found)
