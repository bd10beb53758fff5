"""Samples of normalisation ops."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import normalization as ops
from tests.samples.base import ErrorCase, Sample

_N = {"n": 3}
_STATISTICS = ((-2.0, 2.0), (-2.0, 2.0), (-2.0, 2.0), (-2.0, 2.0), (0.3, 2.0))

SAMPLES = [
    Sample(ops.BatchNorm(1, 1e-3), ("f64[n, 4]", *["f64[4]"] * 4), _N, ranges=_STATISTICS),
    Sample(ops.BatchNorm(1, 1e-3), ("f64[2, 3, n]", *["f64[3]"] * 4), _N, ranges=_STATISTICS),
    Sample(ops.BatchNorm(3, 1e-3), ("f64[n, 2, 2, 3]", *["f64[3]"] * 4), _N, ranges=_STATISTICS, round_trip=False),
    Sample(ops.BatchNorm(0, 1e-3), ("f64[3]", *["f64[3]"] * 4), ranges=_STATISTICS, round_trip=False),
    Sample(ops.Standardize((1,), 1e-3), ("f64[n, 4]",), _N, round_trip=False, rtol=1e-4, atol=1e-5),
    Sample(ops.Standardize((0, 2), 1e-3), ("f64[n, 2, 4]",), _N, round_trip=False, rtol=1e-4, atol=1e-5),
    Sample(ops.LayerNorm(1, 1e-3), ("f64[n, 4]", "f64[4]", "f64[4]"), _N, rtol=1e-4, atol=1e-5),
    Sample(ops.LayerNorm(1, 1e-3), ("f64[n, 2, 3]", "f64[2, 3]", "f64[2, 3]"), _N, rtol=1e-4, atol=1e-5),
    Sample(ops.LayerNorm(2, 1e-3), ("f32[2, n, 4]", "f32[4]", "f32[4]"), _N, rtol=1e-4, atol=1e-5),
    Sample(ops.RmsNorm(1, 1e-6), ("f64[n, 4]", "f64[4]"), _N, round_trip=False, rtol=1e-4, atol=1e-5),
    Sample(ops.RmsNorm(1, 1e-6), ("f64[n, 2, 3]", "f64[2, 3]"), _N, round_trip=False, rtol=1e-4, atol=1e-5),
    Sample(ops.LocalResponseNorm(1, 1.0, 0.5, 0.75), ("f64[n, 3, 2, 4]",), _N, round_trip=False),
    Sample(ops.LocalResponseNorm(1, 1.0, 0.5, 0.5), ("bf16[2, 3, 4]",), min_opset=None, rtol=3e-2, atol=3e-2),
    Sample(ops.LocalResponseNorm(2, 2.0, 1.0, 0.5), ("f64[2, 3, 3, 5]",), round_trip=False),
]

_X, _V = np.ones((2, 3), np.float32), np.ones(4, np.float32)

ERRORS = [
    ErrorCase(
        lambda: ops.batch_normalization(_X, _V, _V, _V, _V, 1e-3),
        ShapeError,
        r"f32\[4\] is no vector along axis 1 of f32\[2, 3\]",
        "batch-norm-vector",
    ),
    ErrorCase(
        lambda: ops.layer_norm(_X, _V, _V),
        ShapeError,
        "must have the shape of the axes from 1",
        "layer-norm",
    ),
    ErrorCase(lambda: ops.group_norm(_X, 2, _V, _V), ArgumentError, "3 channels do not divide into 2", "group-norm"),
]
