"""Padding: constant borders, and borders that repeat the edge or mirror the inside."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Array, Op, Operand, bind, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.elementwise import add, check_kind
from graphc_ir.ops.movement import (
    ANY,
    Pad,
    broadcast_to,
    check_paddings,
    concat,
    pad_with,
    replaced,
    resolve_shape,
    reverse,
    slice_axis,
)
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.types import TensorType

__all__ = ["Pad", "PadBorder", "pad", "pad_with"]

_FROM: Final = {"reflect": 1, "symmetric": 0, "edge": 0}
"""Where the mirror image of each mode starts, counted from the edge."""


class PadBorder(Op):
    """The operand with borders made of its own elements.

    ``mode``: "edge" repeats the outermost element, "reflect" mirrors without it (2 1 | 0 1 2 | 1 0),
    "symmetric" mirrors with it (1 0 | 0 1 2 | 2 1).
    """

    before: Shape
    after: Shape
    mode: str

    def infer(self, x: TensorType) -> TensorType:
        check_kind(self, ANY, x)
        check_paddings(self, x, self.before, self.after)
        for axis, amounts in enumerate(zip(self.before, self.after, strict=True)):
            for amount in amounts:
                self._check_amount(x, axis, amount)
        return x.with_shape(tuple(b + d + a for b, d, a in zip(self.before, x.shape, self.after, strict=True)))

    def _check_amount(self, x: TensorType, axis: int, amount: Dim) -> None:
        if isinstance(amount, int) and amount == 0:
            return
        least = 1 if self.mode == "edge" else amount + _FROM[self.mode]
        if dims.known_ge(x.shape[axis], least) is False:
            raise ShapeError(f"pad: mode {self.mode!r} cannot pad axis {axis} of {x} by {amount}; the axis "
                             "needs at least "
                             f"{least} elements")  # fmt: skip

    def kernel(self, x: Array) -> Any:
        widths = list(zip(self.before, self.after, strict=True))
        return np.pad(x, widths, mode=self.mode)  # type: ignore[call-overload]

    def decompose(self, x: Operand) -> Operand:
        for axis, (before, after) in enumerate(zip(self.before, self.after, strict=True)):
            size = shape_of(x)[axis]
            parts = [self._border(x, axis, 0, before), x, self._border(x, axis, size, after)]
            kept = [part for part in parts if part is not None]
            x = concat(kept, axis) if len(kept) > 1 else x
        return x

    def _border(self, x: Operand, axis: int, edge: Dim, amount: Dim) -> Operand | None:
        """The border at the front (``edge`` 0) or at the end (``edge`` is the size) of an axis."""
        if isinstance(amount, int) and amount == 0:
            return None
        start, stop = self._source(edge, 1 if self.mode == "edge" else amount)
        part = slice_axis(x, axis, start, stop)
        if self.mode == "edge":
            return broadcast_to(part, replaced(shape_of(part), axis, amount))
        return reverse(part, axis)

    def _source(self, edge: Dim, amount: Dim) -> tuple[Dim, Dim]:
        """The range of elements that a border copies."""
        skip = _FROM[self.mode]
        if isinstance(edge, int) and edge == 0:
            return skip, skip + amount
        return edge - skip - amount, edge - skip

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return lambda: self._fold(g, shape_of(x))

    def _fold(self, g: Operand, shape: Shape) -> Operand:
        """Adds the borders of a cotangent to the elements that they copy, the last axis first."""
        for axis in reversed(range(len(shape))):
            before, after, size = self.before[axis], self.after[axis], shape[axis]
            inner = slice_axis(g, axis, before, before + size)
            front = self._fold_border(slice_axis(g, axis, 0, before), axis, 0, before, size)
            back = self._fold_border(slice_axis(g, axis, before + size, before + size + after), axis, size, after, size)
            for part in (front, back):
                inner = inner if part is None else add(inner, part)
            g = inner
        return g

    def _fold_border(self, g: Operand, axis: int, edge: Dim, amount: Dim, size: Dim) -> Operand | None:
        if isinstance(amount, int) and amount == 0:
            return None
        edge_only = self.mode == "edge"
        part = reduce_sum(g, axis, keepdims=True) if edge_only else reverse(g, axis)
        start, stop = self._source(edge, 1 if edge_only else amount)
        none: Shape = (0,) * rank_of(g)
        return pad_with(part, replaced(none, axis, start), replaced(none, axis, size - stop))


def pad(x: Any, paddings: Any, mode: str = "constant", constant_values: Any = 0) -> Operand:
    """Borders around ``x``: ``paddings[i]`` is (before, after) on axis i.

    ``mode``: "constant" (filled with the scalar ``constant_values``), "reflect", "symmetric" or "edge".
    Raises ArgumentError for another mode or paddings of another form, ShapeError for borders larger than the
    mode can fill.
    """
    operand, kind = lift(x), mode.lower()
    before, after = _amounts(paddings, rank_of(operand))
    if kind == "constant":
        value = lift(constant_values, dtype_of(operand))
        nothing = all(isinstance(d, int) and d == 0 for d in (*before, *after))
        return operand if nothing else bind(Pad(before, after), operand, value)
    if kind not in _FROM:
        raise ArgumentError(f"pad: unknown mode {mode!r}; use 'constant', 'reflect', 'symmetric' or 'edge'")
    if all(isinstance(d, int) and d == 0 for d in (*before, *after)):
        return operand
    return bind(PadBorder(before, after, kind), operand)


def _amounts(paddings: Any, rank: int) -> tuple[Shape, Shape]:
    if hasattr(paddings, "shape") and len(paddings.shape) == 2:
        paddings = np.asarray(paddings).tolist()
    pairs = [resolve_shape(pair) for pair in paddings]
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise ArgumentError(f"pad: paddings must be one pair (before, after) for each of the {rank} axes, "
                            "got "
                            f"{[tuple(map(str, pair)) for pair in pairs]}")  # fmt: skip
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
