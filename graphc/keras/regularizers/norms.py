"""Penalties on the size of weights."""

from __future__ import annotations

from typing import Any

from graphc.keras.regularizers.base import Regularizer, checked_factor
from graphc_ir.ops.arithmetic import abs_real
from graphc_ir.ops.base import Operand, dtype_of, lift
from graphc_ir.ops.creation import zeros
from graphc_ir.ops.elementwise import add, mul, square
from graphc_ir.ops.reduction import reduce_sum

__all__ = ["L1", "L1L2", "L2"]


def _absolute(x: Any, factor: float) -> Operand:
    return mul(reduce_sum(abs_real(x)), factor)


def _squared(x: Any, factor: float) -> Operand:
    return mul(reduce_sum(square(x)), factor)


class L1(Regularizer):
    """``l1 * sum(|x|)``."""

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = checked_factor(l1, "l1")

    def __call__(self, x: Any) -> Any:
        return _absolute(x, self.l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """``l2 * sum(x**2)``."""

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = checked_factor(l2, "l2")

    def __call__(self, x: Any) -> Any:
        return _squared(x, self.l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class L1L2(Regularizer):
    """``l1 * sum(|x|) + l2 * sum(x**2)``."""

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = checked_factor(l1, "l1", 0.0)
        self.l2 = checked_factor(l2, "l2", 0.0)

    def __call__(self, x: Any) -> Any:
        parts = [penalty(x, factor) for penalty, factor in ((_absolute, self.l1), (_squared, self.l2)) if factor]
        if not parts:
            return zeros((), dtype_of(lift(x)))
        return parts[0] if len(parts) == 1 else add(*parts)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}
