"""Samples of products of segments. Sums, means and extrema are scatters; their functions are tested in tests/ir."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import segment as ops
from tests.samples.base import ErrorCase, Sample

_N = {"n": 2}
_ROWS = [[1.0, 2.0], [0.0, 3.0], [0.0, 0.5], [-1.0, 0.0], [2.0, 1.5]]

SAMPLES = [
    Sample(ops.SegmentProd(), ("f64[4, n]", "f64[5, n]", "i32[5]"), _N, ranges=((1, 2), (0.5, 2), (0, 3)), min_opset=16,
           round_trip=False),
    Sample(ops.SegmentProd(), ("f64[4, 2]", "f64[5, 2]", "i64[5]"), values=(1.0, _ROWS, [0, 0, 1, 1, 3]), min_opset=16,
           second_order=False, round_trip=False, label="zeros"),
]  # fmt: skip

ERRORS = [
    ErrorCase(
        lambda: ops.unsorted_segment_sum(np.zeros((3, 2)), np.zeros(2, np.int32), 2),
        ShapeError, r"shape \[2\] do not cover the leading axes of data of shape \[3, 2\]", "segment_sum_rows",
    ),
    ErrorCase(
        lambda: ops.segment_sum(np.zeros((3, 2)), np.zeros(3)),
        DTypeError, r"ids must be integers, got float64", "segment_ids",
    ),
    ErrorCase(
        lambda: ops.bincount(np.zeros(3)),
        DTypeError, r"bincount counts integers, got float64", "bincount_floats",
    ),
    ErrorCase(lambda: ops.confusion_matrix([1], [1], 0), ArgumentError, r"num_classes=0", "confusion_classes"),
]  # fmt: skip
