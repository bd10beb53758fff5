"""Constraints on the sign and the norm of weights. Norms are taken along ``axis``, one axis or several."""

from __future__ import annotations

from typing import Any

from graphc.keras import config
from graphc.keras.constraints.base import Constraint
from graphc_ir.ops.arithmetic import clip_by_value
from graphc_ir.ops.base import Operand, lift
from graphc_ir.ops.elementwise import add, div, maximum, mul
from graphc_ir.ops.reduction import reduce_euclidean_norm

__all__ = ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"]


def _scaled(w: Operand, norm: Operand, wanted: Operand) -> Operand:
    """``w`` with another norm; the fuzz factor keeps weights of norm 0 finite."""
    return mul(w, div(wanted, add(norm, config.epsilon())))


class NonNeg(Constraint):
    """Negative weights become 0."""

    def __call__(self, w: Any) -> Any:
        return maximum(lift(w), 0)


class MaxNorm(Constraint):
    """Norms are at most ``max_value``."""

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        weight = lift(w)
        norm = reduce_euclidean_norm(weight, self.axis, True)
        return _scaled(weight, norm, clip_by_value(norm, 0, self.max_value))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class MinMaxNorm(Constraint):
    """Norms move to the interval from ``min_value`` to ``max_value``: all the way for a ``rate`` of 1, else by that
    fraction of it."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        weight = lift(w)
        norm = reduce_euclidean_norm(weight, self.axis, True)
        inside = clip_by_value(norm, self.min_value, self.max_value)
        return _scaled(weight, norm, add(mul(inside, self.rate), mul(norm, 1 - self.rate)))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


class UnitNorm(Constraint):
    """Norms are 1."""

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        weight = lift(w)
        return div(weight, add(reduce_euclidean_norm(weight, self.axis, True), config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}
