"""Sample rows of ranges; the other makers of tensors are compositions."""

from __future__ import annotations

import numpy as np

from graphc_ir.dims import symbol
from graphc_ir.dtypes import bfloat16, float32, int32, int64, uint8
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import creation as ops
from tests.samples.base import ErrorCase, Sample

length = (symbol("length"),)

SAMPLES = [
    Sample(ops.Iota((5,), int64), (), round_trip=False, label="i64"),
    Sample(ops.Iota((3,), float32), (), round_trip=False, label="f32"),
    Sample(ops.Iota((0,), int32), (), round_trip=False, label="empty"),
    Sample(ops.Range(length), ("i32[]", "i32[]", "i32[]"), values=(3, 11, 2), round_trip=False),
    Sample(ops.Range(length), ("i64[]", "i64[]", "i64[]"), values=(5, 0, -2), round_trip=False),
    Sample(ops.Range(length), ("f32[]", "f32[]", "f32[]"), values=(0, 1, 0.25), round_trip=False),
    Sample(ops.Range(length), ("u8[]", "u8[]", "u8[]"), values=(0, 3, 1), round_trip=False),
    Sample(ops.Range(length), ("f32[]", "f32[]", "f32[]"), values=(2, 1, 1), label="empty", round_trip=False),
]

ERRORS = [
    ErrorCase(lambda: ops.arange(0, 4, 0), ArgumentError, "step from 0 to 4 is 0", "range-step"),
    ErrorCase(lambda: ops.fill((2,), [1, 2]), ShapeError, "must be a scalar", "fill-vector"),
    ErrorCase(lambda: ops.zeros((2, -1)), ArgumentError, "negative size -1", "zeros-negative"),
    ErrorCase(lambda: ops.linspace(0.0, 1.0, 0), ArgumentError, "at least 1", "linspace-none"),
    ErrorCase(lambda: ops.one_hot([0.5], 3), DTypeError, "integer indices", "one-hot-float"),
    ErrorCase(lambda: ops.meshgrid([1], [2], indexing="yx"), ArgumentError, "'xy' or 'ij'", "meshgrid-indexing"),
    ErrorCase(lambda: ops.sequence_mask(np.float32(1)), DTypeError, "integer lengths", "sequence-mask-float"),
    ErrorCase(lambda: ops.Iota((2, 2), bfloat16).infer(), ShapeError, "vectors of numbers", "iota-rank"),
    ErrorCase(lambda: ops.Iota((2, 2), uint8).infer(), ShapeError, "of rank 2", "iota-rank-u8"),
]
