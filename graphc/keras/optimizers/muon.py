"""Muon."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Unpack

from graphc.keras.optimizers.gradients import flushed
from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.keras.optimizers.options import CommonOptions
from graphc.variable import Variable
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, div, mul, sub
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import transpose
from graphc_ir.ops.optim import adam_update
from graphc_ir.ops.reduction import reduce_euclidean_norm

__all__ = ["Muon"]


class Muon(Optimizer):
    """Jordan et al., 2024: momentum for matrices, made nearly orthogonal by ``ns_steps`` Newton-Schulz iterations.

    All weights that are no matrices are updated by AdamW (the arguments ``adam_...`` and ``epsilon``); so are, with
    ``exclude_embeddings``, those with "embedding" in their path, and those whose path contains one of
    ``exclude_layers`` (regular expressions). ``muon_a``, ``muon_b``, ``muon_c``: the polynomial of the iteration.
    ``rms_rate`` scales a step of an n x m matrix by ``rms_rate * sqrt(max(n, m))``, which makes Adam's learning rate
    fit (Liu et al., 2025); None leaves it.
    """

    config_keys = (
        "adam_beta_1", "adam_beta_2", "epsilon", "exclude_layers", "muon_a", "muon_b", "muon_c", "adam_lr_ratio",
        "momentum", "ns_steps", "nesterov", "exclude_embeddings", "adam_weight_decay", "rms_rate",
    )  # fmt: skip

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **options: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers or ())
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate
        self._momentums: list[Variable] = []
        self._velocities: dict[Variable, Variable] = {}

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        for variable in variables:
            self._momentums.append(self.add_variable_from_reference(variable, "momentum"))
            if self._needs_adam(variable):
                self._velocities[variable] = self.add_variable_from_reference(variable, "velocity")

    def _needs_adam(self, variable: Variable) -> bool:
        if variable.ndim != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def decay_of(self, variable: Variable) -> float | None:
        if self._is_spared(variable):
            return None
        return self.adam_weight_decay if self._needs_adam(variable) else self.weight_decay

    def step_scalars(self, learning_rate: Any, step: Callable[[], Any]) -> tuple[Any, ...]:
        """The rate of matrices, and that of Adam with its bias corrections."""
        t = step()
        correction = (1 - self.adam_beta_2**t) ** 0.5 / (1 - self.adam_beta_1**t)
        return learning_rate, learning_rate * self.adam_lr_ratio * correction

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rate, of_adam = self.scalars_for(variable, learning_rate)
        momentum = self._momentums[self._get_variable_index(variable)]
        velocity = self._velocities.get(variable)
        if velocity is None:
            self._update_matrix(gradient, variable, rate, momentum)
            return
        betas = (self.adam_beta_1, self.adam_beta_2)
        updated = adam_update(variable, momentum, velocity, gradient, of_adam, *betas, self.epsilon)
        store([variable, momentum, velocity], updated)

    def _update_matrix(self, gradient: Operand, variable: Variable, rate: Operand, momentum: Variable) -> None:
        moved = flushed(add(mul(momentum, self.momentum), gradient))
        direction = add(gradient, mul(moved, self.momentum)) if self.nesterov else moved
        scale = 1.0 if self.rms_rate is None else math.sqrt(max(variable.shape)) * self.rms_rate
        step = mul(self._orthogonal(direction), mul(rate, scale))
        store([variable, momentum], [sub(variable, step), moved])

    def _orthogonal(self, x: Operand) -> Operand:
        """A matrix with the singular vectors of ``x`` and singular values near 1."""
        rows, columns = x.shape
        tall = rows > columns
        x = transpose(x) if tall else x
        x = div(x, add(reduce_euclidean_norm(x), 1e-7))
        for _ in range(self.ns_steps):
            gram = matmul(x, transpose(x))
            mixed = add(mul(gram, self.muon_b), matmul(mul(gram, self.muon_c), gram))
            x = add(mul(x, self.muon_a), matmul(mixed, x))
        return transpose(x) if tall else x
