"""Trigonometric and hyperbolic functions in ONNX. What is missing here is written by its decomposition."""

from __future__ import annotations

from graphc_backends.onnx.rules import one_to_one
from graphc_ir.ops import transcendental as ops

one_to_one(
    {
        ops.Tan: "Tan", ops.Asin: "Asin", ops.Acos: "Acos", ops.Atan: "Atan", ops.Sinh: "Sinh", ops.Cosh: "Cosh",
        ops.Asinh: "Asinh", ops.Acosh: "Acosh", ops.Atanh: "Atanh",
    }
)  # fmt: skip
