"""Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from graphc.keras.initializers import Constant
from graphc.keras.optimizers.fused import FusedOptimizer
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.ops.optim import AdagradUpdate, OptimizerUpdate

__all__ = ["Adagrad"]


class Adagrad(FusedOptimizer):
    """Duchi et al., 2011: steps divided by the root of the sum of all squared gradients so far."""

    config_keys = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
        self._sums: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        initial = Constant(self.initial_accumulator_value)
        self._sums = self.add_optimizer_variables(variables, "accumulator", initial)

    def update_op(self) -> OptimizerUpdate:
        return AdagradUpdate(self.epsilon)

    def slots_of(self, variable: Variable) -> list[Variable]:
        return [self._sums[self._get_variable_index(variable)]]
