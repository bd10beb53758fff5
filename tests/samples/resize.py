"""Sample rows of resizing."""

from __future__ import annotations

import numpy as np

from graphc_ir.dims import symbol
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import resize as ops
from tests.samples.base import ErrorCase, Sample

h, w = symbol("h"), symbol("w")
_HW = {"h": 3, "w": 2}

SAMPLES = [
    Sample(ops.Resize((1, 2), (6, 4), "nearest", False), ("f64[2, 3, 2, 2]",), label="nearest"),
    Sample(ops.Resize((1,), (5,), "nearest", False), ("f64[2, 3]",), label="nearest-uneven"),
    Sample(ops.Resize((0,), (2,), "nearest", False), ("i32[5]",), label="nearest-integers"),
    Sample(ops.Resize((1, 2), (2 * h, 3 * w), "nearest", False), ("f64[2, h, w, 2]",), _HW, label="nearest-open"),
    Sample(ops.Resize((2, 3), (6, 4), "linear", False), ("f64[1, 2, 3, 2]",), label="linear"),
    Sample(ops.Resize((2, 3), (2, 5), "linear", False), ("f64[1, 2, 3, 2]",), label="linear-uneven"),
    Sample(ops.Resize((2, 3), (2 * h, 7), "linear", False), ("f64[1, 2, h, w]",), _HW, label="linear-open"),
    Sample(ops.Resize((1, 2), (6, 4), "linear", False), ("f64[1, 3, 2, 2]",), label="linear-last", round_trip=False),
    Sample(ops.Resize((0,), (2,), "linear", False), ("f64[5]",), label="linear-vector", round_trip=False),
    Sample(ops.Resize((1, 2), (2 * h, h), "linear", False), ("f64[2, h, 3]",), _HW, label="linear-open-axes",
           round_trip=False),
    Sample(ops.Resize((2, 3), (2, 3), "linear", True), ("f64[1, 2, 7, 5]",), label="antialias", round_trip=False),
    Sample(ops.Resize((2, 3), (8, 5), "cubic", False), ("f64[1, 2, 4, 3]",), label="cubic", rtol=1e-4, atol=1e-5),
    Sample(ops.Resize((1, 2), (6, 6), "lanczos3", False), ("f64[1, 3, 2, 2]",), label="lanczos3", round_trip=False),
    Sample(ops.Resize((0, 1), (4, 3), "lanczos5", True), ("f64[9, 7]",), label="lanczos5", round_trip=False),
    Sample(ops.Resize((0,), (4,), "linear", False), ("f16[2, 3]",), label="f16", min_opset=None, rtol=1e-3, atol=1e-3),
    Sample(ops.ResizeGrad((1, 2), (3, 2), "linear", False), ("f64[1, 6, 4, 2]",), label="linear", round_trip=False),
    Sample(ops.ResizeGrad((0,), (3,), "nearest", False), ("f64[5, 2]",), label="nearest", round_trip=False),
    Sample(ops.ResizeGrad((1,), (h,), "cubic", False), ("f64[h, 2*h]",), _HW, label="cubic-open", round_trip=False),
]  # fmt: skip

_X = np.ones((2, 3), np.float32)

ERRORS = [
    ErrorCase(lambda: ops.resize(_X, [4], [1], "bilinear"), ArgumentError, "method 'bilinear'", "resize-method"),
    ErrorCase(lambda: ops.resize(_X, [4, 4], [1]), ArgumentError, "2 sizes for 1 axes", "resize-count"),
    ErrorCase(lambda: ops.resize(_X, [0], [1]), ShapeError, "cannot get size 0", "resize-empty"),
    ErrorCase(lambda: ops.resize(_X, [4], [2]), ArgumentError, "axis=2 is out of range", "resize-axis"),
    ErrorCase(lambda: ops.resize(_X.astype(np.int32), [4], [1]), DTypeError, "int32", "resize-integers"),
]
