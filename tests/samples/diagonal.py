"""Sample rows of triangles; diagonals are compositions."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import diagonal as ops
from tests.samples.base import ErrorCase, Sample

SAMPLES = [
    Sample(ops.Triangle(0, False), ("f64[3, 4]",)),
    Sample(ops.Triangle(1, True), ("f64[2, n, 3]",), {"n": 4}),
    Sample(ops.Triangle(-2, False), ("f64[n, n]",), {"n": 4}),
    Sample(ops.Triangle(0, True), ("i64[3, 1]",)),
]

MATRIX = np.ones((3, 4), np.float32)

ERRORS = [
    ErrorCase(lambda: ops.tril(MATRIX[0]), ShapeError, "rank 2 or more", "tril-rank"),
    ErrorCase(lambda: ops.diag_part(MATRIX, k=4), ShapeError, "lies outside", "diag-part-outside"),
    ErrorCase(lambda: ops.set_diag(MATRIX, [1.0, 2.0]), ShapeError, "has 3 elements, got 2", "set-diag-length"),
    ErrorCase(lambda: ops.diag(np.float32(1)), ShapeError, "needs vectors", "diag-scalar"),
    ErrorCase(lambda: ops.eye(-1), ArgumentError, "negative", "eye-negative"),
]
