"""Softmax and losses in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import ImportRule, exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir import dims
from graphc_ir.errors import ImportModelError
from graphc_ir.graph import Node
from graphc_ir.ops import nn as ops
from graphc_ir.ops.base import Operand, normalize_axis, shape_of
from graphc_ir.ops.creation import ones_like
from graphc_ir.ops.movement import reshape


@exports(ops.Softmax)
def _softmax(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Softmax", operands, axis=cast(ops.Softmax, node.op).axis))


@exports(ops.LogSoftmax)
def _log_softmax(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("LogSoftmax", operands, axis=cast(ops.LogSoftmax, node.op).axis))


def _reader(function: Callable[..., Any]) -> ImportRule:
    return lambda context: function(context.operands[0], context.attribute("axis", -1))


def _flattening_reader(function: Callable[..., Any]) -> ImportRule:
    """Before opset 13 all axes from ``axis`` on are one."""

    def rule(context: ImportContext) -> Operand:
        x = context.operands[0]
        shape = shape_of(x)
        axis = normalize_axis(context.attribute("axis", 1), max(len(shape), 1)) if shape else 0
        flat = reshape(x, (*shape[:axis], dims.element_count(shape[axis:])))
        return reshape(function(flat, -1), shape)

    return rule


for _operator, _function in {"Softmax": ops.softmax, "LogSoftmax": ops.log_softmax}.items():
    imports(_operator)(_flattening_reader(_function))
    imports(_operator, since=13)(_reader(_function))


@imports("Dropout")
def _read_dropout(context: ImportContext) -> Any:
    """The identity, as in inference."""
    x, training = context.operands[0], context.operand(2)
    known = None if training is None else context.sizes_or_none(2)
    if training is not None and known != (0,):
        raise ImportModelError(f"{context.where}: training mode has no counterpart; export the model for inference")
    wants_mask = len(context.node.output) > 1 and bool(context.node.output[1])
    return (x, ones_like(x, "bool")) if wants_mask else x
