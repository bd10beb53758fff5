"""Running sums and products in ONNX."""

from __future__ import annotations

from typing import cast

import numpy as np

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.builder import GraphBuilder
from graphc_ir.dtypes import DType, float32, float64, int32, int64
from graphc_ir.graph import Graph, Node
from graphc_ir.ops import cumulative as ops
from graphc_ir.ops.base import Operand, using
from graphc_ir.ops.elementwise import mul
from graphc_ir.types import TensorType


@exports(ops.Cumsum)
def _cumsum(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op, dtype = cast(ops.Cumsum, node.op), node.operands[0].type.dtype
    taken = dtype in (float32, float64, int32, int64)
    source = operands[0] if taken else writer.emit("Cast", operands, to=to_onnx(_wide(node)))
    axis = writer.constant(op.axis, np.int64)
    exclusive, reverse = int(op.exclusive) or None, int(op.reverse) or None
    result = str(writer.emit("CumSum", [source, axis], exclusive=exclusive, reverse=reverse))
    return result if taken else str(writer.emit("Cast", [result], to=to_onnx(dtype)))


def _wide(node: Node) -> DType:
    return float32 if node.operands[0].type.dtype.is_floating else int64


@exports(ops.Cumprod)
def _cumprod(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    """A Scan over the axis: runtimes have no kernel for the operator CumProd."""
    op, x = cast(ops.Cumprod, node.op), node.operands[0].type
    item = x.with_shape((*x.shape[: op.axis], *x.shape[op.axis + 1 :]))
    start = writer.emit("Expand", [writer.constant(1, x.dtype.np), writer.sizes(item.shape)])
    body = writer.subgraph(_step(item, op.exclusive), "cumprod_step")
    backwards = [1] if op.reverse else None
    results = writer.emit(
        "Scan", [start, operands[0]], outputs=2, body=body, num_scan_inputs=1, scan_input_axes=[op.axis],
        scan_output_axes=[op.axis], scan_input_directions=backwards, scan_output_directions=backwards,
    )  # fmt: skip
    return str(results[1])


def _step(item: TensorType, exclusive: bool) -> Graph:
    """From the product so far and an element to the next product and the element of the result."""
    graph = Graph("cumprod_step")
    before, element = graph.add_input(item), graph.add_input(item)
    with using(GraphBuilder(graph)):
        after = mul(before, element)
    graph.set_outputs([after, before if exclusive else after])
    return graph


def _read(context: ImportContext, kind: type[ops.Cumulative]) -> Operand:
    (axis,) = context.sizes(1)
    exclusive, reverse = context.attribute("exclusive", 0), context.attribute("reverse", 0)
    return ops.bind_cumulative(kind, context.operands[0], axis, exclusive, reverse)  # type: ignore[arg-type]


@imports("CumSum")
def _read_cumsum(context: ImportContext) -> Operand:
    return _read(context, ops.Cumsum)


@imports("CumProd")
def _read_cumprod(context: ImportContext) -> Operand:
    return _read(context, ops.Cumprod)
