"""Samples of trigonometric and hyperbolic functions, expm1 and log1p."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import DTypeError
from graphc_ir.ops import transcendental as ops
from graphc_ir.types import parse_type
from tests.samples.base import ErrorCase, Sample

_N = {"n": 3}
_INSIDE = ((-0.9, 0.9),)
_ABOVE_ONE = ((1.2, 3.0),)
_QUADRANTS = ([1.0, 1.0, -1.0, -1.0, 0.0, 2.0, -2.0], [2.0, -2.0, 2.0, -2.0, -1.0, 0.0, 0.0])

SAMPLES = [
    Sample(ops.Expm1(), ("f64[2, n]",), _N, round_trip=False),
    Sample(ops.Expm1(), ("f64[4]",), values=([1e-9, -1e-9, 40.0, -40.0],), gradient=False, round_trip=False, atol=0),
    Sample(ops.Log1p(), ("f64[2, n]",), _N, ranges=_INSIDE, round_trip=False),
    Sample(ops.Log1p(), ("f64[5]",), values=([1e-9, -1e-9, 40.0, np.inf, -0.6],), gradient=False, round_trip=False,
           atol=0),
    Sample(ops.Tan(), ("f64[2, n]",), _N, ranges=_INSIDE),
    Sample(ops.Asin(), ("f64[2, n]",), _N, ranges=_INSIDE),
    Sample(ops.Acos(), ("f64[2, n]",), _N, ranges=_INSIDE),
    Sample(ops.Atan(), ("f64[2, n]",), _N),
    Sample(ops.Atan(), ("f64[]",)),
    Sample(ops.Sinh(), ("f64[2, n]",), _N),
    Sample(ops.Cosh(), ("f64[2, n]",), _N),
    Sample(ops.Asinh(), ("f64[2, n]",), _N),
    Sample(ops.Acosh(), ("f64[2, n]",), _N, ranges=_ABOVE_ONE),
    Sample(ops.Atanh(), ("f64[2, n]",), _N, ranges=_INSIDE),
    Sample(ops.Atanh(), ("c128[3]",), ranges=_INSIDE, min_opset=None),
    Sample(ops.Atan2(), ("f64[2, n]", "f64[n]"), _N, ranges=((-2.0, 2.0), (0.5, 2.0)), round_trip=False),
    Sample(ops.Atan2(), ("f64[7]", "f64[7]"), values=_QUADRANTS, gradient=False, round_trip=False),
    Sample(ops.Xlog1py(), ("f64[2, n]", "f64[n]"), _N, ranges=((0.5, 2.0), (-0.9, 2.0)), round_trip=False),
    Sample(ops.Xlog1py(), ("f64[3]", "f64[3]"), values=([0.0, 1.0, 0.0], [-1.0, 2.0, 1.0]), gradient=False,
           round_trip=False),
]  # fmt: skip

ERRORS = [
    ErrorCase(
        lambda: ops.Tan().infer(parse_type("i32[2]")),
        DTypeError,
        r"tan does not take dtype int32",
        "tan_of_integers",
    ),
]
