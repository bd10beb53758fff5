"""Reductions in ONNX. Axes are an attribute up to a version and an operand from then on, at different versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import ExportRule, ImportRule, exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.graph import Node
from graphc_ir.ops import reduction as ops
from graphc_ir.ops.base import Op, Operand


def _with_axes_attribute(operator: str) -> ExportRule:
    def rule(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
        op = cast(ops.Reduction, node.op)
        if not op.axes:
            return str(writer.emit("Identity", operands))
        return str(writer.emit(operator, operands, axes=list(op.axes), keepdims=int(op.keepdims)))

    return rule


def _with_axes_operand(operator: str) -> ExportRule:
    def rule(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
        op = cast(ops.Reduction, node.op)
        if not op.axes:
            return str(writer.emit("Identity", operands))
        axes = writer.constant(np.array(op.axes, np.int64))
        return str(writer.emit(operator, [operands[0], axes], keepdims=int(op.keepdims)))

    return rule


def _reader(function: Callable[..., Any]) -> ImportRule:
    def rule(context: ImportContext) -> Operand:
        axes = context.axes_operand_or_attribute()
        if axes is None and context.attribute("noop_with_empty_axes", 0):
            return context.operands[0]
        return function(context.operands[0], axes, bool(context.attribute("keepdims", 1)))

    return rule


def _reduction(op: type[Op], operator: str, function: Callable[..., Any], axes_operand_since: int) -> None:
    exports(op)(_with_axes_attribute(operator))
    exports(op, since=axes_operand_since)(_with_axes_operand(operator))
    imports(operator)(_reader(function))


_reduction(ops.ReduceSum, "ReduceSum", ops.reduce_sum, 13)
_reduction(ops.ReduceMean, "ReduceMean", ops.reduce_mean, 18)
_reduction(ops.ReduceMax, "ReduceMax", ops.reduce_max, 18)


@exports(ops.Dims)
def _dims(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Dims, node.op)
    sizes = writer.sizes(op.dims)
    return sizes if op.dtype.name == "int64" else str(writer.emit("Cast", [sizes], to=to_onnx(op.dtype)))
