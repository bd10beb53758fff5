"""Samples of the error function, the gamma function and their relatives."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ArgumentError
from graphc_ir.ops import special as ops
from tests.samples.base import ErrorCase, Sample

_N = {"n": 3}
_POSITIVE = ((0.2, 6.0),)

SAMPLES = [
    Sample(ops.Erf(), ("f64[2, n]",), _N),
    Sample(ops.Erf(), ("f64[6]",), values=([-7.0, -0.3, 0.0, 0.3, 4.5, np.inf],), gradient=False),
    Sample(ops.Erf(), ("f16[4]",), rtol=1e-3, atol=1e-3),
    Sample(ops.Erf(), ("f32[]",)),
    Sample(ops.Erfc(), ("f64[2, n]",), _N, round_trip=False),
    Sample(ops.Erfinv(), ("f64[2, n]",), _N, ranges=((-0.95, 0.95),), round_trip=False),
    Sample(ops.Erfinv(), ("f64[5]",), values=([-1.0, 1.0, 0.0, 0.999, -0.99],), gradient=False, round_trip=False),
    Sample(ops.Lgamma(), ("f64[2, n]",), _N, ranges=_POSITIVE, round_trip=False, atol=1e-5),
    Sample(ops.Lgamma(), ("f64[6]",), values=([-1.5, 1.0, 2.0, 0.1, 30.0, -2.25],), second_order=False,
           round_trip=False, rtol=1e-4, atol=1e-5),
    Sample(ops.Digamma(), ("f64[2, n]",), _N, ranges=_POSITIVE, round_trip=False, atol=1e-5),
    Sample(ops.Digamma(), ("f64[5]",), values=([-1.5, 1.0, 0.1, 30.0, -0.25],), gradient=False, round_trip=False,
           rtol=1e-4, atol=1e-5),
    Sample(ops.Polygamma(1), ("f64[2, n]",), _N, ranges=_POSITIVE, round_trip=False),
    Sample(ops.Polygamma(2), ("f64[4]",), ranges=_POSITIVE, round_trip=False),
]  # fmt: skip

ERRORS = [
    ErrorCase(lambda: ops.polygamma(-1, np.ones(2)), ArgumentError, r"order=-1 is negative", "polygamma_order"),
]
