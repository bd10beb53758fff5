"""Sample rows of the movement ops."""

from __future__ import annotations

import numpy as np

from graphc_ir.dims import symbol
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import movement as ops
from tests.samples.base import ErrorCase, Sample

n, m = symbol("n"), symbol("m")
SIZES = {"n": 5, "m": 3}

SAMPLES = [
    Sample(ops.Reshape((3, 2)), ("f64[2, 3]",)),
    Sample(ops.Reshape((n * 4,)), ("f64[n, 4]",), SIZES),
    Sample(ops.Reshape((m, 2, n)), ("f64[n, 2, m]",), SIZES),
    Sample(ops.Reshape(()), ("i32[1, 1]",)),
    Sample(ops.Reshape((0, 3)), ("f32[3, 0]",), round_trip=False),
    Sample(ops.Transpose((1, 0)), ("f64[n, 3]",), SIZES),
    Sample(ops.Transpose((2, 0, 1)), ("bool[2, 3, 1]",)),
    Sample(ops.Transpose(()), ("f32[]",), round_trip=False),
    Sample(ops.BroadcastTo((4, 3)), ("f64[3]",)),
    Sample(ops.BroadcastTo((n, n)), ("f64[n]",), SIZES),
    Sample(ops.BroadcastTo((2, 3)), ("f64[]",), label="scalar"),
    Sample(ops.BroadcastTo((2, 2)), ("bool[2, 1]",)),
    Sample(ops.Concat(0), ("f64[n, 3]", "f64[2, 3]", "f64[m, 3]"), SIZES),
    Sample(ops.Concat(1), ("i64[2, 1]", "i64[2, 0]")),
    Sample(ops.Split(0, (2, n - 2)), ("f64[n, 3]",), SIZES),
    Sample(ops.Split(1, (1, 2, 3)), ("f64[2, 6]",)),
    Sample(ops.Split(0, (4,)), ("f64[4]",), label="one-part"),
    Sample(ops.Slice((1, 0), (3, 2), (1, 1)), ("f64[4, 3]",)),
    Sample(ops.Slice((1,), (n,), (1,)), ("f64[n]",), SIZES, label="tail"),
    Sample(ops.Slice((n - 1,), (-1,), (-1,)), ("f64[n]",), SIZES, label="reversed"),
    Sample(ops.Slice((0, 4), (n, -1), (2, -2)), ("f64[n, 6]",), SIZES, label="steps"),
    Sample(ops.Slice((0,), (0,), (1,)), ("f32[4]",), label="empty"),
    Sample(ops.Slice((1,), (6,), (2,)), ("i32[7]",)),
    Sample(ops.SliceGrad((4, 3), (1, 0), (3, 2), (1, 1)), ("f64[2, 2]",), round_trip=False),
    Sample(ops.SliceGrad((n,), (n - 1,), (-1,), (-1,)), ("f64[n]",), SIZES, round_trip=False, label="reversed"),
    Sample(
        ops.SliceGrad((2 * n, 6), (0, 4), (2 * n, -1), (2, -2)),
        ("f64[n, 3]",),
        SIZES,
        round_trip=False,
        label="steps",
    ),
    Sample(ops.SliceGrad((8,), (1,), (7,), (3,)), ("f64[2]",), round_trip=False, label="inner"),
    Sample(ops.Pad((1, 0), (0, 2)), ("f64[2, 3]", "f64[]")),
    Sample(ops.Pad((0, n), (n, 0)), ("f64[n, 2]", "f64[]"), SIZES),
    Sample(ops.Pad((1,), (1,)), ("i32[0]", "i32[]")),
    Sample(ops.Tile((2, 3)), ("f64[2, 2]",)),
    Sample(ops.Tile((m, 1)), ("f64[1, m]",), SIZES),
    Sample(ops.Tile((2,)), ("bool[3]",)),
]

ONES = np.ones((2, 3), np.float32)

ERRORS = [
    ErrorCase(
        lambda: ops.reshape(ONES, (4, 2)),
        ShapeError,
        r"cannot reshape f32\[2, 3\] to \[4, 2\]",
        "reshape-count",
    ),
    ErrorCase(lambda: ops.reshape(ONES, (-1, -1)), ArgumentError, "more than one -1", "reshape-two-unknown"),
    ErrorCase(lambda: ops.reshape(ONES, (-1, 4)), ShapeError, "not divisible by 4", "reshape-indivisible"),
    ErrorCase(lambda: ops.transpose(ONES, (0, 2)), ArgumentError, "out of range", "transpose-axis"),
    ErrorCase(lambda: ops.broadcast_to(ONES, (3, 3)), ShapeError, "cannot broadcast", "broadcast-size"),
    ErrorCase(lambda: ops.concat([], 0), ArgumentError, "at least one tensor", "concat-empty"),
    ErrorCase(lambda: ops.split(ONES, 2, axis=1), ArgumentError, "cannot be cut into 2 equal parts", "split-uneven"),
    ErrorCase(lambda: ops.split(ONES, [-1, -1], axis=1), ArgumentError, "at most one is -1", "split-two-unknown"),
    ErrorCase(lambda: ops.squeeze(ONES, 0), ShapeError, "has size 2, expected 1", "squeeze-size"),
    ErrorCase(lambda: ops.reverse(ONES, 2), ArgumentError, "out of range", "reverse-axis"),
    ErrorCase(
        lambda: ops.Pad((-1, 0), (0, 0)).infer(*Sample(ops.Pad((0,), (0,)), ("f32[2, 3]", "f32[]")).types()),
        ShapeError,
        "negative",
        "pad-negative",
    ),
    ErrorCase(
        lambda: ops.Concat(0).infer(*Sample(ops.Concat(0), ("f32[2]", "i32[2]")).types()),
        DTypeError,
        "must be the same",
        "concat-dtypes",
    ),
    ErrorCase(
        lambda: ops.Tile((2,)).infer(*Sample(ops.Tile((2,)), ("f32[2, 2]",)).types()),
        ShapeError,
        "one per axis",
        "tile-rank",
    ),
]
