"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.fused import FusedOptimizer
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.optim import MomentumUpdate, OptimizerUpdate, SgdUpdate

__all__ = ["SGD"]


class SGD(FusedOptimizer):
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

    def update_op(self) -> OptimizerUpdate:
        return MomentumUpdate(self.momentum, self.nesterov) if self._momentums else SgdUpdate()

    def slots_of(self, variable: Variable) -> list[Variable]:
        return [self._momentums[self._get_variable_index(variable)]] if self._momentums else []
