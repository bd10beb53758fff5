"""Sorting in ONNX: TopK of all elements. It keeps equal elements in their order, as we do."""

from __future__ import annotations

from typing import cast

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.dims import Dim, known_equal
from graphc_ir.dtypes import DType, int64
from graphc_ir.graph import Node
from graphc_ir.ops import sorting as ops
from graphc_ir.ops.base import Operand, bind, rank_of, shape_of
from graphc_ir.ops.gather import take_along_axis
from graphc_ir.ops.movement import slice_axis


def _top(writer: OnnxWriter, x: str, k: Dim, axis: int, largest: bool) -> list[str]:
    result: list[str] = writer.emit("TopK", [x, writer.sizes((k,))], outputs=2, axis=axis, largest=int(largest))
    return result


def _indices(writer: OnnxWriter, name: str, dtype: DType) -> str:
    return name if dtype is int64 else str(writer.emit("Cast", [name], to=to_onnx(dtype)))


@exports(ops.Sort)
def _sort(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Sort, node.op)
    return _top(writer, operands[0], node.operands[0].type.shape[op.axis], op.axis, op.descending)[0]


@exports(ops.Argsort)
def _argsort(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Argsort, node.op)
    places = _top(writer, operands[0], node.operands[0].type.shape[op.axis], op.axis, op.descending)[1]
    return _indices(writer, places, op.dtype)


@exports(ops.TopK)
def _top_k(writer: OnnxWriter, node: Node, operands: list[str]) -> list[str]:
    op = cast(ops.TopK, node.op)
    values, places = _top(writer, operands[0], op.k[0], node.operands[0].type.rank - 1, True)
    return [values, _indices(writer, places, op.dtype)]


@imports("TopK", since=10)
def _read_top_k(context: ImportContext) -> tuple[Operand, Operand]:
    x, (k,) = context.operands[0], context.sizes(1)
    return _read(context, x, k, bool(context.attribute("largest", 1)))


@imports("TopK")
def _read_old_top_k(context: ImportContext) -> tuple[Operand, Operand]:
    return _read(context, context.operands[0], context.attribute("k"), True)


def _read(context: ImportContext, x: Operand, k: Dim, largest: bool) -> tuple[Operand, Operand]:
    axis = context.attribute("axis", -1) % rank_of(x)
    if largest and axis == rank_of(x) - 1:
        values, places = bind(ops.TopK((k,), int64), x)
        return values, places
    if known_equal(k, shape_of(x)[axis]):
        return bind(ops.Sort(axis, largest), x), bind(ops.Argsort(axis, largest, int64), x)
    places = slice_axis(bind(ops.Argsort(axis, largest, int64), x), axis, 0, k)
    return take_along_axis(x, places, axis), places
