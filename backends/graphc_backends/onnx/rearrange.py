"""ONNX operators that are compositions of movement here."""

from __future__ import annotations

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import imports
from graphc_ir.ops import rearrange as ops
from graphc_ir.ops.base import Operand, shape_of
from graphc_ir.ops.movement import reshape, transpose


@imports("DepthToSpace")
def _read_depth_to_space(context: ImportContext) -> Operand:
    x, b = context.operands[0], context.attribute("blocksize")
    n, c, h, w = shape_of(x)
    depth = c // (b * b)
    if context.attribute("mode", "DCR") == "DCR":
        grid = transpose(reshape(x, (n, b, b, depth, h, w)), (0, 3, 4, 1, 5, 2))
    else:
        grid = transpose(reshape(x, (n, depth, b, b, h, w)), (0, 1, 4, 2, 5, 3))
    return reshape(grid, (n, depth, h * b, w * b))


@imports("SpaceToDepth")
def _read_space_to_depth(context: ImportContext) -> Operand:
    x, b = context.operands[0], context.attribute("blocksize")
    n, c, h, w = shape_of(x)
    grid = transpose(reshape(x, (n, c, h // b, b, w // b, b)), (0, 3, 5, 1, 2, 4))
    return reshape(grid, (n, c * b * b, h // b, w // b))


@imports("ReverseSequence")
def _read_reverse_sequence(context: ImportContext) -> Operand:
    x, lengths = context.operands
    return ops.reverse_sequence(x, lengths, context.attribute("time_axis", 0), context.attribute("batch_axis", 1))
