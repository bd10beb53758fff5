"""Samples of recurrent layers: every combination of operands and directions, with small sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import rnn as ops
from tests.samples.base import ErrorCase, Sample

_SIZES = {"b": 3, "t": 4}
_LENGTHS = [4, 0, 2]
_GATES = {ops.Lstm: 4, ops.Gru: 3, ops.Rnn: 1}
_UNITS, _FEATURES = 2, 3
_FLAGS = ("bias", "state", "lengths", "reverse", "zero_output", "time_major")
_REFERENCE = "the ONNX reference implementation knows neither directions nor sequence lengths"


def _layer(kind: Any, *flags: str, dtype: str = "f64", **options: Any) -> Sample:
    """One recurrent layer; ``flags`` are the fields that are true."""
    op = kind(**{flag: flag in flags for flag in _FLAGS}, **options)
    width = _GATES[kind] * _UNITS
    bias = f"2, {width}" if options.get("reset_after") else f"{width}"
    data = f"t, b, {_FEATURES}" if op.time_major else f"b, t, {_FEATURES}"
    shapes = [data, f"{_FEATURES}, {width}", f"{_UNITS}, {width}", *[bias] * op.bias]
    shapes += [f"b, {_UNITS}"] * (op.states * op.state)
    operands = (*(f"{dtype}[{shape}]" for shape in shapes), *["i32[b]"] * op.lengths)
    label = "-".join([dtype, *flags, *(str(v) for v in options.values())])
    values = (*[None] * (len(operands) - 1), _LENGTHS) if op.lengths else None
    return _row(op, operands, label, dtype, values=values, differentiable=1 + op.states)


def _row(op: Any, operands: tuple[str, ...], label: str, dtype: str, **fields: Any) -> Sample:
    tolerance = 1e-5 if dtype != "f16" else 5e-3
    unknown = _REFERENCE if op.lengths or op.reverse or op.time_major else ""
    return Sample(
        op,
        operands,
        _SIZES,
        ranges=((-1.0, 1.0),) * len(operands),
        round_trip=False,
        reference_hole=unknown,
        rtol=tolerance,
        atol=max(tolerance / 5, 1e-6),
        label=label,
        **fields,
    )


def _grad(kind: Any, *flags: str, **options: Any) -> Sample:
    """A gradient op of a layer. Its gates are no free operand: its derivative is checked as the layer's second one."""
    fields = {flag: flag in flags for flag in ("bias", "lengths", "reverse", "time_major")}
    op = kind(**fields, **options)
    forward = ops.Lstm if kind is ops.LstmGrad else ops.Gru
    width, saved = _GATES[forward] * _UNITS, (3 + options.get("reset_after", True)) * _UNITS
    bias = f"2, {width}" if options.get("reset_after") else f"{width}"
    order = "t, b" if op.time_major else "b, t"
    shapes = [f"{order}, {_FEATURES}", f"{_FEATURES}, {width}", f"{_UNITS}, {width}", *[bias] * op.bias]
    shapes += [f"{order}, {_UNITS}", f"{order}, {saved}", f"{order}, {_UNITS}"]
    shapes += [f"b, {_UNITS}"] * (op.states + op.cells)
    operands = (*(f"f64[{shape}]" for shape in shapes), *["i32[b]"] * op.lengths)
    label = "-".join(["f64", *flags, *(str(v) for v in options.values())])
    values: list[Any] = [None] * len(operands)
    if op.lengths:
        values[4 + op.bias] = _without_idle(saved, op.time_major)
        values[-1] = _LENGTHS
    return _row(op, operands, label, "f64", values=tuple(values), gradient=False)


def _without_idle(width: int, time_major: bool) -> Any:
    """Gates, which are 0 at idle steps."""
    gates = np.random.default_rng(0).uniform(0, 1, (3, 4, width))
    gates *= (np.arange(4) < np.array(_LENGTHS)[:, None])[..., None]
    return gates.swapaxes(0, 1) if time_major else gates


def _rnn_grad(activation: str, *flags: str) -> Sample:
    fields = {flag: flag in flags for flag in ("lengths", "reverse", "time_major")}
    op = ops.RnnGrad(activation=activation, **fields)
    steps = "t, b, 2" if op.time_major else "b, t, 2"
    operands = (*(f"f64[{shape}]" for shape in (steps, "2, 2", steps, "b, 2")), *["i32[b]"] * op.lengths)
    values = (None, None, None, None, *[_LENGTHS] * op.lengths)
    return _row(op, operands, "-".join(["f64", activation, *flags]), "f64", values=values)


SAMPLES = [
    _layer(ops.Lstm),
    _layer(ops.Lstm, "bias", "state"),
    _layer(ops.Lstm, "bias", "reverse"),
    _layer(ops.Lstm, "bias", "lengths"),
    _layer(ops.Lstm, "bias", "state", "lengths"),
    _layer(ops.Lstm, "bias", "state", "lengths", "zero_output"),
    _layer(ops.Lstm, "bias", "state", "lengths", "reverse"),
    _layer(ops.Lstm, "state", "reverse", "time_major"),
    _layer(ops.Lstm, "bias", "lengths", "time_major"),
    _layer(ops.Lstm, "bias", dtype="f16"),
    _layer(ops.Gru, "bias", reset_after=True),
    _layer(ops.Gru, "bias", reset_after=False),
    _layer(ops.Gru, "state", "reverse", reset_after=True),
    _layer(ops.Gru, "bias", "state", "lengths", reset_after=True),
    _layer(ops.Gru, "bias", "state", "lengths", reset_after=False),
    _layer(ops.Gru, "bias", "state", "lengths", "reverse", reset_after=True),
    _layer(ops.Gru, "lengths", "zero_output", "time_major", reset_after=False),
    _layer(ops.Gru, "bias", dtype="f16", reset_after=True),
    _layer(ops.Rnn, "bias", activation="tanh"),
    _layer(ops.Rnn, "bias", activation="relu"),
    _layer(ops.Rnn, "bias", "state", "lengths", activation="tanh"),
    _layer(ops.Rnn, "bias", "state", "lengths", "reverse", activation="tanh"),
    _layer(ops.Rnn, "state", "reverse", "time_major", activation="tanh"),
    _layer(ops.Rnn, "bias", dtype="f16", activation="tanh"),
    _grad(ops.LstmGrad, state=False),
    _grad(ops.LstmGrad, "bias", "lengths", state=True),
    _grad(ops.LstmGrad, "lengths", "reverse", "time_major", state=True),
    _grad(ops.GruGrad, "bias", reset_after=True),
    _grad(ops.GruGrad, "lengths", "reverse", reset_after=True),
    _grad(ops.GruGrad, "bias", "lengths", reset_after=False),
    _grad(ops.GruGrad, "reverse", "time_major", reset_after=False),
    _rnn_grad("tanh"),
    _rnn_grad("tanh", "lengths", "reverse"),
    _rnn_grad("relu", "lengths", "time_major"),
]

_X, _H = np.ones((2, 5, 3), np.float32), np.ones((2, 4), np.float32)
_K, _R = np.ones((3, 16), np.float32), np.ones((4, 16), np.float32)
_MASK = np.ones((2, 5), np.bool_)

ERRORS = [
    ErrorCase(
        lambda: ops.lstm(_X[0], None, None, _K, _R),
        ShapeError,
        r"lstm takes data \[batch, time, features\], got f32\[5, 3\]; add the missing axis",
        "lstm-rank",
    ),
    ErrorCase(
        lambda: ops.lstm(_X, None, None, _K[:, :12], _R),
        ShapeError,
        r"the kernel f32\[3, 12\], expected \[3, 16\]",
        "lstm-kernel",
    ),
    ErrorCase(
        lambda: ops.lstm(_X, _H[:1], _H, _K, _R),
        ShapeError,
        r"a first state f32\[1, 4\], expected \[2, 4\]",
        "lstm-state",
    ),
    ErrorCase(lambda: ops.lstm(_X, _H, None, _K, _R), ArgumentError, "give h0 and c0, or None for both", "lstm-one"),
    ErrorCase(
        lambda: ops.lstm(_X, None, None, _K, _R, lengths=np.ones(3, np.int32)),
        ShapeError,
        r"lengths i32\[3\], expected \[2\]",
        "lstm-lengths",
    ),
    ErrorCase(
        lambda: ops.lstm(_X, None, None, _K, _R, lengths=np.ones(2, np.int32), mask=_MASK),
        ArgumentError,
        "pass one of the two",
        "lstm-mask-and-lengths",
    ),
    ErrorCase(
        lambda: ops.lstm(_X, None, None, _K, _R, mask=_MASK.astype(np.float32)),
        DTypeError,
        r"a mask must be bool \[batch, time\]",
        "lstm-mask-dtype",
    ),
    ErrorCase(
        lambda: ops.gru(_X, None, _K[:, :12], _R[:, :12], _K[0, :12]),
        ShapeError,
        r"the bias must have shape \[2, 12\], got f32\[12\]",
        "gru-bias",
    ),
    ErrorCase(
        lambda: ops.simple_rnn(_X, None, _K[:, :4], _R[:, :4], activation="sigmoid"),
        ArgumentError,
        "activation='sigmoid' is no single op; the activations are tanh, relu",
        "rnn-activation",
    ),
]
