"""Adam, with the variants AMSGrad and AdamW."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.fused import FusedOptimizer
from graphc.keras.optimizers.optimizer import store
from graphc.keras.optimizers.options import CommonOptions, Options
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, div, maximum, mul, sqrt, square, sub
from graphc_ir.ops.optim import AdamUpdate, OptimizerUpdate, guarded

__all__ = ["Adam", "AdamW"]


class Adam(FusedOptimizer):
    """Kingma and Ba, 2014: steps scaled by running averages of the gradient and of its square.

    ``amsgrad`` (Reddi et al., 2018) scales by the largest average of the square so far.
    """

    config_keys = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []
        self._largest: list[Variable] = []
        # The op decays the weight itself, if nothing takes its place.
        self._decays = self._one_op and not amsgrad

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ("momentum", "velocity"))
        if self.amsgrad:
            self._largest = self.add_optimizer_variables(variables, "velocity_hat")

    def begin_update(self, variables: Sequence[Variable], learning_rate: Operand) -> None:
        if not self._decays:
            super().begin_update(variables, learning_rate)

    def step_scalars(self, learning_rate: Any, step: Callable[[], Any]) -> tuple[Any, ...]:
        """The rate with the bias corrections of both averages; and the share of a weight that decays."""
        t = step()
        corrected = learning_rate * ((1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t))
        if not self._decays or self.weight_decay is None:
            return (corrected,)
        return corrected, learning_rate * self.weight_decay

    def update_op(self) -> OptimizerUpdate | None:
        return None if self.amsgrad else AdamUpdate(self.beta_1, self.beta_2, self.epsilon)

    def slots_of(self, variable: Variable) -> list[Variable]:
        i = self._get_variable_index(variable)
        return [self._momentums[i], self._velocities[i]]

    def operands_for(self, variable: Variable, learning_rate: Any) -> tuple[Operand, ...]:
        scalars = self.scalars_for(variable, learning_rate)
        return scalars[:1] if self.decay_of(variable) is None else scalars

    def update_by_ops(self, gradient: Operand, variable: Variable, scalars: tuple[Operand, ...]) -> None:
        """AMSGrad."""
        slots = [*self.slots_of(variable), self._largest[self._get_variable_index(variable)]]
        m, v, largest = (slot.read_value() for slot in slots)
        g = guarded(gradient)
        m = add(m, mul(sub(g, m), 1 - self.beta_1))
        v = add(v, mul(sub(square(g), v), 1 - self.beta_2))
        largest = maximum(largest, v)
        step = div(mul(m, scalars[0]), add(sqrt(largest), self.epsilon))
        store([variable, *slots], [sub(variable, step), m, v, largest])


class AdamW(Adam):
    """Loshchilov and Hutter, 2017: Adam with weight decay apart from the gradient.

    Raises ArgumentError for ``weight_decay=None``.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[CommonOptions],
    ) -> None:
        if weight_decay is None:
            raise ArgumentError("AdamW needs a weight_decay, got None; without one, use Adam")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options)
