"""The base of regularizers."""

from __future__ import annotations

import math
from typing import Any

from graphc_ir.errors import ArgumentError

__all__ = ["Regularizer", "checked_factor"]


class Regularizer:
    """Base: ``regularizer(weight)`` gives a scalar tensor that is added to the loss.

    A subclass defines ``__call__`` and, to be saved, ``get_config``.
    """

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(x)")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config() to be saved")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """A regularizer from what ``get_config`` returned."""
        return cls(**config)


def checked_factor(value: Any, name: str, default: float = 0.01) -> float:
    """A factor as a float; None means the default. Raises ArgumentError unless it is finite and not negative."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ArgumentError(f"got {name}={value!r}, expected a finite number >= 0")
    return float(value)
