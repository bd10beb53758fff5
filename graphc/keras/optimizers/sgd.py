"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from graphc.keras.optimizers.optimizer import Optimizer
from graphc.variable import Variable
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import cast
from graphc_ir.ops.optim import momentum_update, sgd_update


class SGD(Optimizer):
    """``w -= learning_rate * gradient``, with optional (Nesterov) momentum."""

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False, name: str | None = None
    ) -> None:
        super().__init__(learning_rate, name)
        self.momentum = momentum
        self.nesterov = nesterov
        self.slot_names = ("momentum",) if momentum else ()

    def update(self, gradient: Any, variable: Variable, slots: list[Variable], rate: Operand) -> None:
        scaled = cast(rate, variable.dtype)
        if not slots:
            variable.assign(sgd_update(variable, gradient, scaled))
            return
        found = momentum_update(variable, slots[0], gradient, scaled, self.momentum, self.nesterov)
        self.assign_all([variable, *slots], found)
