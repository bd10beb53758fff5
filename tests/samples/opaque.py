"""Operators of imported models that have no op of their own."""

from __future__ import annotations

from graphc_ir.errors import ShapeError
from graphc_ir.ops.opaque import OnnxOp
from graphc_ir.types import parse_type
from tests.samples.base import ErrorCase, Sample

_ALL = (True,)


def _hardmax(shape: str) -> OnnxOp:
    return OnnxOp("Hardmax", 13, (parse_type(shape),), (("axis", "INT", -1),), given=_ALL, wanted=_ALL)


def _nonzero() -> OnnxOp:
    return OnnxOp("NonZero", 13, (parse_type("i64[2, ?1000]"),), given=_ALL, wanted=_ALL)


SAMPLES = [
    Sample(_hardmax("f32[2, 3]"), ("f32[2, 3]",), gradient=False, round_trip=False),
    Sample(_hardmax("f32[n, 3]"), ("f32[n, 3]",), sizes={"n": 4}, gradient=False, round_trip=False),
    Sample(_nonzero(), ("f32[2, 3]",), gradient=False, round_trip=False, label="data-dependent"),
]

ERRORS = [
    ErrorCase(
        lambda: _hardmax("f32[3]").infer(parse_type("f32[3]"), parse_type("f32[3]")),
        ShapeError,
        r"onnx\.Hardmax takes 1 operands, got 2",
        "opaque-operand-count",
    ),
]
