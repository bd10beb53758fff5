"""The base of learning rate schedules."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from graphc.keras.config import floatx
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, lift
from graphc_ir.ops.elementwise import cast

__all__ = ["LearningRateSchedule", "as_float", "check_steps"]


class LearningRateSchedule:
    """A learning rate as a function of the step. One of your own defines ``__call__(step)`` and ``get_config()``.

    Optimizers give the number of steps so far as a float scalar; in a compiled step, the schedule is part of the graph.
    """

    config_keys: ClassVar[tuple[str, ...]] = ()
    """The constructor's arguments, each an attribute, for :meth:`get_config`."""

    def __call__(self, step: Any) -> Any:
        """The learning rate after ``step`` steps, a scalar."""
        raise NotImplementedError(f"{type(self).__name__} does not define __call__(step)")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        if not self.config_keys:
            raise NotImplementedError(f"{type(self).__name__} does not define get_config(), so it cannot be saved; "
                                      "return the arguments of its constructor")  # fmt: skip
        return {key: getattr(self, key) for key in self.config_keys}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The schedule of a config of :meth:`get_config`."""
        return cls(**config)


def as_float(value: Any) -> Operand:
    """A number, tensor or Variable as a float scalar of the default dtype."""
    dtype = as_dtype(floatx())
    return cast(lift(value, dtype), dtype)


def check_steps(steps: float, what: str) -> None:
    """Raises ArgumentError unless ``steps`` is positive."""
    if steps <= 0:
        raise ArgumentError(f"{what} must be > 0, got {steps}")
