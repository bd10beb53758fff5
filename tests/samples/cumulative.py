"""Samples of running sums and products."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ArgumentError
from graphc_ir.ops import cumulative as ops
from tests.samples.base import ErrorCase, Sample

_N = {"n": 4}
_AWAY_FROM_ZERO = ((0.5, 2.0),)

SAMPLES = [
    *(
        Sample(kind(1, exclusive, reverse), ("f64[2, n]",), _N, ranges=_AWAY_FROM_ZERO, round_trip=kind is ops.Cumsum,
               label=f"exclusive={exclusive},reverse={reverse}")
        for kind in (ops.Cumsum, ops.Cumprod) for exclusive in (False, True) for reverse in (False, True)
    ),
    Sample(ops.Cumsum(0, False, False), ("i32[n, 2]",), _N),
    Sample(ops.Cumsum(0, True, False), ("u8[5]",), round_trip=False),
    Sample(ops.Cumsum(0, True, False), ("f64[1]",)),
    Sample(ops.Cumsum(1, True, False), ("f64[2, 0]",), min_opset=None),
    Sample(ops.Cumsum(0, False, True), ("c128[3]",), min_opset=None),
    Sample(ops.Cumprod(0, False, False), ("i32[4]",), round_trip=False),
    Sample(ops.Cumprod(0, True, False), ("f64[3, 2]",), ranges=_AWAY_FROM_ZERO, round_trip=False, label="first_axis"),
]  # fmt: skip

ERRORS = [
    ErrorCase(lambda: ops.cumsum(np.zeros((2, 3)), 2), ArgumentError, r"axis=2 is out of range", "cumsum_axis"),
]
