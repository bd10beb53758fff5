"""Products of segments in ONNX; sums and extrema are scatters."""

from __future__ import annotations

import numpy as np

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.rules import exports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.dtypes import int64
from graphc_ir.graph import Node
from graphc_ir.ops import segment as ops


@exports(ops.SegmentProd, since=16)
def _segment_prod(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    base, x, ids = operands
    if node.operands[2].type.dtype is not int64:
        ids = writer.emit("Cast", [ids], to=to_onnx(int64))
    tuples = writer.emit("Unsqueeze", [ids, writer.constant(np.array([1], np.int64))])
    return str(writer.emit("ScatterND", [base, tuples, x], reduction="mul"))
