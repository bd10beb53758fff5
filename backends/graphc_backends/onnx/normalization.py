"""Normalisation in ONNX."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.errors import ImportModelError
from graphc_ir.graph import Node
from graphc_ir.ops import normalization as ops
from graphc_ir.ops.base import Operand, bind, dtype_of, lift, normalize_axis, rank_of
from graphc_ir.ops.conv import move_channels_first, move_channels_last
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add, div, maximum, mul, sqrt, square
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.reduction import reduce_sum


def _channels_to(axis: int, rank: int) -> tuple[list[int], list[int]]:
    """The permutation that moves ``axis`` to place 1, and the one that undoes it."""
    forth = [i for i in range(rank) if i != axis]
    forth.insert(1, axis)
    return forth, [forth.index(i) for i in range(rank)]


def real(context: ImportContext, name: str, default: float) -> float:
    """A float attribute in its shortest decimals: files hold float32, where 0.001 reads 0.0010000000475."""
    return float(str(np.float32(context.attribute(name, default))))


@exports(ops.BatchNorm)
def _batch_norm(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op, rank = cast(ops.BatchNorm, node.op), node.operands[0].type.rank
    if op.axis == 1:
        return str(writer.emit("BatchNormalization", operands, epsilon=op.epsilon))
    if rank == 1:
        return _vector_batch_norm(writer, op, operands)
    forth, back = _channels_to(op.axis, rank)
    x = writer.emit("Transpose", [operands[0]], perm=forth)
    y = writer.emit("BatchNormalization", [x, *operands[1:]], epsilon=op.epsilon)
    return str(writer.emit("Transpose", [y], perm=back))


def _vector_batch_norm(writer: OnnxWriter, op: ops.BatchNorm, operands: list[str]) -> str:
    row = writer.emit("Reshape", [operands[0], writer.constant([1, -1], "int64")])
    y = writer.emit("BatchNormalization", [row, *operands[1:]], epsilon=op.epsilon)
    return str(writer.emit("Reshape", [y, writer.constant([-1], "int64")]))


@imports("BatchNormalization")
def _read_batch_norm(context: ImportContext) -> Operand:
    if context.attribute("training_mode", 0):
        raise ImportModelError(f"{context.where}: training mode has no counterpart; export the model for inference")
    x, scale, offset, mean, variance = context.operands[:5]
    return bind(ops.BatchNorm(1, real(context, "epsilon", 1e-5)), x, scale, offset, mean, variance)


@exports(ops.LayerNorm, since=17)
def _layer_norm(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.LayerNorm, node.op)
    return str(writer.emit("LayerNormalization", operands, axis=op.axis, epsilon=op.epsilon))


@imports("LayerNormalization")
def _read_layer_norm(context: ImportContext) -> Any:
    if any(context.node.output[1:]):
        raise ImportModelError(f"{context.where}: the statistics as results have no counterpart")
    x, scale = context.operands[:2]
    offset = context.operand(2)
    shift = zeros_like(scale) if offset is None else offset
    axis, epsilon = context.attribute("axis", -1), real(context, "epsilon", 1e-5)
    return ops.layer_norm(x, scale, shift, axis, epsilon)


@exports(ops.RmsNorm, since=23)
def _rms_norm(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.RmsNorm, node.op)
    return str(writer.emit("RMSNormalization", operands, axis=op.axis, epsilon=op.epsilon))


@imports("RMSNormalization")
def _read_rms_norm(context: ImportContext) -> Operand:
    x, scale = context.operands[:2]
    return ops.rms_norm(x, scale, context.attribute("axis", -1), real(context, "epsilon", 1e-5))


@imports("InstanceNormalization")
def _read_instance_norm(context: ImportContext) -> Operand:
    x, scale, offset = context.operands
    axes = list(range(2, rank_of(x)))
    result, _, _ = ops.standardize(x, axes, real(context, "epsilon", 1e-5))
    vector = (-1, *(1,) * len(axes))
    return add(mul(result, reshape(scale, vector)), reshape(offset, vector))


@imports("GroupNormalization", since=21)
def _read_group_norm(context: ImportContext) -> Operand:
    x, scale, offset = context.operands
    groups, epsilon = int(context.attribute("num_groups")), real(context, "epsilon", 1e-5)
    return ops.group_norm(x, groups, scale, offset, axis=1, epsilon=epsilon)


@imports("LpNormalization")
def _read_lp_normalization(context: ImportContext) -> Operand:
    x = context.operands[0]
    axis = normalize_axis(context.attribute("axis", -1), rank_of(x))
    if context.attribute("p", 2) != 2:
        raise ImportModelError(f"{context.where}: p={context.attribute('p')} has no counterpart; only p=2 has")
    length = sqrt(reduce_sum(square(x), axis, keepdims=True))
    return div(x, maximum(length, lift(float(dtype_of(x).np.type(1e-30)), dtype_of(x))))


@exports(ops.LocalResponseNorm)
def _local_response_norm(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op, rank = cast(ops.LocalResponseNorm, node.op), node.operands[0].type.rank
    size = 2 * op.depth_radius + 1
    forth, back = _channels_to(rank - 1, rank)
    x = writer.emit("Transpose", [operands[0]], perm=forth)
    y = writer.emit("LRN", [x], size=size, alpha=op.alpha * size, beta=op.beta, bias=op.bias)
    return str(writer.emit("Transpose", [y], perm=back))


@imports("LRN")
def _read_lrn(context: ImportContext) -> Operand:
    x, size = context.operands[0], int(context.attribute("size"))
    if size % 2 == 0:
        raise ImportModelError(f"{context.where}: an even size ({size}) has no counterpart")
    alpha, beta = real(context, "alpha", 1e-4) / size, real(context, "beta", 0.75)
    bias = real(context, "bias", 1.0)
    y = ops.local_response_normalization(move_channels_last(x), size // 2, bias, alpha, beta)
    return move_channels_first(y)
