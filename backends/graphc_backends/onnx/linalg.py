"""Matrix products in ONNX."""

from __future__ import annotations

from graphc_backends.onnx.rules import one_to_one
from graphc_ir.ops import linalg as ops

one_to_one({ops.MatMul: "MatMul"})
