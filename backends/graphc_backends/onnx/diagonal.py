"""Triangles and identity matrices in ONNX."""

from __future__ import annotations

from typing import cast

import numpy as np

from graphc_backends.onnx.dtypes import from_onnx
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.graph import Node
from graphc_ir.ops import diagonal as ops
from graphc_ir.ops.base import Operand, dtype_of, shape_of


@exports(ops.Triangle, since=14)
def _triangle(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Triangle, node.op)
    offset = writer.constant(np.int64(op.offset))
    return str(writer.emit("Trilu", [operands[0], offset], upper=int(op.upper)))


@imports("Trilu")
def _read_triangle(context: ImportContext) -> Operand:
    known = context.sizes(1)[0] if context.operand(1) is not None else 0
    if not isinstance(known, int):
        raise context.decline(f"the diagonal {known} is not a known number")
    function = ops.triu if context.attribute("upper", 1) else ops.tril
    return function(context.operands[0], known)


@imports("EyeLike")
def _read_eye(context: ImportContext) -> Operand:
    x = context.operands[0]
    rows, columns = shape_of(x)
    dtype = from_onnx(context.attribute("dtype")) if context.has("dtype") else dtype_of(x)
    return ops.eye(rows, columns, dtype=dtype, k=context.attribute("k", 0))
