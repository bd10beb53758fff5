"""Pooling in ONNX. The gradients are written through their decompositions: ``Mul(Cast(Equal))`` masks and
transposed convolutions, never MaxPool with indices nor Where, which runtimes compute many times slower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from graphc_backends.onnx.conv import ints, padding_attributes, pads
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter, decomposition
from graphc_ir.dims import Dim, Shape
from graphc_ir.errors import ImportModelError
from graphc_ir.graph import Node
from graphc_ir.ops import pooling as ops
from graphc_ir.ops.base import Operand, bind, rank_of, shape_of
from graphc_ir.ops.reduction import reduce_max, reduce_mean


def _attributes(node: Node) -> dict[str, Any]:
    op, x = cast(ops.Pooling, node.op), node.operands[0].type.shape
    return {"kernel_shape": list(op.window), "strides": list(op.strides), **padding_attributes(op, x, op.window)}


@exports(ops.MaxPool)
def _max_pool(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.MaxPool, node.op)
    return str(writer.emit("MaxPool", operands, dilations=list(op.dilations), **_attributes(node)))


@exports(ops.AvgPool)
def _avg_pool(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.AvgPool, node.op)
    if any(d != 1 for d in op.dilations):
        return writer.write_inline(decomposition(op, [node.operands[0].type]), operands)[0]
    return str(writer.emit("AveragePool", operands, count_include_pad=int(op.count_padding), **_attributes(node)))


@exports(ops.AvgPool, since=19)
def _avg_pool_dilated(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.AvgPool, node.op)
    attributes = _attributes(node) | {"dilations": list(op.dilations)}
    return str(writer.emit("AveragePool", operands, count_include_pad=int(op.count_padding), **attributes))


def _read_parts(context: ImportContext) -> Any:
    x = context.operands[0]
    window = tuple(int(k) for k in context.attribute("kernel_shape"))
    rank = len(window)
    strides, dilations = ints(context, "strides", rank, 1), ints(context, "dilations", rank, 1)
    low, high = pads(context, shape_of(x)[2:], window, strides, dilations)
    if context.attribute("ceil_mode", 0):
        high = _rounded_up(context, shape_of(x)[2:], window, strides, dilations, low, high)
    return strides, low, high, dilations, "NCHW", window


def _rounded_up(
    context: ImportContext,
    spatial: Shape,
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    low: Shape,
    high: Shape,
) -> Shape:
    """``ceil_mode`` as more padding at the end. A window that would start in it is left out."""
    result = []
    for i, size in enumerate(spatial):
        reach = (window[i] - 1) * dilations[i] + 1
        over: Dim = (size + low[i] + high[i] - reach) % strides[i]
        if not isinstance(over, int) or not isinstance(size, int):
            raise ImportModelError(f"{context.where}: ceil_mode needs known spatial sizes, got {size}")
        more = strides[i] - over if over else 0
        last_start = size + low[i] + high[i] + more - reach
        result.append(high[i] + (more if last_start < size + low[i] else 0))
    return tuple(result)


@imports("MaxPool")
def _read_max_pool(context: ImportContext) -> Operand:
    context.attribute("storage_order", 0)  # orders the Indices only
    if len(context.node.output) > 1 and context.node.output[1]:
        raise ImportModelError(f"{context.where}: the Indices result of MaxPool has no counterpart")
    return bind(ops.MaxPool(*_read_parts(context)), context.operands[0])


@imports("AveragePool")
def _read_average_pool(context: ImportContext) -> Operand:
    counted = bool(context.attribute("count_include_pad", 0))
    parts = _read_parts(context)
    if (
        counted
        and context.attribute("ceil_mode", 0)
        and parts[2] != ints(context, "pads", 2 * len(parts[5]), 0)[len(parts[5]) :]
    ):
        raise ImportModelError(f"{context.where}: ceil_mode together with count_include_pad has no counterpart")
    return bind(ops.AvgPool(*(*parts, counted)), context.operands[0])


@imports("GlobalAveragePool")
def _read_global_average_pool(context: ImportContext) -> Operand:
    x = context.operands[0]
    return reduce_mean(x, list(range(2, rank_of(x))), keepdims=True)


@imports("GlobalMaxPool")
def _read_global_max_pool(context: ImportContext) -> Operand:
    x = context.operands[0]
    return reduce_max(x, list(range(2, rank_of(x))), keepdims=True)
