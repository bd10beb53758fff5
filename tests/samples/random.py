"""Samples of the random ops. The first operand is a key ``[seed, counter]``."""

from __future__ import annotations

from typing import Any

from graphc_ir import dtypes
from graphc_ir.dims import symbol
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import random as ops
from graphc_ir.ops.base import Op
from graphc_ir.random_bits import make_key, seed_from
from graphc_ir.types import TensorType
from tests.samples.base import ErrorCase, Sample

N = symbol("n")
KEY = make_key(seed_from(3), 5)
WIDE_KEY = make_key(-7, -1)


def row(op: Op, *operands: str, values: tuple[Any, ...] = (), key: Any = KEY, **options: Any) -> Sample:
    filled = (key, *values, *[None] * (len(operands) - len(values)))
    return Sample(op, ("i64[2]", *operands), values=filled, gradient=False, round_trip=False, **options)


FLOAT_DRAWS = [
    row(
        op(shape, dtype),
        rtol=rtol,
        atol=rtol,
        runtime_hole="its Python API has no bfloat16 arrays" if dtype is dtypes.bfloat16 else "",
        label=f"{op.__name__}-{dtype.name}-{shape}",
    )
    for op in (ops.RandomUniform, ops.RandomNormal, ops.RandomTruncatedNormal)
    for shape, dtype, rtol in [
        ((3, 5), dtypes.float32, 2e-6),
        ((), dtypes.float32, 2e-6),
        ((1, 4, 1), dtypes.float64, 1e-9),
        ((7,), dtypes.float16, 2e-3),
        ((2, 3), dtypes.bfloat16, 2e-2),
        ((2, 0), dtypes.float32, 0.0),
    ]
]
INTEGER_DRAWS = [
    row(ops.RandomFullInt((2, 9), dtype), label=f"full-{dtype.name}")
    for dtype in (dtypes.int8, dtypes.uint8, dtypes.int32, dtypes.uint32, dtypes.int64, dtypes.uint64)
] + [
    row(ops.RandomUniformInt((40,), dtypes.int32), "i32[]", "i32[]", values=(-5, 8), key=WIDE_KEY, label="int32"),
    row(ops.RandomUniformInt((), dtypes.int64), "i64[]", "i64[]", values=(-(1 << 63), (1 << 63) - 1), label="int64"),
    row(ops.RandomUniformInt((6,), dtypes.uint8), "u8[]", "u8[]", values=(250, 255), label="uint8"),
]

SAMPLES = [
    *FLOAT_DRAWS,
    *INTEGER_DRAWS,
    row(ops.RandomBernoulli((4, 5)), "f32[]", values=(0.3,), label="scalar"),
    row(ops.RandomBernoulli((4, 5)), "f32[5]", values=([0.0, 0.2, 0.5, 0.9, 1.0],), label="broadcast"),
    row(ops.RandomBernoulli((N, 3)), "f32[n, 1]", sizes={"n": 4}, ranges=((0, 1),) * 2, label="symbolic"),
    row(ops.RandomPermutation((50,), dtypes.int64)),
    row(ops.RandomPermutation((1,), dtypes.int64), label="one"),
    row(ops.RandomCategorical((6,), dtypes.int64), "f32[2, 4]"),
    row(ops.RandomCategorical((3,), dtypes.int32), "f16[5]", label="half"),
    row(ops.RandomCategorical((N,), dtypes.int64), "f32[n, 3]", sizes={"n": 4}, label="symbolic"),
    row(ops.RandomGamma((5, 2), dtypes.float32), "f32[2]", values=([0.5, 3.0],), min_opset=None),
    row(ops.RandomPoisson((5, 2), dtypes.int32), "f32[]", values=(4.0,), min_opset=None),
    row(ops.RandomBinomial((3, 2), dtypes.int32), "f64[]", "f64[2]", values=(9, [0.1, 0.9]), min_opset=None),
    row(ops.SplitKey(1), label="one"),
    row(ops.SplitKey(3), key=WIDE_KEY),
    row(ops.FoldInKey(), "i64[]", values=(12,)),
]

KEY_TYPE = ops.KEY
HALF_KEY = ops.KEY.with_dtype(dtypes.int32)
LOGITS = TensorType(dtypes.float32, (2, 0))
RATES = TensorType(dtypes.float32, (3,))

ERRORS = [
    ErrorCase(
        lambda: ops.RandomNormal((2,), dtypes.int32).infer(KEY_TYPE),
        DTypeError, r"random_normal: got dtype int32, expected float16", "normal-int",
    ),
    ErrorCase(
        lambda: ops.RandomUniform((2,), dtypes.float32).infer(HALF_KEY),
        DTypeError, r"random_uniform: got a key i32\[2\], expected i64\[2\]", "uniform-key",
    ),
    ErrorCase(
        lambda: ops.RandomUniform((2, -3), dtypes.float32).infer(KEY_TYPE),
        ShapeError, r"random_uniform: shape \[2, -3\] has the negative size -3", "uniform-size",
    ),
    ErrorCase(
        lambda: ops.RandomUniformInt((2,), dtypes.int32).infer(KEY_TYPE, RATES, RATES),
        DTypeError, r"random_uniform_int: got bounds f32\[3\], f32\[3\]; expected two scalars of int32", "int-bounds",
    ),
    ErrorCase(
        lambda: ops.RandomBernoulli((2, 4)).infer(KEY_TYPE, RATES),
        ShapeError, r"random_bernoulli: a parameter of f32\[3\] does not broadcast to the shape \[2, 4\]", "bernoulli",
    ),
    ErrorCase(
        lambda: ops.RandomCategorical((1,), dtypes.int64).infer(KEY_TYPE, LOGITS),
        ShapeError, r"random_categorical: got logits f32\[2, 0\], expected at least one class", "categorical-empty",
    ),
    ErrorCase(lambda: ops.uniform(KEY, (2,), dtype="int32"), ArgumentError, r"\(int32\) need maxval", "int-no-maxval"),
    ErrorCase(lambda: ops.uniform(KEY, (2,), 3, 3, "int32"), ArgumentError, r"minval=3 and maxval=3", "int-empty"),
    ErrorCase(lambda: ops.shuffle(KEY, 3.0), ShapeError, r"shuffle: got a scalar", "shuffle-scalar"),
    ErrorCase(lambda: ops.split_key(KEY, 0), ArgumentError, r"split: got num=0, expected at least 1", "split-none"),
]  # fmt: skip
