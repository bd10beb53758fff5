"""Matrix products in ONNX."""

from __future__ import annotations

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import imports, one_to_one
from graphc_ir.ops import linalg as ops
from graphc_ir.ops.base import Operand
from graphc_ir.ops.einsum import einsum

one_to_one({ops.MatMul: "MatMul"})


@imports("Einsum")
def _einsum(context: ImportContext) -> Operand:
    return einsum(context.attribute("equation"), *context.operands)
