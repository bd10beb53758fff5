"""What all optimizers share: the step count, the learning rate, slots per Variable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from graphc.mode import init_scope
from graphc.variable import Variable
from graphc_ir.dtypes import float32
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import cast


class Optimizer:
    """Base of optimizers. Subclasses say which slots a Variable needs and how one step updates it.

    The learning rate and the step count are Variables, so that a compiled step sees their changes.
    """

    slot_names: tuple[str, ...] = ()

    def __init__(self, learning_rate: float = 0.001, name: str | None = None) -> None:
        self.name = name or type(self).__name__.lower()
        self._iterations = Variable(np.int64(0), trainable=False, name=f"{self.name}/iteration")
        self._rate = Variable(np.float32(learning_rate), trainable=False, name=f"{self.name}/learning_rate")
        self._slots: dict[int, list[Variable]] = {}
        self._built: list[Variable] = []

    @property
    def iterations(self) -> Variable:
        """How many steps were applied, int64."""
        return self._iterations

    @property
    def learning_rate(self) -> Variable:
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._rate.assign(value)

    lr = learning_rate

    @property
    def variables(self) -> list[Variable]:
        """Step count, learning rate, then the slots of each Variable in turn."""
        return [self._iterations, self._rate, *(s for v in self._built for s in self._slots[id(v)])]

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the slots of these Variables, zeros of their shapes."""
        for variable in variables:
            if id(variable) in self._slots:
                continue
            with init_scope():
                self._slots[id(variable)] = [self._slot(variable, name) for name in self.slot_names]
            self._built.append(variable)

    def _slot(self, variable: Variable, name: str) -> Variable:
        zeros = np.zeros(tuple(variable.shape), variable.dtype.np)
        return Variable(zeros, trainable=False, name=f"{self.name}/{variable.name.removesuffix(':0')}_{name}")

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """One step. Pairs whose gradient is None are left out. Returns the step count.

        Raises ArgumentError when no pair has a gradient.
        """
        pairs = list(grads_and_vars)
        active = [(g, v) for g, v in pairs if g is not None]
        if not active:
            names = ", ".join(v.name for _, v in pairs) or "no Variables"
            raise ArgumentError(f"no gradients for {names}; compute the loss from them inside the GradientTape")
        self.build([v for _, v in active])
        self._iterations.assign_add(1)
        factors = self.step_factors(cast(self._iterations, float32))
        for gradient, variable in active:
            self.update(gradient, variable, self._slots[id(variable)], factors)
        return self._iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable]) -> Variable:
        """One step from gradients and Variables in the same order."""
        return self.apply_gradients(zip(grads, trainable_variables, strict=True))

    def step_factors(self, step: Operand) -> Operand:
        """The scalar that all updates of this step share; by default the learning rate."""
        return self._rate.value()

    def update(self, gradient: Any, variable: Variable, slots: list[Variable], rate: Operand) -> None:
        """Assigns the new value of one Variable and its slots."""
        raise NotImplementedError

    def assign_all(self, variables: Sequence[Variable], values: Any) -> None:
        """Assigns the results of an update op."""
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
