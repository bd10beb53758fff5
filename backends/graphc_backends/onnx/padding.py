"""Padding in ONNX. Pad has no symmetric mode: it is written as slices that are joined."""

from __future__ import annotations

from typing import Any, cast

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter, decomposition
from graphc_ir.dims import Dim, Shape, known_ge
from graphc_ir.errors import ImportModelError
from graphc_ir.graph import Node
from graphc_ir.ops import padding as ops
from graphc_ir.ops.base import Operand, dtype_of, rank_of, shape_of
from graphc_ir.ops.movement import concat, reshape, slice_axis


@exports(ops.PadBorder)
def _pad_border(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.PadBorder, node.op)
    if op.mode == "symmetric":
        return writer.write_inline(decomposition(op, [node.operands[0].type]), operands)[0]
    return str(writer.emit("Pad", [operands[0], writer.sizes((*op.before, *op.after))], mode=op.mode))


@imports("Pad")
def _read_pad(context: ImportContext) -> Operand:
    x = context.operands[0]
    rank, mode = rank_of(x), context.attribute("mode", "constant")
    listed = tuple(context.attribute("pads")) if context.has("pads") else context.sizes(1)
    before, after = _per_axis(context, listed, rank)
    x = _cropped(x, before, after)
    pairs = [(_positive(b), _positive(a)) for b, a in zip(before, after, strict=True)]
    if mode == "wrap":
        return _wrapped(x, pairs)
    if mode not in ("constant", "reflect", "edge"):
        raise ImportModelError(f"{context.where}: unknown mode {mode!r}; ONNX has constant, reflect, edge and wrap")
    return ops.pad(x, pairs, mode, _fill(context, x))


def _per_axis(context: ImportContext, listed: Shape, rank: int) -> tuple[Shape, Shape]:
    """Amounts for all axes; from opset 18 on they may be given for some axes only."""
    given = context.sizes(3) if context.operand(3) is not None else tuple(range(rank))
    before: list[Dim] = [0] * rank
    after: list[Dim] = [0] * rank
    for i, axis in enumerate(given):
        before[int(axis)], after[int(axis)] = listed[i], listed[len(given) + i]
    return tuple(before), tuple(after)


def _positive(amount: Dim) -> Dim:
    return 0 if known_ge(0, amount) is True else amount


def _cropped(x: Operand, before: Shape, after: Shape) -> Operand:
    """Negative amounts remove elements."""
    for axis, (b, a) in enumerate(zip(before, after, strict=True)):
        start, cut = (-d if known_ge(-1, d) is True else 0 for d in (b, a))
        x = slice_axis(x, axis, start, shape_of(x)[axis] - cut)
    return x


def _fill(context: ImportContext, x: Operand) -> Any:
    value = context.operand(2)
    if value is not None:
        return reshape(value, ())
    return context.attribute("value", 0.0) if dtype_of(x).is_floating else 0


def _wrapped(x: Operand, pairs: list[tuple[Dim, Dim]]) -> Operand:
    """Borders that continue from the other end."""
    for axis, (before, after) in enumerate(pairs):
        size = shape_of(x)[axis]
        ends = [slice_axis(x, axis, size - before, size), x, slice_axis(x, axis, 0, after)]
        x = concat(ends, axis)
    return x
