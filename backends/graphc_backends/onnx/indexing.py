"""Slices of Python's rules in ONNX, which has the same."""

from __future__ import annotations

from typing import cast

import numpy as np

from graphc_backends.onnx.rules import exports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.graph import Node
from graphc_ir.ops import indexing as ops


@exports(ops.ClampedSlice)
def _clamped_slice(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.ClampedSlice, node.op)
    bounds = [writer.sizes((bound,)) for bound in op.bounds]
    axis, step = (writer.constant(np.array([n], np.int64)) for n in (op.axis, op.step))
    return str(writer.emit("Slice", [operands[0], *bounds, axis, step]))
