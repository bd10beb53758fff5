"""Samples of softmax and the losses on logits."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import nn as ops
from tests.samples.base import ErrorCase, Sample

_N = {"n": 3}
_LABELS = ((0.0, 1.0), (-2.0, 2.0))

SAMPLES = [
    Sample(ops.Softmax(1), ("f64[n, 4]",), _N),
    Sample(ops.Softmax(0), ("f64[n, 4, 2]",), _N),
    Sample(ops.Softmax(0), ("f64[1]",)),
    Sample(ops.Softmax(1), ("f64[0, 3]",)),
    Sample(ops.Softmax(1), ("f32[2, 3]",), values=([[1e4, 0, -1e4], [-np.inf, 0, 1]],), label="extreme"),
    Sample(ops.Softmax(1), ("f16[2, 4]",), rtol=1e-2, atol=1e-2),
    Sample(ops.LogSoftmax(1), ("f64[n, 4]",), _N),
    Sample(ops.LogSoftmax(0), ("f64[2, n]",), _N),
    Sample(ops.LogSoftmax(1), ("f32[1, 3]",), values=([[1e4, 0, -1e4]],), label="extreme"),
    Sample(ops.SoftmaxCrossEntropy(), ("f64[n, 4]", "f64[n, 4]"), _N, ranges=_LABELS, round_trip=False),
    Sample(ops.SoftmaxCrossEntropy(), ("f64[2, n, 3]", "f64[2, n, 3]"), _N, ranges=_LABELS, round_trip=False),
    Sample(
        ops.SoftmaxCrossEntropy(),
        ("f32[2, 3]", "f32[2, 3]"),
        label="hidden-class",
        round_trip=False,
        values=([[1, 0, 0], [0, 0.5, 0.5]], [[1, -np.inf, 0], [-np.inf, 1e4, 0]]),
    ),
    Sample(
        ops.SparseSoftmaxCrossEntropy(),
        ("i32[n]", "f64[n, 4]"),
        _N,
        ranges=((0, 3), (-2, 2)),
        round_trip=False,
    ),
    Sample(
        ops.SparseSoftmaxCrossEntropy(),
        ("i64[2, n]", "f64[2, n, 3]"),
        _N,
        ranges=((0, 2), (-2, 2)),
        round_trip=False,
    ),
    Sample(ops.SparseSoftmaxCrossEntropy(), ("i32[]", "f64[3]"), ranges=((0, 2), (-2, 2)), round_trip=False),
    Sample(
        ops.SparseSoftmaxCrossEntropy(),
        ("i64[2]", "f32[2, 3]"),
        label="hidden-class",
        round_trip=False,
        values=([0, 1], [[1, -np.inf, 0], [-np.inf, 1e4, 0]]),
    ),
    Sample(ops.SigmoidCrossEntropy(), ("f64[n, 4]", "f64[n, 4]"), _N, ranges=_LABELS, round_trip=False),
    Sample(
        ops.SigmoidCrossEntropy(),
        ("f32[4]", "f32[4]"),
        label="extreme",
        round_trip=False,
        values=([0, 1, 0, 1], [-100, 100, 100, -100]),
    ),
]

_LOGITS = np.zeros((2, 3), np.float32)

ERRORS = [
    ErrorCase(lambda: ops.softmax(np.arange(3)), DTypeError, "softmax does not take dtype int", "softmax-dtype"),
    ErrorCase(lambda: ops.softmax(_LOGITS, axis=2), ArgumentError, "axis=2 is out of range", "softmax-axis"),
    ErrorCase(
        lambda: ops.softmax_cross_entropy_with_logits(np.zeros((3, 3), np.float32), _LOGITS),
        ShapeError,
        r"labels f32\[3, 3\] and logits f32\[2, 3\] do not fit",
        "cross-entropy-shapes",
    ),
    ErrorCase(
        lambda: ops.sparse_softmax_cross_entropy_with_logits(np.zeros(2, np.float32), _LOGITS),
        DTypeError,
        "needs integer labels.*softmax_cross_entropy_with_logits",
        "sparse-label-dtype",
    ),
    ErrorCase(
        lambda: ops.sparse_softmax_cross_entropy_with_logits(np.zeros((2, 3), np.int32), _LOGITS),
        ShapeError,
        "must have one axis less",
        "sparse-label-rank",
    ),
    ErrorCase(
        lambda: ops.sparse_softmax_cross_entropy_with_logits(np.array([0, 3]), _LOGITS),
        ArgumentError,
        "labels reach from 0 to 3, but logits have 3 classes",
        "sparse-label-range",
    ),
    ErrorCase(lambda: ops.dropout_with(_LOGITS, _LOGITS, 1.5), ArgumentError, r"rate=1.5.*\[0, 1\)", "dropout-rate"),
    ErrorCase(lambda: ops.bias_add(_LOGITS, _LOGITS), ShapeError, "bias_add needs .* a vector", "bias-rank"),
    ErrorCase(
        lambda: ops.in_top_k(_LOGITS, _LOGITS, 1),
        ShapeError,
        r"in_top_k needs targets \(batch\)",
        "top-k-rank",
    ),
    ErrorCase(
        lambda: ops.in_top_k(_LOGITS[:, 0], _LOGITS, 1),
        DTypeError,
        "in_top_k: targets must be class numbers, got float32",
        "top-k-float-targets",
    ),
]
