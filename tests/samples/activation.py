"""Samples of activation functions."""

from __future__ import annotations

from graphc_ir.errors import DTypeError
from graphc_ir.ops import activation as ops
from graphc_ir.ops.base import Op
from graphc_ir.types import parse_type
from tests.samples.base import ErrorCase, Sample

_N = {"n": 5}
_WIDE = ((-8.0, 8.0),)


def _rows(op: Op, min_opset: int = 13, round_trip: bool = True) -> list[Sample]:
    """Random numbers under a symbolic size, far tails, a scalar, half precision."""
    tails = ([-100.0, -20.0, 20.0, 100.0],)
    return [
        Sample(op, ("f64[2, n]",), _N, ranges=_WIDE, min_opset=min_opset, round_trip=round_trip, label=f"{op}-wide"),
        Sample(op, ("f64[4]",), values=tails, min_opset=min_opset, round_trip=round_trip, label=f"{op}-tails"),
        Sample(op, ("f64[]",), min_opset=min_opset, round_trip=round_trip, label=f"{op}-scalar"),
        Sample(op, ("f16[3]",), min_opset=None, label=f"{op}-half"),
    ]


SAMPLES = [
    *_rows(ops.Sigmoid()),
    *_rows(ops.LogSigmoid(), round_trip=False),
    *_rows(ops.Softplus()),
    *_rows(ops.Softsign()),
    *_rows(ops.Relu6()),
    *_rows(ops.LeakyRelu(0.2)),
    *_rows(ops.LeakyRelu(1.5)),
    *_rows(ops.Elu(1.0)),
    *_rows(ops.Elu(0.7)),
    *_rows(ops.Selu()),
    *_rows(ops.Celu(1.3)),
    *_rows(ops.Gelu(False), round_trip=False),
    *_rows(ops.Gelu(True), round_trip=False),
    *_rows(ops.Silu(), round_trip=False),
    *_rows(ops.Mish(), round_trip=False),
    *_rows(ops.HardSigmoid(1 / 6, 0.5)),
    *_rows(ops.HardSigmoid(0.2, 0.4)),
    *_rows(ops.HardSilu(), round_trip=False),
]

ERRORS = [
    ErrorCase(
        lambda: ops.Gelu(True).infer(parse_type("i32[2]")),
        DTypeError,
        r"gelu does not take dtype int32",
        "gelu_of_integers",
    ),
]
