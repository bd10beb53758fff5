"""Error cases of rearrangements; they are compositions and need no op rows."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import rearrange as ops
from tests.samples.base import ErrorCase, Sample

SAMPLES: list[Sample] = []

MATRIX = np.ones((3, 4), np.float32)

ERRORS = [
    ErrorCase(lambda: ops.stack([MATRIX, MATRIX[0]]), ShapeError, "joins equal shapes", "stack-rank"),
    ErrorCase(lambda: ops.unstack(MATRIX, num=2), ArgumentError, "axis 0 has size 3", "unstack-num"),
    ErrorCase(lambda: ops.repeat(MATRIX, [1, 2], axis=0), ArgumentError, "2 numbers of repeats", "repeat-count"),
    ErrorCase(lambda: ops.roll(MATRIX, [1, 2], axis=[0]), ArgumentError, "one per axis", "roll-count"),
    ErrorCase(lambda: ops.space_to_depth(MATRIX, 2), ShapeError, "needs images", "space-to-depth-rank"),
    ErrorCase(lambda: ops.slice_by_size(MATRIX, [0, 2], [3, 3]), ArgumentError, "outside axis 1", "slice-outside"),
    ErrorCase(lambda: ops.reverse_sequence(MATRIX, [1], 0, 0), ArgumentError, "must differ", "reverse-sequence-axes"),
    ErrorCase(lambda: ops.invert_permutation(MATRIX), ShapeError, "vector of integers", "invert-permutation-rank"),
]
