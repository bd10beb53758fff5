"""Adam, with the variants AMSGrad and AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.keras.optimizers.options import CommonOptions, Options
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import pow
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, cast, div, maximum, mul, sqrt, square, sub
from graphc_ir.ops.optim import adam_update, guarded

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
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
        # The update op decays the weight itself, unless another method takes its place.
        self._decays = not amsgrad and type(self).update_step is Adam.update_step

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

    def step_scalars(self, learning_rate: Operand) -> tuple[Operand, ...]:
        """The rate with the bias corrections of both averages; and the share of a weight that decays."""
        step = self.local_step(learning_rate.dtype)
        first, second = sub(1, pow(self.beta_1, step)), sub(1, pow(self.beta_2, step))
        corrected = mul(learning_rate, div(sqrt(second), first))
        if not self._decays or self.weight_decay is None:
            return (corrected,)
        return corrected, mul(learning_rate, self.weight_decay)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate, *decay = self.scalars_for(variable, learning_rate)
        i = self._get_variable_index(variable)
        m, v = self._momentums[i], self._velocities[i]
        if self.amsgrad:
            self._update_amsgrad(gradient, variable, rate, [m, v, self._largest[i]])
            return
        share = decay[0] if decay and self.decay_of(variable) is not None else None
        updated = adam_update(variable, m, v, gradient, rate, self.beta_1, self.beta_2, self.epsilon, share)
        store([variable, m, v], updated)

    def _update_amsgrad(self, gradient: Any, variable: Variable, rate: Operand, slots: list[Variable]) -> None:
        m, v, largest = (slot.read_value() for slot in slots)
        g = guarded(cast(gradient, variable.dtype))
        m = add(m, mul(sub(g, m), 1 - self.beta_1))
        v = add(v, mul(sub(square(g), v), 1 - self.beta_2))
        largest = maximum(largest, v)
        step = div(mul(m, rate), add(sqrt(largest), self.epsilon))
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
