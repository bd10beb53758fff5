"""Samples of optimizer updates."""

from __future__ import annotations

from graphc_ir.errors import DTypeError, ShapeError
from graphc_ir.ops import optim as ops
from graphc_ir.types import parse_type
from tests.samples.base import ErrorCase, Sample

_NK = {"n": 3}
_ANY, _POSITIVE, _RATE = (-2.0, 2.0), (0.1, 2.0), (0.01, 0.1)


def _update(op: ops.OptimizerUpdate, kind: str, slots: tuple[tuple[float, float], ...], scalars: int = 1) -> Sample:
    shape = f"{kind}[n, 4]"
    operands = (*[shape] * (len(slots) + 2), *[f"{kind}[]"] * scalars)
    return Sample(op, operands, _NK, ranges=(_ANY, *slots, _ANY, *[_RATE] * scalars), round_trip=False)


SAMPLES = [
    _update(ops.SgdUpdate(), "f64", ()),
    _update(ops.SgdUpdate(), "f32", ()),
    _update(ops.MomentumUpdate(0.9, False), "f32", (_ANY,)),
    _update(ops.MomentumUpdate(0.9, True), "f64", (_ANY,)),
    _update(ops.AdamUpdate(0.9, 0.999, 1e-7), "f32", (_ANY, _POSITIVE)),
    _update(ops.AdamUpdate(0.9, 0.999, 1e-7), "f64", (_ANY, _POSITIVE), scalars=2),
    _update(ops.RmspropUpdate(0.9, 1e-7), "f32", (_POSITIVE,)),
    _update(ops.AdagradUpdate(1e-7), "f32", (_POSITIVE,)),
    Sample(
        ops.AdamUpdate(0.9, 0.999, 1e-7),
        ("f32[]",) * 5,
        ranges=(_ANY, _ANY, _POSITIVE, _ANY, _RATE),
        label="scalar",
        round_trip=False,
    ),
    Sample(ops.SgdUpdate(), ("f32[20000]", "f32[20000]", "f32[]"), label="several-blocks", round_trip=False),
]

_F, _S = parse_type("f32[2, 3]"), parse_type("f32[]")

ERRORS = [
    ErrorCase(
        lambda: ops.SgdUpdate().infer(_F, parse_type("f32[3, 2]"), _S),
        ShapeError,
        "must have one shape",
        "sgd-shape",
    ),
    ErrorCase(lambda: ops.SgdUpdate().infer(_F, _F, _F), ShapeError, "learning rate must be a scalar", "sgd-rate"),
    ErrorCase(
        lambda: ops.SgdUpdate().infer(_F, _F),
        ShapeError,
        "takes a parameter, 0 slots, a gradient",
        "sgd-count",
    ),
    ErrorCase(
        lambda: ops.SgdUpdate().infer(_F, parse_type("f64[2, 3]"), _S),
        DTypeError,
        "float32 and float64",
        "sgd-dtype",
    ),
]
