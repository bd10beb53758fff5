"""Movement ops in ONNX."""

from __future__ import annotations

from typing import cast

import numpy as np

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter, to_proto
from graphc_ir.dims import Dim, Shape, broadcast_shapes, element_count
from graphc_ir.graph import Node
from graphc_ir.ops import movement as ops
from graphc_ir.ops.base import Operand, rank_of, shape_of
from graphc_ir.ops.indexing import getitem


@exports(ops.Reshape)
def _reshape(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    shape = cast(ops.Reshape, node.op).shape
    if 0 in shape:
        # A 0 means "as in the operand" up to opset 13; the result is empty, so that it can be made anew.
        empty = to_proto(np.zeros(1, node.results[0].type.dtype.np), "value")
        return str(writer.emit("ConstantOfShape", [writer.sizes(shape)], value=empty))
    return _resized(writer, node, operands[0])


@exports(ops.Reshape, since=14)
def _reshape_to_zero(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    shape = cast(ops.Reshape, node.op).shape
    if 0 in shape:
        return str(writer.emit("Reshape", [operands[0], writer.sizes(shape)], allowzero=1))
    return _resized(writer, node, operands[0])


def _resized(writer: OnnxWriter, node: Node, x: str) -> str:
    """Without computing sizes where that can be had: Reshape finds out one unknown size itself, and to put in or take
    out axes of size 1 none needs to be known."""
    have, shape = node.operands[0].type.shape, cast(ops.Reshape, node.op).shape
    unknown = sum(not isinstance(d, int) for d in shape)
    if unknown == 1:
        target = writer.constant(np.array([d if isinstance(d, int) else -1 for d in shape], np.int64))
        return str(writer.emit("Reshape", [x, target]))
    for operator, axes in (("Unsqueeze", _added_ones(have, shape)), ("Squeeze", _added_ones(shape, have))):
        if unknown and axes:
            return str(writer.emit(operator, [x, writer.constant(np.array(axes, np.int64))]))
    return str(writer.emit("Reshape", [x, writer.sizes(shape)]))


def _added_ones(small: Shape, large: Shape) -> list[int]:
    """The axes of ``large`` without which it would be ``small``, all of size 1; empty if there are no such."""
    rest, added = list(small), []
    for axis, dim in enumerate(large):
        if rest and rest[0] == dim:
            rest.pop(0)
        elif isinstance(dim, int) and dim == 1:
            added.append(axis)
        else:
            return []
    return [] if rest else added


@imports("Reshape")
def _read_reshape(context: ImportContext) -> Operand:
    x = context.operands[0]
    target = context.sizes(1)
    if not context.attribute("allowzero", 0):
        have = shape_of(x)
        target = tuple(have[i] if isinstance(d, int) and d == 0 else d for i, d in enumerate(target))
    return ops.reshape(x, target)


@exports(ops.Transpose)
def _transpose(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    order = cast(ops.Transpose, node.op).permutation
    return str(writer.emit("Transpose", operands, perm=list(order)) if order else writer.emit("Identity", operands))


@imports("Transpose")
def _read_transpose(context: ImportContext) -> Operand:
    return ops.transpose(context.operands[0], context.attribute("perm", None))


@exports(ops.BroadcastTo)
def _broadcast_to(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Expand", [operands[0], writer.sizes(cast(ops.BroadcastTo, node.op).shape)]))


@imports("Expand")
def _read_expand(context: ImportContext) -> Operand:
    x = context.operands[0]
    return ops.broadcast_to(x, broadcast_shapes(shape_of(x), context.sizes(1)))


@imports("Squeeze")
def _read_squeeze(context: ImportContext) -> Operand:
    return ops.squeeze(context.operands[0], context.axes_operand_or_attribute())


@imports("Unsqueeze")
def _read_unsqueeze(context: ImportContext) -> Operand:
    return ops.expand_dims(context.operands[0], context.axes_operand_or_attribute())


@imports("Flatten")
def _read_flatten(context: ImportContext) -> Operand:
    x = context.operands[0]
    shape, axis = shape_of(x), context.attribute("axis", 1)
    cut = axis + len(shape) if axis < 0 else axis
    return ops.reshape(x, (element_count(shape[:cut]), element_count(shape[cut:])))


@exports(ops.Concat)
def _concat(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Concat", operands, axis=cast(ops.Concat, node.op).axis))


@imports("Concat")
def _read_concat(context: ImportContext) -> Operand:
    return ops.concat(context.operands, context.attribute("axis"))


@exports(ops.Slice)
def _slice(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Slice, node.op)
    whole = node.operands[0].type.shape
    axes = [i for i, d in enumerate(whole) if (op.starts[i], op.stops[i], op.steps[i]) != (0, d, 1)]
    if not axes:
        return str(writer.emit("Identity", operands))
    # A stop before element 0 is written as the smallest integer: -1 would mean the last element.
    stops: list[Dim] = [_before_start(op.stops[a]) for a in axes]
    starts = writer.sizes(tuple(op.starts[a] for a in axes))
    steps = writer.constant(np.array([op.steps[a] for a in axes], np.int64))
    listed = writer.constant(np.array(axes, np.int64))
    return str(writer.emit("Slice", [operands[0], starts, writer.sizes(tuple(stops)), listed, steps]))


def _before_start(stop: Dim) -> Dim:
    return -(2**63) + 1 if isinstance(stop, int) and stop == -1 else stop


@imports("Slice")
def _read_slice(context: ImportContext) -> Operand:
    x = context.operands[0]
    rank = rank_of(x)
    starts, stops, listed, steps = _slice_arguments(context)
    key = [slice(None)] * rank
    axes = [int(a) % rank for a in (range(len(starts)) if listed is None else listed)]
    for axis, start, stop, step in zip(axes, starts, stops, steps or (1,) * len(starts), strict=True):
        key[axis] = slice(start, stop, step)
    return getitem(x, tuple(key))


def _slice_arguments(context: ImportContext) -> tuple[Shape, Shape, Shape | None, Shape | None]:
    """Starts, ends, axes and steps: attributes in old models, operands in newer ones."""
    if context.has("starts"):
        axes = context.attribute("axes", None)
        return (
            tuple(context.attribute("starts")),
            tuple(context.attribute("ends")),
            axes and tuple(axes),
            None,
        )
    axes = context.sizes(3) if context.operand(3) is not None else None
    steps = context.sizes(4) if context.operand(4) is not None else None
    return context.sizes(1), context.sizes(2), axes, steps


@exports(ops.Split)
def _split(writer: OnnxWriter, node: Node, operands: list[str]) -> list[str]:
    op = cast(ops.Split, node.op)
    count = len(op.sizes)
    written = writer.emit("Split", [operands[0], writer.sizes(op.sizes)], outputs=count, axis=op.axis)
    return [written] if count == 1 else list(written)


@imports("Split")
def _read_split(context: ImportContext) -> tuple[Operand, ...]:
    axis, count = context.attribute("axis", 0), len(context.node.output)
    if context.has("split"):
        sizes = list(context.attribute("split"))
    elif context.operand(1) is not None:
        sizes = list(context.sizes(1))
    else:
        return tuple(ops.split(context.operands[0], _even_sizes(context, axis, count), axis))
    return tuple(ops.split(context.operands[0], sizes, axis))


def _even_sizes(context: ImportContext, axis: int, count: int) -> list[Dim]:
    """Equal parts; the last one is smaller where they do not fill the axis."""
    size = shape_of(context.operands[0])[axis]
    part = -(-size // count)
    return [*[part] * (count - 1), size - part * (count - 1)]


@exports(ops.Pad)
def _pad(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Pad, node.op)
    return str(writer.emit("Pad", [operands[0], writer.sizes((*op.before, *op.after)), operands[1]], mode="constant"))


@exports(ops.Tile)
def _tile(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Tile", [operands[0], writer.sizes(cast(ops.Tile, node.op).multiples)]))


@imports("Tile")
def _read_tile(context: ImportContext) -> Operand:
    return ops.tile(context.operands[0], context.sizes(1))
