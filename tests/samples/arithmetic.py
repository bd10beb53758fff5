"""Samples of rounding, powers, integer division, clipping and the products that define 0 / 0."""

from __future__ import annotations

import numpy as np

from graphc_ir.errors import ArgumentError, DTypeError
from graphc_ir.ops import arithmetic as ops
from graphc_ir.types import parse_type
from tests.samples.base import ErrorCase, Sample

_N = {"n": 3}
_POSITIVE = ((0.3, 3.0),)
_HALVES = ([-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 1.2],)
_SIGNS = ([7, 7, -7, -7, 6, -6], [3, -3, 3, -3, 3, 3])
_FLOAT_SIGNS = ([7.5, 7.5, -7.5, -7.5, 6.2], [2.0, -2.0, 2.0, -2.0, 3.0])
_INFINITE = ([-1.0, 1.0, 0.0, -1.0, 3.0], [np.inf, -np.inf, np.inf, -np.inf, np.inf])
_TINY_DIVIDEND = ([1e-9, -3e-38, 0.0, 0.0], [1.0, -3e-38, 5.0, -5.0])
_WITH_ZEROS = ([1.0, 0.0, -2.0, 0.7], [0.5, 2.0, 0.0, 1.5])
_AWAY = ((-2.0, 2.0), (0.5, 2.0))

SAMPLES = [
    Sample(ops.Abs(), ("f64[2, n]",), _N),
    Sample(ops.Abs(), ("i32[5]",)),
    Sample(ops.Sign(), ("f64[2, n]",), _N),
    Sample(ops.Sign(), ("i32[5]",)),
    Sample(ops.Floor(), ("f64[2, n]",), _N),
    Sample(ops.Ceil(), ("f64[n]",), _N),
    Sample(ops.Ceil(), ("f64[]",)),
    Sample(ops.Round(), ("f64[8]",), values=_HALVES),
    Sample(ops.Trunc(), ("f64[8]",), values=_HALVES, round_trip=False),
    Sample(ops.Reciprocal(), ("f64[2, n]",), _N, ranges=_POSITIVE),
    Sample(ops.Reciprocal(), ("c128[3]",), ranges=_POSITIVE, min_opset=None),
    Sample(ops.Rsqrt(), ("f64[2, n]",), _N, ranges=_POSITIVE, round_trip=False),
    Sample(ops.Rsqrt(), ("f64[0]",), ranges=_POSITIVE, round_trip=False),
    Sample(ops.Pow(), ("f64[2, n]", "f64[n]"), _N, ranges=((0.3, 2.0), (-2.0, 2.0))),
    Sample(ops.Pow(), ("f64[3]", "f64[]"), values=([-1.5, 0.5, 2.0], 3.0), gradient=False, label="negative_base"),
    Sample(ops.Pow(), ("i32[4]", "i32[]"), values=(None, 3)),
    Sample(ops.Pow(), ("c128[3]", "c128[3]"), ranges=((0.3, 2.0), (-1.0, 1.0)), min_opset=None, second_order=False),
    Sample(ops.FloorDiv(), ("i32[6]", "i32[6]"), values=_SIGNS, round_trip=False),
    Sample(ops.FloorDiv(), ("f64[5]", "f64[5]"), values=_FLOAT_SIGNS, round_trip=False),
    Sample(ops.FloorDiv(), ("i64[n, 1]", "i64[2]"), _N, ranges=((-9, 9), (1, 4)), round_trip=False),
    Sample(ops.FloorMod(), ("i32[6]", "i32[6]"), values=_SIGNS),
    Sample(ops.FloorMod(), ("f64[5]", "f64[5]"), values=_FLOAT_SIGNS, round_trip=False),
    Sample(ops.FloorMod(), ("f64[n]", "f64[]"), _N, values=(None, 0.7), round_trip=False, label="periodic"),
    Sample(ops.FloorMod(), ("f64[5]", "f64[5]"), values=_INFINITE, round_trip=False, gradient=False, label="infinite"),
    Sample(ops.FloorMod(), ("f32[4]", "f32[4]"), values=_TINY_DIVIDEND, round_trip=False, atol=0, label="tiny"),
    Sample(ops.TruncateDiv(), ("i32[6]", "i32[6]"), values=_SIGNS),
    Sample(ops.TruncateDiv(), ("f64[5]", "f64[5]"), values=_FLOAT_SIGNS, round_trip=False),
    Sample(ops.TruncateMod(), ("i32[6]", "i32[6]"), values=_SIGNS),
    Sample(ops.TruncateMod(), ("f64[5]", "f64[5]"), values=_FLOAT_SIGNS),
    Sample(ops.SquaredDifference(), ("f64[2, n]", "f64[n]"), _N, round_trip=False),
    Sample(ops.SquaredDifference(), ("i32[3]", "i32[3]"), round_trip=False),
    Sample(ops.DivideNoNan(), ("f64[2, n]", "f64[n]"), _N, ranges=_AWAY, round_trip=False),
    Sample(ops.DivideNoNan(), ("f64[4]", "f64[4]"), values=_WITH_ZEROS, gradient=False, round_trip=False),
    Sample(ops.MultiplyNoNan(), ("f64[2, n]", "f64[n]"), _N, ranges=_AWAY, round_trip=False),
    Sample(ops.MultiplyNoNan(), ("f64[3]", "f64[3]"), values=([np.inf, np.nan, 2.0], [0.0, 0.0, 3.0]),
           gradient=False, round_trip=False),
    Sample(ops.Xdivy(), ("f64[2, n]", "f64[n]"), _N, ranges=_AWAY, round_trip=False),
    Sample(ops.Xdivy(), ("f64[3]", "f64[3]"), values=([0.0, 1.0, 0.0], [0.0, 2.0, 1.0]), gradient=False,
           round_trip=False),
    Sample(ops.Xlogy(), ("f64[2, n]", "f64[n]"), _N, ranges=_AWAY, round_trip=False),
    Sample(ops.Xlogy(), ("f64[3]", "f64[3]"), values=([0.0, 1.0, 0.0], [0.0, 2.0, 1.0]), gradient=False,
           round_trip=False),
    Sample(ops.ClipByValue(), ("f64[2, n]", "f64[]", "f64[]"), _N, values=(None, -0.5, 0.75)),
    Sample(ops.ClipByValue(), ("f64[2, n]", "f64[n]", "f64[]"), _N, values=(None, [-1.0, 0.0, 0.2], 0.75),
           round_trip=False),
    Sample(ops.ClipByValue(), ("i32[6]", "i32[]", "i32[]"), values=(None, -1, 1)),
    Sample(ops.ClipByValue(), ("f64[3]", "f64[]", "f64[]"), values=([0.0, 2.0, 4.0], 3.0, 1.0), gradient=False,
           round_trip=False, min_opset=None, label="crossed_bounds"),
]  # fmt: skip

ERRORS = [
    ErrorCase(
        lambda: ops.Floor().infer(parse_type("bool[2]")),
        DTypeError,
        r"floor does not take dtype bool",
        "floor_of_bool",
    ),
    ErrorCase(lambda: ops.add_n([]), ArgumentError, r"add_n needs at least one tensor", "add_n_of_nothing"),
]
