"""Reductions in ONNX. Axes are an attribute up to a version and an operand from then on, at different versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from onnx import TensorProto

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import ExportRule, ImportRule, exports, imports
from graphc_backends.onnx.writer import OnnxWriter, decomposition
from graphc_ir.dtypes import int64
from graphc_ir.graph import Node
from graphc_ir.ops import reduction as ops
from graphc_ir.ops.base import Op, Operand, bind, rank_of
from graphc_ir.ops.complex import abs as absolute
from graphc_ir.ops.elementwise import log, square
from graphc_ir.ops.logsumexp import ReduceLogsumexp, reduce_logsumexp
from graphc_ir.ops.movement import expand_dims


def _with_axes_attribute(operator: str) -> ExportRule:
    def rule(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
        op = cast(ops.Reduction, node.op)
        if not op.axes:
            return _of_one_element(writer, operator, operands)
        return str(writer.emit(operator, operands, axes=list(op.axes), keepdims=int(op.keepdims)))

    return rule


def _with_axes_operand(operator: str) -> ExportRule:
    def rule(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
        op = cast(ops.Reduction, node.op)
        if not op.axes:
            return _of_one_element(writer, operator, operands)
        axes = writer.constant(np.array(op.axes, np.int64))
        return str(writer.emit(operator, [operands[0], axes], keepdims=int(op.keepdims)))

    return rule


def _of_one_element(writer: OnnxWriter, operator: str, operands: list[str]) -> str:
    """A reduction over no axes at all."""
    return str(writer.emit("Abs" if operator == "ReduceL2" else "Identity", operands))


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
_reduction(ops.ReduceMin, "ReduceMin", ops.reduce_min, 18)
_reduction(ops.ReduceProd, "ReduceProd", ops.reduce_prod, 18)
_reduction(ops.ReduceEuclideanNorm, "ReduceL2", ops.reduce_euclidean_norm, 18)
_reduction(ReduceLogsumexp, "ReduceLogSumExp", reduce_logsumexp, 18)


@exports(ReduceLogsumexp, since=28)
def _logsumexp(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    # From this version on runtimes may expand the operator without taking the maximum out, which overflows.
    return writer.write_inline(decomposition(node.op, [node.operands[0].type]), operands)[0]


def _reduce_l1(x: Operand, axes: Any, keepdims: bool) -> Operand:
    return ops.reduce_sum(absolute(x), axes, keepdims)


def _reduce_log_sum(x: Operand, axes: Any, keepdims: bool) -> Operand:
    return log(ops.reduce_sum(x, axes, keepdims))


def _reduce_sum_square(x: Operand, axes: Any, keepdims: bool) -> Operand:
    return ops.reduce_sum(square(x), axes, keepdims)


imports("ReduceL1")(_reader(_reduce_l1))
imports("ReduceLogSum")(_reader(_reduce_log_sum))
imports("ReduceSumSquare")(_reader(_reduce_sum_square))


def _of_bools(rule: ExportRule) -> ExportRule:
    """The rule of a numeric reduction, applied to 0 and 1."""

    def of_bools(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
        numbers = writer.emit("Cast", operands, to=TensorProto.INT32)
        # Over no elements the extremum is the lowest or the highest number; only the sign tells false from true.
        return str(writer.emit("Greater", [str(rule(writer, node, [numbers])), writer.constant(np.int32(0))]))

    return of_bools


for _op, _operator in ((ops.ReduceAny, "ReduceMax"), (ops.ReduceAll, "ReduceMin")):
    exports(_op)(_of_bools(_with_axes_attribute(_operator)))
    exports(_op, since=18)(_of_bools(_with_axes_operand(_operator)))


def _arg_extremum(op: type[ops.ArgExtremum], operator: str) -> None:
    @exports(op)
    def write(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
        found = cast(ops.ArgExtremum, node.op)
        index = str(writer.emit(operator, operands, axis=found.axis, keepdims=0))
        return index if found.dtype is int64 else str(writer.emit("Cast", [index], to=to_onnx(found.dtype)))

    @imports(operator)
    def read(context: ImportContext) -> Operand:
        x = context.operands[0]
        axis = context.attribute("axis", 0) % rank_of(x)
        if context.attribute("select_last_index", 0):
            raise context.decline("of equal elements the last one is asked for; there is an op only for the first")
        index = bind(op(axis, int64), x)
        return expand_dims(index, axis) if context.attribute("keepdims", 1) else index


_arg_extremum(ops.ArgMax, "ArgMax")
_arg_extremum(ops.ArgMin, "ArgMin")


@exports(ops.Dims)
def _dims(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Dims, node.op)
    sizes = writer.sizes(op.dims)
    return sizes if op.dtype.name == "int64" else str(writer.emit("Cast", [sizes], to=to_onnx(op.dtype)))
