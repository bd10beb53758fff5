"""Sample rows of padding."""

from __future__ import annotations

import numpy as np

from graphc_ir.dims import symbol
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import padding as ops
from tests.samples.base import ErrorCase, Sample

n = symbol("n")

SAMPLES = [
    Sample(ops.PadBorder((1, 2), (2, 0), "reflect"), ("f64[3, 4]",)),
    Sample(ops.PadBorder((1, 2), (2, 0), "edge"), ("f64[3, 4]",), label="edge"),
    Sample(ops.PadBorder((1, 2), (2, 0), "symmetric"), ("f64[3, 4]",), round_trip=False, label="symmetric"),
    Sample(ops.PadBorder((2, 0), (1, 1), "reflect"), ("f64[n, 3]",), {"n": 4}, label="reflect-open"),
    Sample(
        ops.PadBorder((2, 0), (4, 1), "symmetric"),
        ("f64[n, 3]",),
        {"n": 4},
        round_trip=False,
        label="symmetric-open",
    ),
    Sample(ops.PadBorder((2,), (9,), "edge"), ("f64[n]",), {"n": 1}, label="edge-open"),
    Sample(ops.PadBorder((1,), (1,), "reflect"), ("i32[2]",)),
]

ROW = np.ones((3,), np.float32)

ERRORS = [
    ErrorCase(lambda: ops.pad(ROW, [[3, 0]], "reflect"), ShapeError, "at least 4 elements", "pad-reflect-short"),
    ErrorCase(lambda: ops.pad(ROW, [[1, 1]], "wrap"), ArgumentError, "unknown mode 'wrap'", "pad-mode"),
    ErrorCase(
        lambda: ops.pad(ROW, [[1, 1], [0, 0]]),
        ArgumentError,
        "one pair .* for each of the 1 axes",
        "pad-rank",
    ),
    ErrorCase(lambda: ops.pad(ROW, [[-1, 0]]), ShapeError, "negative", "pad-below-zero"),
]
