"""Loss scaling that finds its factor by itself."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

from graphc.control import cond
from graphc.keras.initializers import Constant
from graphc.keras.optimizers.gradients import active_pairs, is_replaced
from graphc.keras.optimizers.optimizer import Optimizer
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc.variable import Variable
from graphc_ir.dtypes import float32, float64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, lift
from graphc_ir.ops.elementwise import add, cast, div, equal, mul, select
from graphc_ir.ops.logical import is_finite, logical_and
from graphc_ir.ops.reduction import reduce_all

__all__ = ["LossScaleOptimizer"]

_UNUSED: Final = {
    "weight_decay": None, "clipnorm": None, "global_clipnorm": None, "clipvalue": None, "use_ema": False,
    "ema_momentum": 0.99, "ema_overwrite_frequency": None, "loss_scale_factor": None,
    "gradient_accumulation_steps": None, "dynamic": True,
}  # fmt: skip


class LossScaleOptimizer(Optimizer):
    """Scales the loss for float16 gradients: as much as goes without overflow.

    A step with infinite or NaN gradients is left out and halves the factor; ``dynamic_growth_steps`` good steps
    double it. The factor starts at ``initial_scale``. All else is the ``inner_optimizer``'s business, so its options
    raise ArgumentError here.
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 32768.0,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **options: Any,
    ) -> None:
        for key, value in options.items():
            if key not in _UNUSED or value != _UNUSED[key]:
                raise ArgumentError(f"LossScaleOptimizer does not take {key}={value!r}; give it to the inner optimizer")
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None

    @property
    def variables(self) -> list[Variable]:
        """Its own (two that are not used, the counter of good steps, the factor), then the inner optimizer's."""
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """The inner optimizer's: steps that were left out do not count."""
        return self.inner_optimizer.iterations

    @iterations.setter
    def iterations(self, value: Any) -> None:
        self.inner_optimizer.iterations = value

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int64", name="step_counter")
        self.dynamic_scale = self.add_variable((), Constant(self.initial_scale), "float32", name="dynamic_scale")
        self.inner_optimizer.build(variables)
        super().build(variables)

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """One step, unless a gradient is not finite."""
        grads = list(grads)
        if not grads:
            return
        grads, variables = active_pairs(grads, self._weights_for(grads, trainable_variables))

        def step() -> None:
            scaled = [g if is_replaced(v) else div(g, cast(self.dynamic_scale, g.dtype))
                      for g, v in zip(grads, variables, strict=True)]  # fmt: skip
            self.inner_optimizer.apply(scaled, variables)
            self._count_good_step()

        def leave_out() -> None:
            self.step_counter.assign(0)
            self.dynamic_scale.assign(mul(self.dynamic_scale, 0.5))

        cond(_all_finite(grads), step, leave_out)

    def _count_good_step(self) -> None:
        due = equal(self.step_counter, self.dynamic_growth_steps - 1)
        self.dynamic_scale.assign(mul(self.dynamic_scale, select(due, lift(2.0, float32), 1.0)))
        self.step_counter.assign(select(due, 0, add(self.step_counter, 1)))

    def scale_loss(self, loss: Any) -> Operand:
        """The loss times the current factor, at least in float32."""
        tensor = lift(loss)
        wide = float64 if tensor.dtype is float64 else float32
        scale = cast(self.dynamic_scale, wide) if self.built else self.initial_scale
        return mul(cast(tensor, wide), scale)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """The inner optimizer's."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """The optimizer of a config of :meth:`get_config`."""
        inner = deserialize_keras_object(config["inner_optimizer"], custom_objects)
        return cls(**{**config, "inner_optimizer": inner})


def _all_finite(grads: Sequence[Operand]) -> Operand:
    return functools.reduce(logical_and, [reduce_all(is_finite(g)) for g in grads])
