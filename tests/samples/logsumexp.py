"""Samples of logarithms of sums of exponentials."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ArgumentError
from graphc_ir.ops import logsumexp as ops
from tests.samples.base import ErrorCase, Sample

_N = {"n": 4}

SAMPLES = [
    Sample(ops.ReduceLogsumexp((1,), False), ("f64[2, n]",), _N),
    Sample(ops.ReduceLogsumexp((0, 1), True), ("f64[2, n]",), _N, label="kept"),
    Sample(ops.ReduceLogsumexp((0,), False), ("f64[3]",), values=([1000.0, 1001.0, 999.0],), label="large"),
    Sample(ops.ReduceLogsumexp((0,), False), ("f64[2]",), values=(-np.inf,), gradient=False, min_opset=None,
           label="of_nothing"),
    *(
        Sample(ops.CumulativeLogsumexp(1, exclusive, reverse), ("f64[2, n]",), _N, second_order=False, round_trip=False,
               label=f"exclusive={exclusive},reverse={reverse}")
        for exclusive in (False, True) for reverse in (False, True)
    ),
]  # fmt: skip

ERRORS = [
    ErrorCase(lambda: ops.reduce_logsumexp(np.zeros(2), 1), ArgumentError, r"axis=1 is out of range", "logsumexp_axis"),
]
