"""Sample rows of Python indexing."""

from __future__ import annotations

import numpy as np

from graphc_ir.dims import symbol
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import indexing as ops
from tests.samples.base import ErrorCase, Sample

kept = (symbol("kept"),)

SAMPLES = [
    Sample(ops.ClampedSlice(0, (0, 5), 1, kept), ("f64[n, 2]",), {"n": 3}, round_trip=False),
    Sample(ops.ClampedSlice(1, (-4, 2**63 - 1), 1, kept), ("f64[2, n]",), {"n": 6}, round_trip=False),
    Sample(ops.ClampedSlice(0, (7, 0), -2, kept), ("f64[n]",), {"n": 6}, round_trip=False),
]

MATRIX = np.ones((3, 4), np.float32)

ERRORS = [
    ErrorCase(
        lambda: ops.getitem(MATRIX, 3),
        ArgumentError,
        "index 3 is out of range for axis 0 of size 3",
        "index-high",
    ),
    ErrorCase(lambda: ops.getitem(MATRIX, (0, 0, 0)), ArgumentError, "too many indices", "index-count"),
    ErrorCase(lambda: ops.getitem(MATRIX, 1.5), DTypeError, "is no index", "index-float"),
    ErrorCase(lambda: ops.getitem(MATRIX, True), ArgumentError, "True is no index", "index-bool"),
    ErrorCase(lambda: ops.getitem(MATRIX, slice(None, None, 0)), ArgumentError, "slice step 0", "index-step"),
    ErrorCase(lambda: ops.getitem(MATRIX, [True, False]), ShapeError, "does not fit", "index-mask"),
    ErrorCase(lambda: ops.getitem(MATRIX, [5]), ArgumentError, "out of range", "index-array"),
]
