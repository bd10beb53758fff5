"""Rounding, powers, integer division and clipping in ONNX."""

from __future__ import annotations

import numpy as np

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports, one_to_one
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.graph import Node
from graphc_ir.ops import arithmetic as ops
from graphc_ir.ops.activation import relu6
from graphc_ir.ops.base import Operand, dtype_of
from graphc_ir.ops.elementwise import cast, div, maximum, minimum

one_to_one(
    {
        ops.Abs: "Abs", ops.Sign: "Sign", ops.Floor: "Floor", ops.Ceil: "Ceil", ops.Round: "Round",
        ops.Reciprocal: "Reciprocal",
    }
)  # fmt: skip


@exports(ops.Pow)
def _pow(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Pow", operands))


@imports("Pow")
def _read_pow(context: ImportContext) -> Operand:
    # ONNX lets the exponent have a dtype of its own.
    x, y = context.operands
    if dtype_of(x).is_integer and dtype_of(y).is_floating:
        return cast(ops.pow(cast(x, dtype_of(y)), y), dtype_of(x))
    return ops.pow(x, cast(y, dtype_of(x)))


def _is_float(node: Node) -> bool:
    return node.operands[0].type.dtype.is_floating


@exports(ops.FloorDiv)
def _floordiv(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    if _is_float(node):
        return str(writer.emit("Floor", [writer.emit("Div", operands)]))
    # Div truncates; without the rest (of the divisor's sign) there is nothing to truncate.
    whole = writer.emit("Sub", [operands[0], writer.emit("Mod", operands)])
    return str(writer.emit("Div", [whole, operands[1]]))


@exports(ops.FloorMod)
def _floormod(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    if not _is_float(node):
        return str(writer.emit("Mod", operands))
    # fmod has the dividend's sign; where that is not the divisor's, the divisor is added.
    rest = writer.emit("Mod", operands, fmod=1)
    opposite = writer.emit("Neg", [writer.emit("Sign", [operands[1]])])
    differs = writer.emit("Equal", [writer.emit("Sign", [rest]), opposite])
    return str(writer.emit("Where", [differs, writer.emit("Add", [rest, operands[1]]), rest]))


@exports(ops.TruncateDiv)
def _truncatediv(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    quotient = str(writer.emit("Div", operands))
    if not _is_float(node):
        return quotient
    size = writer.emit("Floor", [writer.emit("Abs", [quotient])])
    return str(writer.emit("Mul", [writer.emit("Sign", [quotient]), size]))


@exports(ops.TruncateMod)
def _truncatemod(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Mod", operands, fmod=1))


@imports("Mod")
def _read_mod(context: ImportContext) -> Operand:
    function = ops.truncatemod if context.attribute("fmod", 0) else ops.floormod
    return function(*context.operands)


@imports("Div")
def _read_div(context: ImportContext) -> Operand:
    x, y = context.operands
    return ops.truncatediv(x, y) if dtype_of(x).is_integer else div(x, y)


@exports(ops.ClipByValue)
def _clip(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    _, low, high = node.operands
    if low.type.rank == high.type.rank == 0:
        return str(writer.emit("Clip", operands))
    return str(writer.emit("Min", [writer.emit("Max", operands[:2]), operands[2]]))


@imports("Clip", since=11)
def _read_clip(context: ImportContext) -> Operand:
    x, low, high = context.operands[0], context.operand(1), context.operand(2)
    if low is None and high is None:
        return x
    if low is None or high is None:
        return maximum(x, low) if high is None else minimum(x, high)
    bounds = context.array(1), context.array(2)
    if all(b is not None and b == wanted for b, wanted in zip(bounds, (0, 6), strict=True)):
        return relu6(x)
    return ops.clip_by_value(x, low, high)


@imports("Clip")
def _read_old_clip(context: ImportContext) -> Operand:
    x, kind = context.operands[0], dtype_of(context.operands[0]).np
    if context.has("min"):
        x = maximum(x, np.asarray(context.attribute("min"), kind))
    return minimum(x, np.asarray(context.attribute("max"), kind)) if context.has("max") else x


@imports("Sum")
def _sum(context: ImportContext) -> Operand:
    return ops.add_n(context.operands)


@imports("Mean")
def _mean(context: ImportContext) -> Operand:
    return div(ops.add_n(context.operands), len(context.operands))
