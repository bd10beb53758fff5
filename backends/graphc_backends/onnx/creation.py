"""Ranges, fills and one-hot rows in ONNX."""

from __future__ import annotations

from typing import Final, cast

import numpy as np

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.dtypes import float32, float64, int16, int32, int64
from graphc_ir.graph import Node
from graphc_ir.ops import creation as ops
from graphc_ir.ops.base import Operand, dtype_of
from graphc_ir.ops.constant import Constant, constant
from graphc_ir.ops.elementwise import cast as convert
from graphc_ir.ops.gather import wrap_negative
from graphc_ir.ops.indexing import getitem
from graphc_ir.ops.movement import broadcast_to, reshape

_RANGES: Final = (int16, int32, int64, float32, float64)


@exports(ops.Iota)
def _iota(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Iota, node.op)
    limit = writer.emit("Squeeze", [writer.sizes(op.shape)])
    count = writer.emit("Range", [writer.constant(np.int64(0)), limit, writer.constant(np.int64(1))])
    return str(count) if op.dtype is int64 else str(writer.emit("Cast", [count], to=to_onnx(op.dtype)))


@exports(ops.Range)
def _range(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    dtype = node.results[0].type.dtype
    if dtype in _RANGES:
        return _counted(writer, node, operands)
    wide = float32 if dtype.is_floating else int64
    bounds = [writer.emit("Cast", [o], to=to_onnx(wide)) for o in operands]
    return str(writer.emit("Cast", [_counted(writer, node, bounds)], to=to_onnx(dtype)))


def _counted(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    """Ranges that may run downwards count from 0 and are shifted then. ONNX Runtime makes a Slice of a Gather along a
    Range, and -1, the limit of a range down to 0, would mean the last element there."""
    if node.results[0].type.dtype.is_floating or _runs_upwards(node):
        return str(writer.emit("Range", operands))
    start, limit, delta = operands
    zero = writer.emit("Sub", [start, start])
    steps = writer.emit("Range", [zero, writer.emit("Sub", [limit, start]), delta])
    return str(writer.emit("Add", [start, steps]))


def _runs_upwards(node: Node) -> bool:
    delta = node.operands[2].op
    return isinstance(delta, Constant) and bool(delta.value.array > 0)


@imports("Range")
def _read_range(context: ImportContext) -> Operand:
    start, limit, delta = (reshape(o, ()) for o in context.operands)
    return ops.arange(start, limit, delta, dtype_of(start))


@imports("ConstantOfShape")
def _read_constant_of_shape(context: ImportContext) -> Operand:
    value = context.tensor("value") if context.has("value") else np.zeros(1, np.float32)
    return broadcast_to(constant(value.reshape(())), context.sizes(0))


@imports("OneHot")
def _read_one_hot(context: ImportContext) -> Operand:
    indices, _, values = context.operands
    whole = indices if dtype_of(indices).is_integer else convert(indices, int64)
    depth = context.sizes(1)[0]
    off, on = getitem(values, 0), getitem(values, 1)
    axis = context.attribute("axis", -1)
    return ops.one_hot(wrap_negative(whole, depth), depth, on, off, axis)
