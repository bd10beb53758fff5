"""Matrix products in ONNX."""

from __future__ import annotations

from typing import Any, cast

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports, one_to_one
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.graph import Node
from graphc_ir.ops import linalg as ops
from graphc_ir.ops.base import Operand
from graphc_ir.ops.einsum import einsum

one_to_one({ops.MatMul: "MatMul"})


@exports(ops.Gemm)
def _gemm(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.Gemm, node.op)
    attributes: dict[str, Any] = {
        "alpha": None if op.alpha == 1 else op.alpha,
        "beta": None if op.beta == 1 else op.beta,
        "transA": int(op.transpose_a) or None,
        "transB": int(op.transpose_b) or None,
    }
    return str(writer.emit("Gemm", operands, **attributes))


@imports("Gemm", since=7)
def _read_gemm(context: ImportContext) -> Operand:
    flags = bool(context.attribute("transA", 0)), bool(context.attribute("transB", 0))
    op = ops.Gemm(float(context.attribute("alpha", 1.0)), float(context.attribute("beta", 1.0)), *flags)
    return context.bind(op, *(x for x in context.operands if x is not None))


@imports("Einsum")
def _einsum(context: ImportContext) -> Operand:
    return einsum(context.attribute("equation"), *context.operands)
