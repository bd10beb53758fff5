"""Samples of sorting, largest elements and places in sorted sequences."""

from __future__ import annotations

import numpy as np

from graphc_ir.dims import symbol
from graphc_ir.dtypes import int32, int64
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import sorting as ops
from graphc_ir.types import parse_type
from tests.samples.base import ErrorCase, Sample

_N = {"n": 5}
_TIES = ([3, 1, 3, 2, 1, 3],)
_SEQUENCES = ([[1.0, 2.0, 2.0, 5.0], [0.0, 1.0, 3.0, 9.0]], [[0.0, 2.0, 9.0], [1.0, -1.0, 4.0]])

SAMPLES = [
    Sample(ops.Sort(1, False), ("f64[2, n]",), _N, round_trip=False),
    Sample(ops.Sort(0, True), ("f64[n, 2]",), _N, round_trip=False),
    Sample(ops.Sort(0, False), ("i32[6]",), values=_TIES, round_trip=False),
    Sample(ops.Argsort(1, False, int32), ("f64[2, n]",), _N, round_trip=False),
    Sample(ops.Argsort(0, True, int64), ("i32[6]",), values=_TIES, round_trip=False),
    Sample(ops.Argsort(0, False, int32), ("i64[6]",), values=_TIES, round_trip=False),
    Sample(ops.TopK((2,), int32), ("f64[2, n]",), _N, round_trip=False),
    Sample(ops.TopK((3,), int64), ("i32[6]",), values=_TIES),
    Sample(ops.TopK((symbol("n") - 2,), int64), ("f64[3, n]",), _N, label="symbolic_k", round_trip=False),
    Sample(ops.SearchSorted(False, int32), ("f64[2, 4]", "f64[2, 3]"), values=_SEQUENCES, round_trip=False),
    Sample(
        ops.SearchSorted(True, int64), ("f64[2, 4]", "f64[2, 3]"), values=_SEQUENCES, round_trip=False, label="right"
    ),
    Sample(
        ops.SearchSorted(False, int32), ("i32[n]", "i32[2]"), _N, values=([1, 2, 4, 4, 8], [4, 5]), round_trip=False
    ),
]

ERRORS = [
    ErrorCase(lambda: ops.sort(np.zeros(2), 0, "UP"), ArgumentError, r"direction='UP' is unknown", "sort_direction"),
    ErrorCase(
        lambda: ops.TopK((4,), int32).infer(parse_type("f32[2, 3]")),
        ShapeError, r"k=4 exceeds the last axis", "top_k_size",
    ),
    ErrorCase(lambda: ops.searchsorted([1], [1], "middle"), ArgumentError, r"side='middle'", "searchsorted_side"),
]  # fmt: skip
