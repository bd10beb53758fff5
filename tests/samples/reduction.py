"""Samples of reductions over axes and of indices of extrema."""

from __future__ import annotations

import numpy as np

from graphc_ir.dtypes import int32, int64
from graphc_ir.errors import ArgumentError, DTypeError
from graphc_ir.ops import reduction as ops
from graphc_ir.types import parse_type
from tests.samples.base import ErrorCase, Sample

_N = {"n": 4}


def _rows(kind: type[ops.Reduction], round_trip: bool = True) -> list[Sample]:
    """One axis, several, all; kept or not; symbolic; of size 1; a scalar."""
    return [
        Sample(kind((1,), False), ("f64[2, n, 3]",), _N, round_trip=round_trip, label="one"),
        Sample(kind((0, 2), True), ("f64[2, n, 3]",), _N, round_trip=round_trip, label="kept"),
        Sample(kind((0, 1, 2), False), ("f64[2, n, 3]",), _N, round_trip=round_trip, label="all"),
        Sample(kind((1,), True), ("f64[3, 1]",), round_trip=round_trip, label="single"),
    ]


SAMPLES = [
    *_rows(ops.ReduceSum),
    *_rows(ops.ReduceMean),
    *_rows(ops.ReduceMax),
    *_rows(ops.ReduceMin),
    *_rows(ops.ReduceProd),
    *_rows(ops.ReduceVariance, round_trip=False),
    *_rows(ops.ReduceEuclideanNorm),
    Sample(ops.ReduceSum((), False), ("f64[]",), round_trip=False),
    Sample(ops.ReduceSum((0,), False), ("i32[5]",)),
    Sample(ops.ReduceSum((0,), False), ("f64[0, 3]",)),
    Sample(ops.ReduceSum((1,), False), ("c128[2, 3]",), min_opset=None),
    Sample(ops.ReduceMax((0,), False), ("i32[5]",)),
    Sample(ops.ReduceMax((0,), False), ("i32[0, 2]",), min_opset=None, label="of_nothing"),
    Sample(ops.ReduceMax((0,), False), ("f64[4, 2]",), values=([[1, 2], [3, 2], [3, 2], [0, 1]],), gradient=False,
           label="ties"),
    Sample(ops.ReduceMin((0,), False), ("i64[5]",)),
    Sample(ops.ReduceMin((0,), False), ("f64[0, 2]",), min_opset=None, gradient=False, label="of_nothing"),
    Sample(ops.ReduceProd((1,), False), ("f64[3, 4]",), values=([[1, 2, 0, 3], [0, 2, 0, 1], [2, 0.5, 1, 3]],),
           second_order=False, label="zeros"),
    Sample(ops.ReduceProd((0,), False), ("i32[4]",)),
    Sample(ops.ReduceProd((0,), False), ("f64[0]",), min_opset=None, label="of_nothing"),
    Sample(ops.ReduceVariance((0,), False), ("f16[8]",), rtol=1e-2, atol=1e-2, min_opset=None),
    Sample(ops.ReduceAny((1,), False), ("bool[3, n]",), _N, round_trip=False),
    Sample(ops.ReduceAny((0, 1), True), ("bool[3, n]",), _N, round_trip=False, label="kept"),
    Sample(ops.ReduceAll((1,), False), ("bool[3, n]",), _N, round_trip=False),
    Sample(ops.ReduceAll((0,), False), ("bool[1]",), round_trip=False),
    Sample(ops.ArgMax(1, int64), ("f64[3, n]",), _N),
    Sample(ops.ArgMax(0, int32), ("i32[5]",), values=([3, 7, 1, 7, 2],), round_trip=False),
    Sample(ops.ArgMin(1, int64), ("f64[3, n]",), _N),
    Sample(ops.ArgMin(0, int64), ("f64[n, 2, 2]",), _N),
    Sample(ops.Dims((3, 4), int64), (), round_trip=False, label="int64"),
    Sample(ops.Dims((3,), int32), (), round_trip=False, label="int32"),
]  # fmt: skip

ERRORS = [
    ErrorCase(
        lambda: ops.reduce_sum(np.zeros((2, 3)), 2),
        ArgumentError, r"axis=2 is out of range .* rank 2", "sum_axis",
    ),
    ErrorCase(
        lambda: ops.reduce_sum(np.zeros((2, 3)), [0, -2]),
        ArgumentError, r"names the same axis twice", "sum_twice",
    ),
    ErrorCase(lambda: ops.argmax(np.zeros(2), 1), ArgumentError, r"axis=1 is out of range", "argmax_axis"),
    ErrorCase(
        lambda: ops.ReduceAny((0,), False).infer(parse_type("f32[2]")),
        DTypeError, r"reduce_any does not take dtype float32",
        "any_of_floats",
    ),
]  # fmt: skip
