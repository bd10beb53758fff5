"""Logic, bits and questions about floats in ONNX."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports, one_to_one
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir import dtypes
from graphc_ir.graph import Node
from graphc_ir.ops import logical as ops
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import greater, less

one_to_one({ops.LogicalAnd: "And", ops.LogicalOr: "Or", ops.LogicalXor: "Xor", ops.LogicalNot: "Not"})
one_to_one(
    {
        ops.BitwiseAnd: "BitwiseAnd", ops.BitwiseOr: "BitwiseOr", ops.BitwiseXor: "BitwiseXor",
        ops.Invert: "BitwiseNot",
    },
    since=18,
)  # fmt: skip
one_to_one({ops.IsNan: "IsNaN"})

_UNSIGNED = {
    dtypes.int8: dtypes.uint8, dtypes.int16: dtypes.uint16, dtypes.int32: dtypes.uint32, dtypes.int64: dtypes.uint64,
}  # fmt: skip


@exports(ops.LeftShift)
def _left_shift(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return _shifted(writer, node, operands, "LEFT")


@exports(ops.RightShift)
def _right_shift(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    dtype = node.operands[0].type.dtype
    if dtype.is_unsigned:
        return _shifted(writer, node, operands, "RIGHT")
    # The sign is kept by shifting the complement, -1 - x, of negative numbers.
    negative = writer.emit("Less", [operands[0], writer.constant(0, dtype.np)])
    minus_one = writer.constant(-1, dtype.np)
    size = writer.emit("Where", [negative, writer.emit("Sub", [minus_one, operands[0]]), operands[0]])
    shifted = _shifted(writer, node, [size, operands[1]], "RIGHT")
    return str(writer.emit("Where", [negative, writer.emit("Sub", [minus_one, shifted]), shifted]))


def _shifted(writer: OnnxWriter, node: Node, operands: list[str], direction: str) -> str:
    """BitShift, which takes unsigned integers only: signed ones pass as their bits."""
    dtype = node.operands[0].type.dtype
    unsigned = _UNSIGNED.get(dtype)
    if unsigned is None:
        return str(writer.emit("BitShift", operands, direction=direction))
    bits = [writer.emit("Cast", [o], to=to_onnx(unsigned)) for o in operands]
    return str(writer.emit("Cast", [writer.emit("BitShift", bits, direction=direction)], to=to_onnx(dtype)))


@imports("BitShift")
def _read_shift(context: ImportContext) -> Operand:
    function = ops.left_shift if context.attribute("direction") == "LEFT" else ops.right_shift
    return function(*context.operands)


@exports(ops.IsInf)
def _is_inf(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    if node.operands[0].type.dtype.size < dtypes.float32.size:
        operands = [writer.emit("Cast", operands, to=TensorProto.FLOAT)]
    return str(writer.emit("IsInf", operands))


@exports(ops.IsInf, since=20)
def _is_inf_of_any(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("IsInf", operands))


@imports("IsInf")
def _read_is_inf(context: ImportContext) -> Operand:
    x = context.operands[0]
    infinite = ops.is_inf(x)
    if not context.attribute("detect_negative", 1):
        return ops.logical_and(infinite, greater(x, 0))
    if not context.attribute("detect_positive", 1):
        return ops.logical_and(infinite, less(x, 0))
    return infinite


@exports(ops.IsFinite)
def _is_finite(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    # x - x is 0 for finite numbers and NaN for all others.
    void = writer.emit("Sub", [operands[0], operands[0]])
    return str(writer.emit("Equal", [void, writer.constant(np.zeros((), node.operands[0].type.dtype.np))]))
