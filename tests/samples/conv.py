"""Samples of convolution and its gradients."""

from __future__ import annotations

import numpy as np

from graphc_ir.dims import symbol
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import conv as ops
from graphc_ir.ops.base import bind
from tests.samples.base import ErrorCase, Sample

_REFERENCE_HOLE = "it computes grouped ConvTranspose only where input and output channels are as many"

_B = {"b": 2}
_BHW = {"b": 2, "h": 7, "w": 5}

# strides, low padding, high padding, dilations, layout, groups
_PLAIN = ((1, 1), (0, 0), (0, 0), (1, 1), "NHWC", 1)
_SAME = ((1, 1), (1, 1), (1, 1), (1, 1), "NHWC", 1)
_UNEVEN = ((2, 1), (0, 1), (1, 2), (1, 2), "NHWC", 1)
_GROUPED = ((1, 2), (1, 0), (0, 1), (1, 1), "NHWC", 2)
_DEPTHWISE = ((1, 1), (1, 1), (1, 1), (1, 1), "NHWC", 3)
_FIRST = ((2, 2), (0, 1), (1, 1), (1, 1), "NCHW", 1)
_FIRST_GROUPED = ((1, 1), (0, 0), (0, 0), (2, 1), "NCHW", 2)
_LINE = ((2,), (1,), (2,), (1,), "NHWC", 1)
_OPEN = (*ops.window_of((symbol("h"), symbol("w")), (3, 2), (2, 1), "SAME", 1, "NHWC"), 1)
_OPEN_FIRST = (*ops.window_of((symbol("h"), symbol("w")), (3, 4), (3, 2), "SAME", 1, "NCHW"), 1)
_VOLUME = ((1, 2, 1), (0, 1, 0), (0, 1, 0), (1, 1, 1), "NHWC", 1)


def _conv(parts: tuple[object, ...], x: str, w: str, label: str, **options: object) -> Sample:
    return Sample(ops.Conv(*parts), (x, w), label=label, **options)  # type: ignore[arg-type]


def _biased(parts: tuple[object, ...], x: str, w: str, bias: str, label: str, **options: object) -> Sample:
    options |= {"round_trip": False, "label": label}
    return Sample(ops.Conv(*parts), (x, w, bias), **options)  # type: ignore[arg-type]


SAMPLES = [
    _conv(_PLAIN, "f64[b, 5, 4, 2]", "f64[3, 2, 2, 3]", "plain", sizes=_B, round_trip=False),
    _conv(_PLAIN, "f64[b, h, w, 2]", "f64[1, 1, 2, 3]", "pointwise", sizes=_BHW, round_trip=False),
    _conv(_SAME, "f64[b, h, w, 2]", "f64[3, 3, 2, 3]", "same", sizes=_BHW, round_trip=False),
    _conv(_UNEVEN, "f64[b, h, w, 2]", "f64[3, 2, 2, 3]", "uneven", sizes=_BHW, round_trip=False),
    _conv(_GROUPED, "f64[2, 5, 6, 4]", "f64[2, 3, 2, 6]", "grouped", round_trip=False),
    _conv(_DEPTHWISE, "f64[2, 4, 5, 3]", "f64[3, 3, 1, 6]", "depthwise", round_trip=False),
    _conv(_DEPTHWISE, "f64[2, 4, 5, 3]", "f64[3, 3, 1, 3]", "depthwise-one", round_trip=False),
    _conv(_FIRST, "f64[b, 2, 5, 6]", "f64[3, 2, 3, 3]", "channels-first", sizes=_B),
    _conv(_FIRST_GROUPED, "f64[2, 4, 5, 4]", "f64[4, 2, 2, 2]", "channels-first-grouped"),
    _conv(_LINE, "f64[b, 9, 2]", "f64[4, 2, 3]", "1d", sizes=_B, round_trip=False),
    _conv(_VOLUME, "f64[1, 3, 4, 3, 2]", "f64[2, 3, 2, 2, 2]", "3d", round_trip=False),
    _biased(_SAME, "f64[b, h, w, 2]", "f64[3, 3, 2, 3]", "f64[3]", "bias", sizes=_BHW),
    _biased(_FIRST, "f64[b, 2, 5, 6]", "f64[3, 2, 3, 3]", "f64[3]", "bias-first", sizes=_B),
    _biased(_DEPTHWISE, "f64[2, 4, 5, 3]", "f64[3, 3, 1, 6]", "f64[6]", "bias-depthwise"),
    _conv(_OPEN, "f64[b, h, w, 2]", "f64[3, 2, 2, 3]", "same-open", sizes=_BHW, round_trip=False),
    _conv(_OPEN_FIRST, "f64[b, 2, h, w]", "f64[3, 2, 3, 4]", "same-open-first", sizes=_BHW),
    _conv(_PLAIN, "f64[0, 5, 4, 2]", "f64[3, 2, 2, 3]", "empty-batch", min_opset=None, gradient=False),
    _conv(_PLAIN, "f16[2, 5, 4, 2]", "f16[3, 2, 2, 3]", "f16", min_opset=None, rtol=2e-2, atol=2e-2),
    _conv(_PLAIN, "bf16[2, 5, 4, 2]", "bf16[3, 2, 2, 3]", "bf16", min_opset=None, rtol=5e-2, atol=5e-2),
    Sample(ops.ConvInputGrad(*_PLAIN, (5, 4)), ("f64[b, 3, 3, 3]", "f64[3, 2, 2, 3]"), _B, round_trip=False),
    Sample(
        ops.ConvInputGrad(*_UNEVEN, (symbol("h"), symbol("w") - 1)),
        ("f64[h, h//2, w, 3]", "f64[3, 2, 2, 3]", "f64[2]"),
        {"h": 5, "w": 4},
        round_trip=False,
        label="bias-open",
    ),
    Sample(
        ops.ConvInputGrad(*_FIRST, (5, 6)),
        ("f64[2, 3, 2, 3]", "f64[3, 2, 3, 3]", "f64[2]"),
        round_trip=False,
        label="bias-first",
    ),
    Sample(
        ops.ConvInputGrad(*_GROUPED, (5, 6)),
        ("f64[2, 5, 3, 6]", "f64[2, 3, 2, 6]"),
        round_trip=False,
        reference_hole=_REFERENCE_HOLE,
    ),
    Sample(
        ops.ConvInputGrad(*_DEPTHWISE, (4, 5)),
        ("f64[2, 4, 5, 6]", "f64[3, 3, 1, 6]"),
        round_trip=False,
        reference_hole=_REFERENCE_HOLE,
    ),
    Sample(ops.ConvInputGrad(*_FIRST, (5, 6)), ("f64[2, 3, 2, 3]", "f64[3, 2, 3, 3]"), label="channels-first"),
    Sample(ops.ConvInputGrad(*_FIRST, (6, 6)), ("f64[2, 3, 3, 3]", "f64[3, 2, 3, 3]"), label="odd-rest"),
    Sample(ops.ConvInputGrad(*_LINE, (9,)), ("f64[b, 5, 3]", "f64[4, 2, 3]"), _B, round_trip=False),
    Sample(ops.ConvFilterGrad(*_PLAIN, (3, 2)), ("f64[b, 5, 4, 2]", "f64[b, 3, 3, 3]"), _B, round_trip=False),
    Sample(
        ops.ConvFilterGrad(*_OPEN, (3, 2)),
        ("f64[b, h, w, 2]", "f64[b, (h + 1)//2, w, 3]"),
        _BHW,
        round_trip=False,
        label="same-open",
    ),
    Sample(ops.ConvFilterGrad(*_SAME, (3, 3)), ("f64[b, h, w, 2]", "f64[b, h, w, 3]"), _BHW, round_trip=False),
    Sample(ops.ConvFilterGrad(*_GROUPED, (2, 3)), ("f64[2, 5, 6, 4]", "f64[2, 5, 3, 6]"), round_trip=False),
    Sample(ops.ConvFilterGrad(*_DEPTHWISE, (3, 3)), ("f64[2, 4, 5, 3]", "f64[2, 4, 5, 6]"), round_trip=False),
    Sample(
        ops.ConvFilterGrad(*_FIRST, (3, 3)),
        ("f64[2, 2, 5, 6]", "f64[2, 3, 2, 3]"),
        label="channels-first",
        round_trip=False,
    ),
    Sample(
        ops.ConvFilterGrad(*_VOLUME, (2, 3, 2)),
        ("f64[1, 3, 4, 3, 2]", "f64[1, 2, 2, 2, 2]"),
        round_trip=False,
    ),
]

_X, _W = np.ones((1, 5, 5, 2), np.float32), np.ones((3, 3, 2, 4), np.float32)

ERRORS = [
    ErrorCase(
        lambda: ops.conv(_X[..., :1], _W),
        ShapeError,
        "data has 1 channels, which the filters",
        "conv-channels",
    ),
    ErrorCase(
        lambda: bind(ops.Conv(*_PLAIN), _X, _W, np.ones(3, np.float32)),
        ShapeError,
        r"the bias has shape \[3\], expected \[4\]",
        "conv-bias",
    ),
    ErrorCase(lambda: ops.conv(_X[:, :2], _W), ShapeError, "window of 3.*does not fit.*size 2", "conv-window"),
    ErrorCase(lambda: ops.conv(_X, _W.astype(np.float64)), DTypeError, "float32 and float64", "conv-dtypes"),
    ErrorCase(lambda: ops.conv(_X, _W, padding="FULL"), ArgumentError, "padding='FULL' is unknown", "conv-padding"),
    ErrorCase(lambda: ops.conv(_X, _W, strides=0), ArgumentError, "strides=0", "conv-strides"),
    ErrorCase(
        lambda: ops.conv(_X, _W, strides=[2, 1, 1, 1]),
        ArgumentError,
        "1 along batch and channels",
        "conv-batch",
    ),
    ErrorCase(lambda: ops.conv(_X, _W, data_format="HWC"), ArgumentError, "data_format='HWC'", "conv-format"),
    ErrorCase(lambda: ops.conv(_X[0, 0], _W), ShapeError, "same number of spatial axes", "conv-rank"),
    ErrorCase(
        lambda: ops.conv_transpose(_X[..., [0, 1, 0, 1]], _W, (1, 20, 9, 2), 2),
        ShapeError,
        r"the cotangent has shape \[1, 5, 5, 4\], expected \[1, 10, 5, 4\]",
        "conv-transpose-shape",
    ),
]
