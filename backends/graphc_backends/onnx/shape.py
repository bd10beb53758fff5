"""Shape queries and reinterpreted bytes in ONNX. (Sizes inside arithmetic are written with the
reductions.)"""

from __future__ import annotations

from typing import cast

from graphc_backends.onnx.dtypes import from_onnx, to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.dtypes import int64
from graphc_ir.errors import ExportError
from graphc_ir.graph import Node
from graphc_ir.ops import shape as ops
from graphc_ir.ops.base import Operand, shape_of
from graphc_ir.ops.indexing import getitem


@exports(ops.EnsureShape)
def _ensure_shape(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return operands[0]


@imports("Shape")
def _read_shape(context: ImportContext) -> Operand:
    sizes = ops.shape(context.operands[0], int64)
    rank = len(shape_of(context.operands[0]))
    bounds = slice(context.attribute("start", 0), context.attribute("end", rank))
    return sizes if bounds == slice(0, rank) else getitem(sizes, bounds)


@imports("Size")
def _read_size(context: ImportContext) -> Operand:
    return ops.size(context.operands[0], int64)


@exports(ops.Bitcast, since=26)
def _bitcast(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    target, source = cast(ops.Bitcast, node.op).dtype, node.operands[0].type.dtype
    if target.size != source.size:
        raise ExportError(f"bitcast from {source.name} to {target.name} has no ONNX form: BitCast keeps "
                          "the size of the "
                          f"elements [{node.location}]")  # fmt: skip
    return str(writer.emit("BitCast", operands, to=to_onnx(target)))


@imports("BitCast")
def _read_bitcast(context: ImportContext) -> Operand:
    return ops.bitcast(context.operands[0], from_onnx(context.attribute("to")))
