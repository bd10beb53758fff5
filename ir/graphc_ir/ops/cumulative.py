"""Running sums and products along an axis."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc_ir.ops.base import Array, Op, Operand, bind, lift, normalize_axis, rank_of
from graphc_ir.ops.elementwise import NUMERIC, adjoint, check_kind, div, mul
from graphc_ir.types import TensorType


class Cumulative(Op, abstract=True):
    """Element i along ``axis`` combines elements 0 to i; ``exclusive`` leaves out element i itself, ``reverse``
    starts from the end."""

    axis: int
    exclusive: bool
    reverse: bool
    accepts: ClassVar[str] = NUMERIC
    ufunc: ClassVar[np.ufunc]
    start: ClassVar[float]

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, self.accepts, x)
        normalize_axis(self.axis, x.rank)
        return x

    def kernel(self, x: Array) -> Any:
        source = np.flip(x, self.axis) if self.reverse else x
        running = self.ufunc.accumulate(source, self.axis, dtype=x.dtype)
        if self.exclusive:
            running = _shifted(running, self.axis, self.start)
        return np.flip(running, self.axis) if self.reverse else running

    def flipped(self) -> dict[str, Any]:
        """The attributes of the transposed operation, as keywords of the public functions."""
        return {"axis": self.axis, "exclusive": self.exclusive, "reverse": not self.reverse}


def _shifted(running: Array, axis: int, start: float) -> Array:
    """One place further along the axis, with ``start`` in front."""
    result = np.empty_like(running)
    first, rest = [slice(None)] * running.ndim, [slice(None)] * running.ndim
    kept = list(rest)
    first[axis], rest[axis], kept[axis] = slice(0, 1), slice(1, None), slice(0, -1)
    result[tuple(first)] = start
    result[tuple(rest)] = running[tuple(kept)]
    return result


class Cumsum(Cumulative):
    """The running sum."""

    ufunc = np.add
    start = 0

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return cumsum(g, **self.flipped())


class Cumprod(Cumulative):
    """The running product. The gradient divides by the operand, so it is NaN where that is 0, as in TensorFlow."""

    ufunc = np.multiply
    start = 1

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return div(cumsum(mul(g, adjoint(y)), **self.flipped()), adjoint(x))


def bind_cumulative(kind: type[Cumulative], x: Any, axis: int, exclusive: bool, reverse: bool) -> Operand:
    """Applies one of the family. Raises ArgumentError for an axis out of range."""
    operand = lift(x)
    place = normalize_axis(axis, rank_of(operand))
    return bind(kind(place, bool(exclusive), bool(reverse)), operand)


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Operand:
    """The running sum along an axis."""
    return bind_cumulative(Cumsum, x, axis, exclusive, reverse)


def cumprod(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Operand:
    """The running product along an axis."""
    return bind_cumulative(Cumprod, x, axis, exclusive, reverse)
