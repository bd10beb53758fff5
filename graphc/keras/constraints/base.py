"""The base of constraints."""

from __future__ import annotations

from typing import Any

__all__ = ["Constraint"]


class Constraint:
    """Base: ``constraint(weight)`` gives the nearest allowed weight; optimizers apply it after each update.

    The base itself allows every weight. A subclass with arguments of its own returns them from ``get_config``.
    """

    def __call__(self, w: Any) -> Any:
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """A constraint from what ``get_config`` returned."""
        return cls(**config)
