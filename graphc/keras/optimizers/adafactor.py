"""Adafactor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.keras.optimizers.options import Options
from graphc.variable import Variable
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, div, maximum, minimum, mul, sqrt, square, sub
from graphc_ir.ops.movement import expand_dims
from graphc_ir.ops.reduction import reduce_mean

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Shazeer and Stern, 2018: the average squared gradient of a matrix as the product of a row and a column.

    Steps are relative to the size of the weight, at least ``epsilon_2``; those whose root mean square exceeds
    ``clip_threshold`` are scaled down to it. The learning rate is at most ``1 / sqrt(step)``, whatever
    ``relative_step`` says.
    """

    config_keys = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step
        self._rows: list[Variable] = []
        self._columns: list[Variable] = []
        self._velocities: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        for variable in variables:
            rows, columns = self._factors(variable)
            self._rows.append(rows)
            self._columns.append(columns)
            self._velocities.append(self.add_variable_from_reference(variable, "velocity"))

    def _factors(self, variable: Variable) -> list[Variable]:
        shape, name = tuple(variable.shape), variable.path.rpartition("/")[2]
        if len(shape) < 2:  # Files of Keras hold two integers in their place.
            return [self.add_variable((), dtype="int32", name=name) for _ in range(2)]
        return [self.add_variable(s, dtype=variable.dtype, name=name) for s in (shape[:-1], (*shape[:-2], shape[-1]))]

    def step_scalars(self, learning_rate: Any, step: Callable[[], Any]) -> tuple[Any, ...]:
        """The bounded rate, and how much of the averages stays."""
        t = step()
        return minimum(learning_rate, t**-0.5), 1 - t**self.beta_2_decay

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate, kept = self.scalars_for(variable, learning_rate)
        i = self._get_variable_index(variable)
        squares = add(square(gradient), self.epsilon_1)
        if variable.ndim >= 2:
            rows = _moved(self._rows[i], kept, reduce_mean(squares, -1))
            columns = _moved(self._columns[i], kept, reduce_mean(squares, -2))
            store([self._rows[i], self._columns[i]], [rows, columns])
            share = div(rows, reduce_mean(rows, -1, keepdims=True))
            velocity = mul(expand_dims(share, -1), expand_dims(columns, -2))
        else:
            velocity = _moved(self._velocities[i], kept, squares)
        step = div(gradient, sqrt(velocity))
        step = div(step, maximum(div(_root_mean_square(step), self.clip_threshold), 1))
        size = mul(maximum(_root_mean_square(variable), self.epsilon_2), rate)
        store([variable, self._velocities[i]], [sub(variable, mul(step, size)), velocity])


def _moved(average: Variable, kept: Operand, value: Operand) -> Operand:
    return add(mul(average, kept), mul(value, sub(1, kept)))


def _root_mean_square(x: Any) -> Operand:
    return sqrt(reduce_mean(square(x)))
