"""Sample rows of data-dependent selection."""

from __future__ import annotations

import numpy as np

from graphc_ir.dims import symbol
from graphc_ir.dtypes import int32, int64
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import selection as ops
from tests.samples.base import ErrorCase, Sample

found = (symbol("found"),)

SAMPLES = [
    Sample(ops.Argwhere(found), ("bool[3, 4]",), round_trip=False),
    Sample(ops.Argwhere(found), ("bool[n]",), {"n": 5}, round_trip=False),
    Sample(ops.Argwhere(found), ("bool[2]",), values=([False, False],), round_trip=False, label="none"),
    Sample(ops.Unique(found, int64, False), ("i32[n]",), {"n": 9}, round_trip=False),
    Sample(ops.Unique(found, int32, False), ("f32[4]",), values=([3, 1, 3, 2],), round_trip=False),
    Sample(ops.Unique(found, int64, True), ("i64[4]",), values=([3, 1, 3, 2],), round_trip=False),
]

ROWS = np.ones((3, 2), np.float32)

ERRORS = [
    ErrorCase(lambda: ops.boolean_mask(ROWS, [1, 0, 1]), DTypeError, "must be bool", "mask-dtype"),
    ErrorCase(lambda: ops.boolean_mask(ROWS, [True, False]), ShapeError, "does not fit", "mask-shape"),
    ErrorCase(lambda: ops.unique(ROWS), ShapeError, "needs a vector", "unique-rank"),
    ErrorCase(lambda: ops.dynamic_stitch([[0]], []), ArgumentError, "at least one tensor", "stitch-empty"),
    ErrorCase(
        lambda: ops.dynamic_partition(ROWS, [0, 1, 0], 0),
        ArgumentError,
        "at least one group",
        "partition-none",
    ),
]
