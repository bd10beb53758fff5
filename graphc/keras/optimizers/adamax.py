"""Adamax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.ops.arithmetic import abs_real
from graphc_ir.ops.elementwise import add, div, maximum, mul, sub
from graphc_ir.ops.optim import guarded

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Kingma and Ba, 2014, section 7: Adam scaled by a decaying maximum of the gradient's size."""

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
        self._norms: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._norms = self.add_optimizer_variables(variables, ("momentum", "norm"))

    def step_scalars(self, learning_rate: Any, step: Callable[[], Any]) -> tuple[Any, ...]:
        """The rate with the bias correction of the first average."""
        return (learning_rate / (1 - self.beta_1 ** step()),)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        (rate,) = self.scalars_for(variable, learning_rate)
        i = self._get_variable_index(variable)
        g = guarded(gradient)
        m = add(self._momentums[i], mul(sub(g, self._momentums[i]), 1 - self.beta_1))
        norm = maximum(mul(self._norms[i], self.beta_2), abs_real(g))
        step = div(mul(m, rate), add(norm, self.epsilon))
        store([variable, self._momentums[i], self._norms[i]], [sub(variable, step), m, norm])
