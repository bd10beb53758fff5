"""Nadam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Unpack

from graphc.keras.config import floatx
from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.dtypes import as_dtype, float32
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, cast, div, mul, sqrt, square, sub
from graphc_ir.ops.optim import guarded

__all__ = ["Nadam"]

_MOMENTUM_DECAY: Final = 0.96


class Nadam(Optimizer):
    """Dozat, 2016: Adam with Nesterov momentum, whose weight grows with the steps."""

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
        dtype = variables[0].dtype if variables else floatx()
        self._product = self.add_variable((), "ones", dtype, name="u_product")

    def begin_update(self, variables: Sequence[Variable], learning_rate: Operand) -> None:
        super().begin_update(variables, learning_rate)
        step = cast(add(self.iterations, 1), float32)
        self._product.assign(mul(self._product, cast(self._momentum(step), self._product.dtype)))

    def _momentum(self, step: Any) -> Any:
        return self.beta_1 * (1 - 0.5 * _MOMENTUM_DECAY**step)

    def step_scalars(self, learning_rate: Any, step: Callable[[], Any]) -> tuple[Any, ...]:
        """The rates of the first average and of the gradient, and the second average's bias correction."""
        t = step()
        now, later = self._momentum(t), self._momentum(t + 1)
        product = cast(self._product, as_dtype(learning_rate.dtype))
        of_average = learning_rate * later / (1 - product * later)
        of_gradient = learning_rate * (1 - now) / (1 - product)
        return of_average, of_gradient, 1 - self.beta_2**t

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        of_average, of_gradient, correction = self.scalars_for(variable, learning_rate)
        i = self._get_variable_index(variable)
        g = guarded(gradient)
        m = add(self._momentums[i], mul(sub(g, self._momentums[i]), 1 - self.beta_1))
        v = add(self._velocities[i], mul(sub(square(g), self._velocities[i]), 1 - self.beta_2))
        direction = add(mul(m, of_average), mul(g, of_gradient))
        step = div(direction, add(sqrt(div(v, correction)), self.epsilon))
        store([variable, self._momentums[i], self._velocities[i]], [sub(variable, step), m, v])
