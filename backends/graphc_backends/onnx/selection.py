"""Data-dependent selection in ONNX."""

from __future__ import annotations

from typing import cast

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.dims import Dim, element_count, fresh_symbol, known_equal
from graphc_ir.dtypes import DType, float32, int64
from graphc_ir.graph import Node
from graphc_ir.ops import selection as ops
from graphc_ir.ops.base import Operand, bind, shape_of
from graphc_ir.ops.creation import iota
from graphc_ir.ops.gather import tensor_scatter_nd_min
from graphc_ir.ops.movement import broadcast_to, expand_dims, reshape, slice_axis, transpose
from graphc_ir.ops.shape import size_operand


@exports(ops.Argwhere)
def _argwhere(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    return str(writer.emit("Transpose", [writer.emit("NonZero", operands)], perm=[1, 0]))


@imports("NonZero")
def _read_nonzero(context: ImportContext) -> Operand:
    return transpose(ops.argwhere(context.operands[0]), (1, 0))


@imports("Compress")
def _read_compress(context: ImportContext) -> Operand:
    x, condition = context.operands
    shape = shape_of(x)
    if not context.has("axis"):
        x, axis = reshape(x, (element_count(shape),)), 0
    else:
        axis = context.attribute("axis") % len(shape)
    length = shape_of(condition)[0]
    # A condition that is shorter than the axis leaves the rest out.
    if known_equal(length, shape_of(x)[axis]) is False:
        x = slice_axis(x, axis, 0, length)
    return ops.boolean_mask(x, condition, axis)


@exports(ops.Unique)
def _unique(writer: OnnxWriter, node: Node, operands: list[str]) -> list[str]:
    op, dtype = cast(ops.Unique, node.op), node.operands[0].type.dtype
    # Runtimes have kernels for the wide dtypes only.
    wide = dtype if dtype.size == 8 or dtype.kind == "s" else float32 if dtype.is_floating else int64
    operand = _converted(writer, operands[0], dtype, wide)
    values, _, places, counts = writer.emit("Unique", [operand], outputs=4, sorted=int(op.ordered))
    numbers = [_converted(writer, o, int64, op.dtype) for o in (places, counts)]
    return [_converted(writer, values, wide, dtype), *numbers]


def _converted(writer: OnnxWriter, name: str, have: DType, wanted: DType) -> str:
    return name if have is wanted else str(writer.emit("Cast", [name], to=to_onnx(wanted)))


@imports("Unique")
def _read_unique(context: ImportContext) -> tuple[Operand, ...]:
    x = context.operands[0]
    if context.has("axis"):
        raise context.decline("distinct slices along an axis have no counterpart")
    flat = reshape(x, (element_count(shape_of(x)),))
    op = ops.Unique((fresh_symbol(),), int64, bool(context.attribute("sorted", 1)))
    values, places, counts = bind(op, flat)
    return values, _first_positions(places, shape_of(values)[0]), places, counts


def _first_positions(places: Operand, count: Dim) -> Operand:
    """Where each distinct value comes first: the least of the positions that have it."""
    size = shape_of(places)[0]
    beyond = broadcast_to(size_operand(size, int64), (count,))
    return tensor_scatter_nd_min(beyond, expand_dims(places, 1), iota(size, int64))
