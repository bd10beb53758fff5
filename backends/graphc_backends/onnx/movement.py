"""Movement ops in ONNX."""

from __future__ import annotations

from typing import cast

import numpy as np

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.dims import Dim
from graphc_ir.graph import Node
from graphc_ir.ops import movement as ops
from graphc_ir.ops.base import Operand, shape_of


@exports(ops.Reshape)
def _reshape(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    shape = cast(ops.Reshape, node.op).shape
    symbolic = [d for d in shape if not isinstance(d, int)]
    # One size that is not known can be left to Reshape itself, unless a 0 makes the inference ambiguous.
    if len(symbolic) == 1 and 0 not in shape:
        target = writer.constant(np.array([d if isinstance(d, int) else -1 for d in shape], np.int64))
    else:
        target = writer.sizes(shape)
    return str(writer.emit("Reshape", [operands[0], target], allowzero=1 if 0 in shape and writer.opset >= 14 else None))


@imports("Reshape")
def _read_reshape(context: ImportContext) -> Operand:
    x = context.operands[0]
    target = context.sizes(1)
    if not context.attribute("allowzero", 0):
        have = shape_of(x)
        target = tuple(have[i] if isinstance(d, int) and d == 0 else d for i, d in enumerate(target))
    return ops.reshape(x, target)


@exports(ops.Transpose)
def _transpose(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Transpose", operands, perm=list(cast(ops.Transpose, node.op).permutation)))


@imports("Transpose")
def _read_transpose(context: ImportContext) -> Operand:
    return ops.transpose(context.operands[0], context.attribute("perm", None))


@exports(ops.BroadcastTo)
def _broadcast_to(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Expand", [operands[0], writer.sizes(cast(ops.BroadcastTo, node.op).shape)]))


@exports(ops.Concat)
def _concat(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Concat", operands, axis=cast(ops.Concat, node.op).axis))


@imports("Concat")
def _read_concat(context: ImportContext) -> Operand:
    return ops.concat(context.operands, context.attribute("axis"))


@exports(ops.Slice)
def _slice(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Slice, node.op)
    whole = node.operands[0].type.shape
    axes = [i for i, d in enumerate(whole) if (op.starts[i], op.stops[i], op.steps[i]) != (0, d, 1)]
    if not axes:
        return str(writer.emit("Identity", operands))
    # A stop before element 0 is written as the smallest integer: -1 would mean the last element.
    stops: list[Dim] = [_before_start(op.stops[a]) for a in axes]
    starts = writer.sizes(tuple(op.starts[a] for a in axes))
    steps = writer.constant(np.array([op.steps[a] for a in axes], np.int64))
    listed = writer.constant(np.array(axes, np.int64))
    return str(writer.emit("Slice", [operands[0], starts, writer.sizes(tuple(stops)), listed, steps]))


def _before_start(stop: Dim) -> Dim:
    return -(2**63) + 1 if isinstance(stop, int) and stop == -1 else stop
