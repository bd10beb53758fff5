"""Sample rows of shape checks and reinterpreted bytes."""

from __future__ import annotations

import numpy as np

from graphc_ir import dtypes
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import shape as ops
from tests.samples.base import ErrorCase, Sample

NO_KERNEL = "no kernel for BitCast"

SAMPLES = [
    Sample(ops.EnsureShape((3, 2)), ("f64[3, 2]",), round_trip=False),
    Sample(ops.EnsureShape((3, 2)), ("f64[n, 2]",), {"n": 3}, round_trip=False),
    Sample(ops.Bitcast(dtypes.int32), ("f32[2, n]",), {"n": 3}, min_opset=26, runtime_hole=NO_KERNEL),
    Sample(ops.Bitcast(dtypes.uint8), ("f32[2]",), min_opset=None, label="smaller"),
    Sample(ops.Bitcast(dtypes.float64), ("i32[3, 2]",), min_opset=None, label="larger"),
]

ERRORS = [
    ErrorCase(lambda: ops.ensure_shape(np.ones(3), [None, 3]), ShapeError, "another rank", "ensure-shape-rank"),
    ErrorCase(
        lambda: ops.ensure_shape(np.ones(3), [4]),
        ShapeError,
        r"got f64\[3\], expected shape \[4\]",
        "ensure-shape-size",
    ),
    ErrorCase(lambda: ops.bitcast(np.ones(3, np.uint8), "int32"), ShapeError, "last axis of size 4", "bitcast-size"),
    ErrorCase(lambda: ops.bitcast(np.ones(3, np.bool_), "int8"), DTypeError, "tf.cast", "bitcast-bool"),
    ErrorCase(lambda: ops.shape(np.ones(3), "float32"), ArgumentError, "int32 or int64", "shape-dtype"),
]
