"""Sample rows of gathering and scattering."""

from __future__ import annotations

import dataclasses

import numpy as np

from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import gather as ops
from tests.samples.base import ErrorCase, Sample

SIZES = {"n": 4, "m": 3}
PAIRS = np.array([[0, 1], [3, 2], [0, 1]])
ROWS = np.array([[1], [3], [1]])

# ONNX counts negative indices from the end, so that reading an index that is not known adds arithmetic to it.
_ROWS = [
    Sample(ops.Gather(0), ("f64[4, 3]", "i32[2, 3]"), ranges=((-2, 2), (0, 3))),
    Sample(ops.Gather(1), ("f64[n, 4, 2]", "i64[m]"), SIZES, ranges=((-2, 2), (0, 3))),
    Sample(ops.Gather(2), ("f64[2, 3, 4]", "i64[]"), ranges=((-2, 2), (0, 3))),
    Sample(ops.Gather(0), ("bool[4]", "i8[0]")),
    Sample(ops.GatherND(0), ("f64[4, 3]", "i64[3, 2]"), values=(None, PAIRS)),
    Sample(ops.GatherND(0), ("f64[n, 3]", "i32[m, 1]"), SIZES, values=(None, ROWS)),
    Sample(ops.GatherND(1), ("f64[2, 3, 4]", "i64[2, 5, 1]"), ranges=((-2, 2), (0, 2)), label="batch"),
    Sample(ops.GatherND(2), ("f64[n, 2, 3]", "i64[n, 2, 1]"), SIZES, ranges=((-2, 2), (0, 2)), label="batch-open"),
    Sample(ops.GatherElements(1), ("f64[n, 3]", "i64[n, 2]"), SIZES, ranges=((-2, 2), (0, 2))),
    Sample(ops.GatherElements(0), ("i32[3, 2]", "i32[4, 2]"), ranges=((-2, 2), (0, 2))),
    Sample(ops.ScatterND("none"), ("f64[4, 3]", "i64[2, 1]", "f64[2, 3]"), values=(None, [[2], [0]], None)),
    Sample(ops.ScatterND("none"), ("i32[4]", "i32[2, 1]", "i32[2]"), values=(None, [[2], [0]], None)),
    Sample(ops.ScatterND("add"), ("f64[4, 3]", "i64[3, 2]", "f64[3]"), values=(None, PAIRS, None), label="add"),
    Sample(
        ops.ScatterND("add"),
        ("f64[n, 3]", "i64[m, 1]", "f64[m, 3]"),
        SIZES,
        values=(None, ROWS, None),
        label="add-rows",
    ),
    Sample(
        ops.ScatterND("max"),
        ("f64[4, 3]", "i64[3, 1]", "f64[3, 3]"),
        values=(None, ROWS, None),
        min_opset=18,
        label="max",
    ),
    Sample(
        ops.ScatterND("min"),
        ("f64[n]", "i64[3, 1]", "f64[3]"),
        SIZES,
        values=(None, ROWS, None),
        min_opset=18,
        label="min",
    ),
    Sample(
        ops.ScatterElements("none", 1),
        ("f64[2, 4]", "i64[2, 2]", "f64[2, 2]"),
        values=(None, [[0, 3], [2, 1]], None),
    ),
    Sample(
        ops.ScatterElements("add", 0),
        ("f64[4, m]", "i64[2, m]", "f64[2, m]"),
        SIZES,
        ranges=((-2, 2), (0, 3), (-2, 2)),
    ),
    Sample(
        ops.ScatterElements("max", 1),
        ("f64[2, 4]", "i64[2, 3]", "f64[2, 3]"),
        ranges=((-2, 2), (0, 3), (-2, 2)),
        min_opset=18,
        label="max",
    ),
]

SAMPLES = [dataclasses.replace(row, round_trip=False) for row in _ROWS]

TABLE = np.zeros((4, 3), np.float32)

ERRORS = [
    ErrorCase(
        lambda: ops.gather(TABLE, [4]),
        ArgumentError,
        "index 4 is out of range for axis 0 of size 4",
        "gather-high",
    ),
    ErrorCase(lambda: ops.gather(TABLE, [-1]), ArgumentError, "add 4 to count from the end", "gather-negative"),
    ErrorCase(lambda: ops.gather(TABLE, [0.5]), DTypeError, "integer indices", "gather-float"),
    ErrorCase(lambda: ops.gather(TABLE, [0], axis=2), ArgumentError, "out of range", "gather-axis"),
    ErrorCase(lambda: ops.gather_nd(TABLE, [[0, 0, 0]]), ShapeError, "do not fit", "gather-nd-depth"),
    ErrorCase(lambda: ops.gather_nd(TABLE, [[0, 3]]), ArgumentError, "axis 1 of size 3", "gather-nd-high"),
    ErrorCase(lambda: ops.take_along_axis(TABLE, [0], 0), ShapeError, "same rank", "take-along-axis-rank"),
    ErrorCase(
        lambda: ops.scatter_nd([[0]], np.ones((1, 2), np.float32), (4, 3)),
        ShapeError,
        r"expected \[1, 3\]",
        "scatter-shape",
    ),
    ErrorCase(
        lambda: ops.tensor_scatter_nd(TABLE, [[0]], TABLE[:1], "mean"),
        ArgumentError,
        "unknown reduction",
        "scatter-reduction",
    ),
]
