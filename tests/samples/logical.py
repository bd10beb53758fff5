"""Samples of logic, bits and questions about floats."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import DTypeError
from graphc_ir.ops import logical as ops
from graphc_ir.types import parse_type
from tests.samples.base import ErrorCase, Sample

_N = {"n": 3}
_SPECIAL = ([0.0, np.inf, -np.inf, np.nan, 1e30],)
_BITS = ((-100, 100), (-100, 100))
_SHIFT = ((-100, 100), (0, 4))

SAMPLES = [
    Sample(ops.LogicalAnd(), ("bool[2, n]", "bool[n]"), _N),
    Sample(ops.LogicalOr(), ("bool[2, n]", "bool[n]"), _N),
    Sample(ops.LogicalXor(), ("bool[2, n]", "bool[n]"), _N),
    Sample(ops.LogicalNot(), ("bool[2, n]",), _N),
    Sample(ops.LogicalNot(), ("bool[]",)),
    Sample(ops.BitwiseAnd(), ("i32[5]", "i32[5]"), ranges=_BITS, min_opset=18),
    Sample(ops.BitwiseAnd(), ("u8[2, n]", "u8[n]"), _N, ranges=_BITS, min_opset=18),
    Sample(ops.BitwiseOr(), ("i64[5]", "i64[5]"), ranges=_BITS, min_opset=18),
    Sample(ops.BitwiseXor(), ("i32[n]", "i32[n]"), _N, ranges=_BITS, min_opset=18),
    Sample(ops.Invert(), ("i32[n]",), _N, min_opset=18),
    Sample(ops.LeftShift(), ("i32[n]", "i32[]"), _N, ranges=_SHIFT, round_trip=False),
    Sample(ops.LeftShift(), ("u8[4]", "u8[4]"), ranges=((0, 200), (0, 7))),
    Sample(ops.RightShift(), ("i32[5]", "i32[5]"), ranges=_SHIFT, round_trip=False),
    Sample(ops.RightShift(), ("i64[5]", "i64[5]"), ranges=_SHIFT, round_trip=False),
    Sample(ops.RightShift(), ("u32[n]", "u32[n]"), _N, ranges=((0, 1000), (0, 9))),
    Sample(ops.IsNan(), ("f64[5]",), values=_SPECIAL),
    Sample(ops.IsInf(), ("f64[5]",), values=_SPECIAL),
    Sample(ops.IsInf(), ("f16[n]",), _N, round_trip=False),
    Sample(ops.IsFinite(), ("f64[5]",), values=_SPECIAL, round_trip=False),
]

ERRORS = [
    ErrorCase(
        lambda: ops.LogicalAnd().infer(parse_type("f32[2]"), parse_type("f32[2]")),
        DTypeError, r"logical_and does not take dtype float32; it takes bool", "logical_and_of_floats",
    ),
    ErrorCase(
        lambda: ops.LeftShift().infer(parse_type("i32[2]"), parse_type("i64[2]")),
        DTypeError, r"left_shift got operands of dtypes int32 and int64", "shift_mixed",
    ),
]  # fmt: skip
