"""Samples of attention."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import DTypeError, ShapeError
from graphc_ir.ops import attention as ops
from tests.samples.base import ErrorCase, Sample

_TS = {"b": 2, "t": 3, "s": 4}
_HIDDEN_ROW = np.array([[True, False, True, True], [False, False, False, False], [False, True, False, False]])
_MASK = np.array([[True, False, True, True], [True, True, True, True], [False, True, False, False]])

SAMPLES = [
    Sample(ops.Attention(0.5, False), ("f64[b, t, 3]", "f64[b, s, 3]", "f64[b, s, 2]"), _TS, round_trip=False),
    Sample(
        ops.Attention(0.5, True),
        ("f64[b, 2, t, 3]", "f64[b, 2, t, 3]", "f64[b, 2, t, 3]"),
        _TS,
        round_trip=False,
    ),
    Sample(ops.Attention(1.0, True), ("f64[3, 2]", "f64[4, 2]", "f64[4, 2]"), round_trip=False),
    Sample(
        ops.Attention(0.5, False),
        ("f64[2, 3, 3]", "f64[2, 4, 3]", "f64[2, 4, 2]", "bool[3, 4]"),
        label="bool-mask",
        values=(None, None, None, _MASK),
        round_trip=False,
    ),
    Sample(
        ops.Attention(0.5, False),
        ("f64[2, 3, 3]", "f64[2, 4, 3]", "f64[2, 4, 2]", "f64[2, 1, 4]"),
        label="added-mask",
        round_trip=False,
    ),
    Sample(
        ops.Attention(0.5, False),
        ("f64[2, 2, 3, 3]", "f64[2, 1, 4, 3]", "f64[2, 1, 4, 2]"),
        label="shared-keys",
        round_trip=False,
    ),
    Sample(
        ops.Attention(0.5, False),
        ("f64[2, 3, 3]", "f64[2, 4, 3]", "f64[2, 4, 2]", "bool[3, 4]"),
        label="hidden-row",
        values=(None, None, None, _HIDDEN_ROW),
        round_trip=False,
    ),
    Sample(
        ops.Attention(0.5, True),
        ("f64[3, 3]", "f64[4, 3]", "f64[4, 2]", "f64[4]"),
        label="causal-and-hidden",
        values=(None, None, None, [-np.inf, 0.0, 0.0, 0.0]),
        gradient=False,
        round_trip=False,
    ),
    Sample(
        ops.Attention(0.5, True),
        ("bf16[3, 2]", "bf16[4, 2]", "bf16[4, 2]"),
        label="bfloat16",
        min_opset=None,
        rtol=3e-2,
        atol=3e-2,
    ),
]

_Q, _K = np.ones((2, 3, 4), np.float32), np.ones((2, 5, 4), np.float32)

ERRORS = [
    ErrorCase(lambda: ops.attention(_Q, _K[..., :3], _K), ShapeError, "query and key depth", "attention-depth"),
    ErrorCase(lambda: ops.attention(_Q, _K, _K[:, :4]), ShapeError, "number of keys and values", "attention-keys"),
    ErrorCase(
        lambda: ops.attention(_Q, _K, _K, np.ones((3, 5), np.int32)),
        DTypeError,
        "mask has dtype int32",
        "attention-mask",
    ),
]
