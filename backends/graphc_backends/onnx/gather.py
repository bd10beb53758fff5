"""Gathering and scattering in ONNX. ONNX counts negative indices from the end; ours are never negative."""

from __future__ import annotations

from typing import cast

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import ExportRule, exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import Dim
from graphc_ir.dtypes import int32, int64
from graphc_ir.errors import ExportError, ImportModelError
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops import gather as ops
from graphc_ir.ops.base import Operand, current, shape_of, using
from graphc_ir.ops.movement import concat, slice_axis


def _indices(writer: OnnxWriter, value: Value, name: str, wide: bool = False) -> str:
    """The indices as a dtype that ONNX takes: int64, and where it does int32."""
    taken = (int64,) if wide else (int32, int64)
    return name if value.type.dtype in taken else str(writer.emit("Cast", [name], to=to_onnx(int64)))


@exports(ops.Gather)
def _gather(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    where = _indices(writer, node.operands[1], operands[1])
    return str(writer.emit("Gather", [operands[0], where], axis=cast(ops.Gather, node.op).axis))


@exports(ops.GatherND)
def _gather_nd(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    where = _indices(writer, node.operands[1], operands[1], wide=True)
    return str(writer.emit("GatherND", [operands[0], where], batch_dims=cast(ops.GatherND, node.op).batch_dims or None))


@exports(ops.GatherElements)
def _gather_elements(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    where = _indices(writer, node.operands[1], operands[1])
    return str(writer.emit("GatherElements", [operands[0], where], axis=cast(ops.GatherElements, node.op).axis))


def _scatter(operator: str, reductions: tuple[str, ...]) -> ExportRule:
    """The operator with the reductions that it has at some version."""

    def rule(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
        op = cast(ops.Scatter, node.op)
        if op.reduction not in reductions:
            return _without_reduction(writer, node, operands)
        where = _indices(writer, node.operands[1], operands[1], wide=operator == "ScatterND")
        reduction = None if op.reduction == "none" else op.reduction
        axis = op.axis if isinstance(op, ops.ScatterElements) else None
        return str(writer.emit(operator, [operands[0], where, operands[2]], reduction=reduction, axis=axis))

    return rule


def _without_reduction(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Scatter, node.op)
    if op.reduction != "add":
        raise ExportError(f"{op.name} with reduction {op.reduction!r} needs opset 18 or later, asked for "
                          f"{writer.opset}; "
                          f"export with opset=18 [{node.location}]")  # fmt: skip
    function = op.decompose if isinstance(op, ops.ScatterElements) else ops.add_rows_by_matmul
    graph = Graph(op.name)
    with using(GraphBuilder(graph)):
        graph.set_outputs([function(*(graph.add_input(value.type) for value in node.operands))])
    return writer.write_inline(graph, operands)[0]


for _op, _operator in ((ops.ScatterND, "ScatterND"), (ops.ScatterElements, "ScatterElements")):
    exports(_op)(_scatter(_operator, ("none",)))
    exports(_op, since=16)(_scatter(_operator, ("none", "add")))
    exports(_op, since=18)(_scatter(_operator, ("none", "add", "max", "min")))


def _counted_from_start(indices: Operand, size: Dim) -> Operand:
    """Indices without negatives; known ones that have none stay as they are."""
    known = current().symbolic_dims(indices) if len(shape_of(indices)) < 2 else None
    if known is not None and all(isinstance(d, int) and d >= 0 for d in known):
        return indices
    return ops.wrap_negative(indices, size)


@imports("Gather")
def _read_gather(context: ImportContext) -> Operand:
    x, indices = context.operands
    axis = context.attribute("axis", 0) % len(shape_of(x))
    return ops.gather(x, _counted_from_start(indices, shape_of(x)[axis]), axis)


def _read_tuples(indices: Operand, sizes: tuple[Dim, ...]) -> Operand:
    last = len(shape_of(indices)) - 1
    columns = [slice_axis(indices, last, i, i + 1) for i in range(len(sizes))]
    return concat([ops.wrap_negative(c, size) for c, size in zip(columns, sizes, strict=True)], last)


@imports("GatherND")
def _read_gather_nd(context: ImportContext) -> Operand:
    x, indices = context.operands
    batch = context.attribute("batch_dims", 0)
    return ops.gather_nd(x, _read_tuples(indices, shape_of(x)[batch : batch + _depth(context, indices)]), batch)


def _depth(context: ImportContext, indices: Operand) -> int:
    depth = shape_of(indices)[-1]
    if not isinstance(depth, int):
        raise ImportModelError(f"{context.where}: the size of an index tuple ({depth}) is not known")
    return depth


@imports("GatherElements")
def _read_gather_elements(context: ImportContext) -> Operand:
    x, indices = context.operands
    axis = context.attribute("axis", 0) % len(shape_of(x))
    return ops.take_along_axis(x, ops.wrap_negative(indices, shape_of(x)[axis]), axis)


def _reduction(context: ImportContext) -> str:
    reduction = str(context.attribute("reduction", "none"))
    if reduction not in ops.REDUCTIONS:
        raise ImportModelError(f"{context.where}: reduction {reduction!r} has no counterpart; known are "
                               f"{', '.join(ops.REDUCTIONS)}")  # fmt: skip
    return reduction


@imports("ScatterND")
def _read_scatter_nd(context: ImportContext) -> Operand:
    x, indices, updates = context.operands
    where = _read_tuples(indices, shape_of(x)[: _depth(context, indices)])
    return ops.tensor_scatter_nd(x, where, updates, _reduction(context))


def _read_scatter_elements(context: ImportContext) -> Operand:
    x, indices, updates = context.operands
    axis = context.attribute("axis", 0) % len(shape_of(x))
    return ops.scatter_elements(x, ops.wrap_negative(indices, shape_of(x)[axis]), updates, axis, _reduction(context))


imports("ScatterElements")(_read_scatter_elements)
imports("Scatter")(_read_scatter_elements)
