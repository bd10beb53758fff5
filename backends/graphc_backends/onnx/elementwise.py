"""Element-wise ops in ONNX."""

from __future__ import annotations

from graphc_backends.onnx.dtypes import from_onnx, to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import NO_COMPLEX, NO_ONNX_FORM, exports, imports, one_to_one
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.graph import Node
from graphc_ir.ops import elementwise as ops
from graphc_ir.ops.base import Operand

one_to_one(
    {
        ops.Add: "Add", ops.Sub: "Sub", ops.Mul: "Mul", ops.Neg: "Neg", ops.Exp: "Exp", ops.Log: "Log",
        ops.Sin: "Sin", ops.Cos: "Cos", ops.Tanh: "Tanh", ops.Sqrt: "Sqrt",
        ops.Greater: "Greater", ops.GreaterEqual: "GreaterOrEqual", ops.Less: "Less", ops.LessEqual: "LessOrEqual",
        ops.Equal: "Equal", ops.Select: "Where",
    }
)  # fmt: skip


@exports(ops.Relu)
def _relu(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    kind = node.operands[0].type.dtype
    if kind.is_floating:
        return str(writer.emit("Relu", operands))
    if kind.is_unsigned:
        return str(writer.emit("Identity", operands))
    # Relu takes integers from opset 14 on only, and ONNX Runtime has more kernels of Max for them.
    return str(writer.emit("Max", [operands[0], writer.constant(0, kind.np)]))


@imports("Relu")
def _read_relu(context: ImportContext) -> Operand:
    return ops.relu(context.operands[0])


@exports(ops.Div)
def _div(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Div", operands))  # read back in arithmetic.py: of integers it is another op


@exports(ops.Maximum)
def _maximum(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Max", operands))


@imports("Max")
def _max(context: ImportContext) -> Operand:
    return context.fold(ops.maximum)


@exports(ops.Minimum)
def _minimum(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Min", operands))


@imports("Min")
def _min(context: ImportContext) -> Operand:
    return context.fold(ops.minimum)


@exports(ops.Square)
def _square(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Mul", [operands[0], operands[0]]))


@exports(ops.NotEqual)
def _not_equal(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Not", [writer.emit("Equal", operands)]))


@exports(ops.Cast)
def _cast(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    assert isinstance(node.op, ops.Cast)
    return str(writer.emit("Cast", operands, to=to_onnx(node.op.dtype)))


@imports("Cast")
def _read_cast(context: ImportContext) -> Operand:
    return ops.cast(context.operands[0], from_onnx(context.attribute("to")))


NO_ONNX_FORM[ops.Conj] = NO_COMPLEX
