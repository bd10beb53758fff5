"""FTRL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from graphc.keras.initializers import Constant
from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import clip_by_value, pow
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, div, mul, sqrt, square, sub

__all__ = ["Ftrl"]


class Ftrl(Optimizer):
    """McMahan et al., 2013 ("follow the regularized leader"): sparse linear models by L1 and L2 regularization.

    ``l2_shrinkage_regularization_strength`` adds to the gradient only, ``beta`` to the denominator. Raises
    ArgumentError for a negative strength or initial value, or a positive ``learning_rate_power``.
    """

    config_keys = (
        "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength",
        "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta",
    )  # fmt: skip

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        self._check()
        self._sums: list[Variable] = []
        self._linears: list[Variable] = []

    def _check(self) -> None:
        for name in self.config_keys[1:5]:
            if getattr(self, name) < 0:
                raise ArgumentError(f"{name} must not be negative, got {getattr(self, name)}")
        if self.learning_rate_power > 0:
            raise ArgumentError(f"learning_rate_power must not be positive, got {self.learning_rate_power}")

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        initial = [Constant(self.initial_accumulator_value), "zeros"]
        self._sums, self._linears = self.add_optimizer_variables(variables, ("accumulator", "linear"), initial)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        (rate,) = self.scalars_for(variable, learning_rate)
        i = self._get_variable_index(variable)
        total = add(self._sums[i], square(gradient))
        root, grown = self._root(total), sub(self._root(total), self._root(self._sums[i]))
        shrunk = add(gradient, mul(variable, 2 * self.l2_shrinkage_regularization_strength))
        linear = add(self._linears[i], sub(shrunk, mul(div(grown, rate), variable)))
        quadratic = add(div(root, rate), self._doubled_l2(rate))
        limit = self.l1_regularization_strength
        updated = div(sub(clip_by_value(linear, -limit, limit), linear), quadratic)
        store([variable, self._sums[i], self._linears[i]], [updated, total, linear])

    def _root(self, squares: Any) -> Operand:
        power = -self.learning_rate_power
        return sqrt(squares) if power == 0.5 else pow(squares, power)

    def _doubled_l2(self, rate: Operand) -> Any:
        return add(div(self.beta, rate), 2 * self.l2_regularization_strength)
