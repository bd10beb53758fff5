"""Samples of complex numbers and their parts."""

from __future__ import annotations

from graphc_ir.errors import DTypeError
from graphc_ir.ops import complex as ops
from graphc_ir.types import parse_type
from tests.samples.base import ErrorCase, Sample

_N = {"n": 3}

SAMPLES = [
    Sample(ops.Real(), ("c128[2, n]",), _N, min_opset=None),
    Sample(ops.Real(), ("c64[]",), min_opset=None),
    Sample(ops.Imag(), ("c128[2, n]",), _N, min_opset=None),
    Sample(ops.ComplexAbs(), ("c128[2, n]",), _N, min_opset=None),
    Sample(ops.Angle(), ("c128[2, n]",), _N, ranges=((0.3, 2.0),), min_opset=None),
    Sample(ops.Complex(), ("f64[2, n]", "f64[n]"), _N, min_opset=None),
    Sample(ops.Complex(), ("f32[]", "f32[]"), min_opset=None),
]

ERRORS = [
    ErrorCase(
        lambda: ops.Complex().infer(parse_type("f16[2]"), parse_type("f16[2]")),
        DTypeError, r"float32 or float64 parts, got float16", "complex_of_halves",
    ),
    ErrorCase(
        lambda: ops.Real().infer(parse_type("f32[2]")),
        DTypeError, r"real does not take dtype float32", "real_part_of_real",
    ),
]  # fmt: skip
