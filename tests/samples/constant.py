"""Samples of constants and of the identity without gradient."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ArgumentError, DTypeError
from graphc_ir.ops import constant as ops
from tests.samples.base import ErrorCase, Sample

SAMPLES = [
    Sample(ops.Constant(ops.ArrayAttribute(np.arange(6.0).reshape(2, 3))), (), round_trip=False, label="f64"),
    Sample(ops.Constant(ops.ArrayAttribute(np.array(True))), (), round_trip=False, label="bool"),
    Sample(ops.Constant(ops.ArrayAttribute(np.array([np.nan, np.inf], np.float32))), (), round_trip=False, label="nan"),
    Sample(ops.StopGradient(), ("f64[2, n]",), {"n": 3}, round_trip=False),
]

ERRORS = [
    ErrorCase(lambda: ops.constant([[1, 2], [3]]), ArgumentError, r"nested lists must be rectangular", "ragged"),
    ErrorCase(
        lambda: ops.constant(1.5, "int32"),
        DTypeError,
        r"cannot make a tensor of dtype int32 from float32 data 1\.5",
        "fraction",
    ),
    ErrorCase(lambda: ops.constant([1, 2], shape=(3,)), ArgumentError, r"cannot fill shape \(3,\)", "fill_shape"),
]
