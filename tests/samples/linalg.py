"""Samples of matrix products."""

from __future__ import annotations

from graphc_ir.errors import DTypeError, ShapeError
from graphc_ir.ops import linalg as ops
from graphc_ir.types import parse_type
from tests.samples.base import ErrorCase, Sample

_N = {"n": 3}

SAMPLES = [
    Sample(ops.MatMul(), ("f64[2, n]", "f64[n, 4]"), _N),
    Sample(ops.MatMul(), ("f64[n, 2, 3]", "f64[n, 3, 2]"), _N),
    Sample(ops.MatMul(), ("f64[2, 1, 2, 3]", "f64[n, 3, 1]"), _N, label="broadcast_batch"),
    Sample(ops.MatMul(), ("f64[0, 3]", "f64[3, 2]"), label="no_rows"),
    Sample(ops.MatMul(), ("f64[2, 0]", "f64[0, 2]"), label="nothing_to_sum", min_opset=None),
    Sample(ops.MatMul(), ("i32[2, 3]", "i32[3, 2]")),
    Sample(ops.MatMul(), ("f16[2, 3]", "f16[3, 2]"), rtol=1e-2, atol=1e-2),
    Sample(ops.MatMul(), ("bf16[2, 3]", "bf16[3, 2]"), min_opset=None),
    Sample(ops.MatMul(), ("c128[2, 3]", "c128[3, 2]"), min_opset=None),
    Sample(ops.Gemm(1.0, 1.0, False, False), ("f64[n, 2]", "f64[2, 4]", "f64[4]"), _N),
    Sample(ops.Gemm(0.5, 1.0, True, False), ("f64[2, n]", "f64[2, 4]", "f64[]"), _N),
    Sample(ops.Gemm(2.0, -1.5, True, True), ("f64[2, 3]", "f64[4, 2]", "f64[3, 1]")),
    Sample(ops.Gemm(0.5, 1.0, False, True), ("f32[2, 3]", "f32[4, 3]"), gradient=False),
]

ERRORS = [
    ErrorCase(
        lambda: ops.MatMul().infer(parse_type("f32[2, 3]"), parse_type("f32[4, 2]")),
        ShapeError, r"f32\[2, 3\] and f32\[4, 2\] do not fit: inner sizes of matmul", "matmul_inner",
    ),
    ErrorCase(
        lambda: ops.Gemm(1.0, 1.0, False, False).infer(*map(parse_type, ("f32[2, 3]", "f32[3, 4]", "f32[5]"))),
        ShapeError, r"gemm: f32\[2, 3\] and f32\[3, 4\] do not fit", "gemm_bias",
    ),
    ErrorCase(
        lambda: ops.Gemm(1.0, 1.0, False, False).infer(*map(parse_type, ("f32[1, 3]", "f32[3, 4]", "f32[2, 4]"))),
        ShapeError, r"f32\[2, 4\] does not broadcast to the product's shape \[1, 4\]", "gemm_growing_bias",
    ),
    ErrorCase(
        lambda: ops.MatMul().infer(parse_type("f32[3]"), parse_type("f32[3, 2]")),
        ShapeError, r"rank 2 or more, got f32\[3\]", "matmul_vector",
    ),
    ErrorCase(
        lambda: ops.MatMul().infer(parse_type("f32[2, 3]"), parse_type("f64[3, 2]")),
        DTypeError, r"mat_mul got operands of dtypes float32 and float64", "matmul_mixed",
    ),
]  # fmt: skip
