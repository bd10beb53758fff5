"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.optim import momentum_update, sgd_update

__all__ = ["SGD"]


class SGD(Optimizer):
    """``w -= learning_rate * gradient``, with optional (Nesterov) momentum.

    Raises ArgumentError unless ``momentum`` lies in [0, 1].
    """

    config_keys = ("momentum", "nesterov")

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **options: Unpack[Options]
    ) -> None:
        super().__init__(learning_rate, **options)
        if not 0 <= momentum <= 1:
            raise ArgumentError(f"momentum must lie in [0, 1], got {momentum}")
        self.momentum = momentum
        self.nesterov = nesterov
        self._momentums: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        if self.momentum:
            self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        (rate,) = self.scalars_for(variable, learning_rate)
        if not self._momentums:
            store([variable], [sgd_update(variable, gradient, rate)])
            return
        momentum = self._momentums[self._get_variable_index(variable)]
        updated = momentum_update(variable, momentum, gradient, rate, self.momentum, self.nesterov)
        store([variable, momentum], updated)
