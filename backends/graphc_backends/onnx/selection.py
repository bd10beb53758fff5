"""Data-dependent selection in ONNX."""

from __future__ import annotations

from typing import cast

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.dims import element_count, fresh_symbol, known_equal
from graphc_ir.dtypes import int64
from graphc_ir.graph import Node
from graphc_ir.ops import selection as ops
from graphc_ir.ops.base import Operand, bind, shape_of
from graphc_ir.ops.movement import reshape, slice_axis, transpose


@exports(ops.Argwhere)
def _argwhere(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Transpose", [writer.emit("NonZero", operands)], perm=[1, 0]))


@imports("NonZero")
def _read_nonzero(context: ImportContext) -> Operand:
    return transpose(ops.argwhere(context.operands[0]), (1, 0))


@imports("Compress")
def _read_compress(context: ImportContext) -> Operand:
    x, condition = context.operands
    shape = shape_of(x)
    if not context.has("axis"):
        x, axis = reshape(x, (element_count(shape),)), 0
    else:
        axis = context.attribute("axis") % len(shape)
    length = shape_of(condition)[0]
    # A condition that is shorter than the axis leaves the rest out.
    if known_equal(length, shape_of(x)[axis]) is False:
        x = slice_axis(x, axis, 0, length)
    return ops.boolean_mask(x, condition, axis)


@exports(ops.Unique)
def _unique(writer: OnnxWriter, node: Node, operands: list[str]) -> list[str]:
    op = cast(ops.Unique, node.op)
    values, _, places, counts = writer.emit("Unique", operands, outputs=4, sorted=int(op.ordered))
    if op.dtype is int64:
        return [values, places, counts]
    return [values, *(str(writer.emit("Cast", [o], to=to_onnx(op.dtype))) for o in (places, counts))]


@imports("Unique")
def _read_unique(context: ImportContext) -> tuple[Operand | None, ...]:
    x = context.operands[0]
    if context.has("axis") or context.wants(1):
        raise context.decline("distinct slices along an axis and first positions have no counterpart")
    flat = reshape(x, (element_count(shape_of(x)),))
    op = ops.Unique((fresh_symbol(),), int64, bool(context.attribute("sorted", 1)))
    values, places, counts = bind(op, flat)
    return values, None, places, counts
