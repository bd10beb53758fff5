"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.fused import FusedOptimizer
from graphc.keras.optimizers.optimizer import store
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, div, mul, sqrt, square, sub
from graphc_ir.ops.optim import OptimizerUpdate, RmspropUpdate, guarded

__all__ = ["RMSprop"]


class RMSprop(FusedOptimizer):
    """Hinton, 2012: steps divided by the root of a running average of the squared gradient.

    ``centered`` uses the gradient's variance in its place; ``momentum`` is that of the steps.
    """

    config_keys = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self._velocities: list[Variable] = []
        self._momentums: list[Variable] = []
        self._averages: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        if self.momentum > 0:
            self._momentums = self.add_optimizer_variables(variables, "momentum")
        if self.centered:
            self._averages = self.add_optimizer_variables(variables, "average_gradient")

    def update_op(self) -> OptimizerUpdate | None:
        return None if self._momentums or self._averages else RmspropUpdate(self.rho, self.epsilon)

    def slots_of(self, variable: Variable) -> list[Variable]:
        return [self._velocities[self._get_variable_index(variable)]]

    def update_by_ops(self, gradient: Operand, variable: Variable, scalars: tuple[Operand, ...]) -> None:
        (rate,) = scalars
        i = self._get_variable_index(variable)
        g = guarded(gradient)
        step = div(mul(g, rate), sqrt(add(self._spread(g, i), self.epsilon)))
        if self._momentums:
            step = add(mul(self._momentums[i], self.momentum), step)
            store([self._momentums[i]], [step])
        store([variable], [sub(variable, step)])

    def _spread(self, gradient: Operand, i: int) -> Operand:
        """The mean square of the gradient or its variance, after moving the averages."""
        square_mean = self._moved(self._velocities[i], square(gradient))
        if not self._averages:
            return square_mean
        return sub(square_mean, square(self._moved(self._averages[i], gradient)))

    def _moved(self, average: Variable, value: Operand) -> Operand:
        moved = add(mul(average, self.rho), mul(value, 1 - self.rho))
        store([average], [moved])
        return moved
