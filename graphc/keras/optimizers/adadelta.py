"""Adadelta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, div, mul, sqrt, square, sub
from graphc_ir.ops.optim import guarded

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Zeiler, 2012: steps in proportion to the running size of past steps over that of past gradients."""

    config_keys = ("rho", "epsilon")

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **options: Unpack[Options]
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = rho
        self.epsilon = epsilon
        self._squares: list[Variable] = []
        self._steps: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        names = ("accumulated_grad", "accumulated_delta_var")
        self._squares, self._steps = self.add_optimizer_variables(variables, names)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        (rate,) = self.scalars_for(variable, learning_rate)
        i = self._get_variable_index(variable)
        g = guarded(gradient)
        squares = self._moved(self._squares[i], g)
        step = div(mul(self._root(self._steps[i]), g), self._root(squares))
        steps = self._moved(self._steps[i], step)
        store([variable, self._squares[i], self._steps[i]], [sub(variable, mul(step, rate)), squares, steps])

    def _moved(self, average: Variable, value: Operand) -> Operand:
        return add(mul(average, self.rho), mul(square(value), 1 - self.rho))

    def _root(self, mean_square: Any) -> Operand:
        return sqrt(add(mean_square, self.epsilon))
