"""Samples of the element-wise families: arithmetic, comparison, cast, select."""

from __future__ import annotations

import numpy as np

from graphc_ir import dtypes
from graphc_ir.errors import DTypeError, ShapeError
from graphc_ir.ops import elementwise as ops
from tests.samples.base import ErrorCase, Sample

_N = {"n": 3}
_POSITIVE = ((0.3, 3.0),)
_AWAY_FROM_ZERO = ((-2.0, 2.0), (0.5, 2.0))

SAMPLES = [
    Sample(ops.Add(), ("f64[2, n]", "f64[2, n]"), _N),
    Sample(ops.Add(), ("f64[2, n]", "f64[n]"), _N),
    Sample(ops.Add(), ("f64[2, 1, n]", "f64[4, 1]"), _N),
    Sample(ops.Add(), ("f64[]", "f64[]")),
    Sample(ops.Add(), ("f64[0, 3]", "f64[1, 3]")),
    Sample(ops.Add(), ("i32[3]", "i32[]")),
    Sample(ops.Add(), ("f16[2, 3]", "f16[3]"), rtol=1e-3, atol=1e-3),
    Sample(ops.Add(), ("c128[3]", "c128[3]"), min_opset=None),
    Sample(ops.Sub(), ("f64[n, 2]", "f64[n, 1]"), _N),
    Sample(ops.Sub(), ("i64[4]", "i64[4]")),
    Sample(ops.Mul(), ("f64[2, n]", "f64[n]"), _N),
    Sample(ops.Mul(), ("i32[2, 2]", "i32[2, 2]")),
    Sample(ops.Mul(), ("c128[3]", "c128[2, 1]"), min_opset=None),
    Sample(ops.Div(), ("f64[2, n]", "f64[2, n]"), _N, ranges=_AWAY_FROM_ZERO),
    Sample(ops.Div(), ("f64[2]", "f64[]"), ranges=_AWAY_FROM_ZERO),
    Sample(ops.Div(), ("c128[3]", "c128[3]"), ranges=_AWAY_FROM_ZERO, min_opset=None),
    Sample(ops.Maximum(), ("f64[2, n]", "f64[n]"), _N),
    Sample(ops.Maximum(), ("i32[5]", "i32[5]")),
    Sample(ops.Minimum(), ("f64[2, n]", "f64[n]"), _N),
    Sample(ops.Minimum(), ("i64[5]", "i64[]")),
    Sample(ops.Neg(), ("f64[2, n]",), _N),
    Sample(ops.Neg(), ("i32[3]",)),
    Sample(ops.Conj(), ("c128[2, n]",), _N, min_opset=None),
    Sample(ops.Exp(), ("f64[2, n]",), _N),
    Sample(ops.Exp(), ("c128[3]",), min_opset=None),
    Sample(ops.Log(), ("f64[2, n]",), _N, ranges=_POSITIVE),
    Sample(ops.Log(), ("c128[3]",), ranges=_POSITIVE, min_opset=None),
    Sample(ops.Sin(), ("f64[2, n]",), _N),
    Sample(ops.Cos(), ("f64[2, n]",), _N),
    Sample(ops.Tanh(), ("f64[2, n]",), _N),
    Sample(ops.Tanh(), ("f64[]",)),
    Sample(ops.Sqrt(), ("f64[2, n]",), _N, ranges=_POSITIVE),
    Sample(ops.Square(), ("f64[2, n]",), _N, round_trip=False),
    Sample(ops.Square(), ("i32[3]",), round_trip=False),
    Sample(ops.Square(), ("c128[3]",), min_opset=None),
    Sample(ops.Relu(), ("f64[2, n]",), _N),
    Sample(ops.Relu(), ("f16[3]",)),
    *(Sample(ops.Relu(), (f"{kind}[3]",), round_trip=False) for kind in ("i8", "i32", "i64", "u8", "u16", "u64")),
    Sample(ops.Relu(), ("i16[3]",), round_trip=False, runtime_hole="no kernel of Max for int16"),
    Sample(ops.Greater(), ("f64[2, n]", "f64[n]"), _N),
    Sample(ops.Greater(), ("i32[3]", "i32[3]")),
    Sample(ops.GreaterEqual(), ("f64[2, n]", "f64[n]"), _N),
    Sample(ops.GreaterEqual(), ("i32[6]", "i32[6]")),
    Sample(ops.Less(), ("f64[2, n]", "f64[n]"), _N),
    Sample(ops.LessEqual(), ("f64[2, n]", "f64[n]"), _N),
    Sample(ops.LessEqual(), ("i64[6]", "i64[6]")),
    Sample(ops.Equal(), ("i32[9]", "i32[9]")),
    Sample(ops.Equal(), ("f64[n]", "f64[n]"), _N),
    Sample(ops.Equal(), ("bool[4]", "bool[4]")),
    Sample(ops.NotEqual(), ("i32[9]", "i32[9]"), round_trip=False),
    Sample(ops.NotEqual(), ("f64[3]", "f64[3]"), values=([1.0, np.nan, 0.0], [1.0, np.nan, 2.0]), round_trip=False),
    Sample(ops.Cast(dtypes.float64), ("f32[n]",), _N),
    Sample(ops.Cast(dtypes.float32), ("f64[n]",), _N, second_order=False, label="narrowing", gradient=False),
    Sample(ops.Cast(dtypes.int32), ("f64[n]",), _N, label="truncating"),
    Sample(ops.Cast(dtypes.bool_), ("f64[3]",), values=([0.0, 0.5, -3.0],), label="to_bool"),
    Sample(ops.Cast(dtypes.float32), ("bool[3]",), label="from_bool"),
    Sample(ops.Cast(dtypes.int64), ("i32[2, 2]",)),
    Sample(ops.Cast(dtypes.float16), ("f32[3]",), label="to_half"),
    Sample(ops.Select(), ("bool[2, n]", "f64[2, n]", "f64[n]"), _N),
    Sample(ops.Select(), ("bool[2, 1]", "f64[]", "f64[1, 3]")),
    Sample(ops.Select(), ("bool[3]", "i32[3]", "i32[]")),
]  # fmt: skip

ERRORS = [
    ErrorCase(
        lambda: ops.Add().infer(*Sample(ops.Add(), ("f32[2]", "f64[2]")).types()),
        DTypeError, r"add got operands of dtypes float32 and float64.*tf\.cast", "add_mixed_dtypes",
    ),
    ErrorCase(
        lambda: ops.Mul().infer(*Sample(ops.Mul(), ("f32[2, 3]", "f32[4]")).types()),
        ShapeError, r"mul: .*\(2, 3\) and \(4,\)", "mul_shapes",
    ),
    ErrorCase(
        lambda: ops.Exp().infer(*Sample(ops.Exp(), ("i32[2]",)).types()),
        DTypeError, r"exp does not take dtype int32.*floats", "exp_of_integers",
    ),
    ErrorCase(
        lambda: ops.Select().infer(*Sample(ops.Select(), ("i32[2]", "f32[2]", "f32[2]")).types()),
        DTypeError, r"needs a bool condition, got int32", "select_condition",
    ),
    ErrorCase(
        lambda: ops.cast(np.zeros(2, np.float32), "float33"), DTypeError, r"unknown dtype 'float33'", "cast_dtype",
    ),
]  # fmt: skip
