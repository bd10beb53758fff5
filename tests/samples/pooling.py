"""Samples of pooling and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from graphc_ir.dims import symbol
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import pooling as ops
from graphc_ir.ops.conv import window_of
from tests.samples.base import ErrorCase, Sample

_B = {"b": 2}
_BHW = {"b": 2, "h": 4, "w": 6}

# strides, low padding, high padding, dilations, layout, window
_TILES = ((2, 2), (0, 0), (0, 0), (1, 1), "NHWC", (2, 2))
_TILES_FIRST = ((2, 3), (0, 0), (0, 0), (1, 1), "NCHW", (2, 3))
_OVERLAP = ((1, 2), (1, 0), (1, 1), (1, 1), "NHWC", (3, 2))
_OVERLAP_FIRST = ((2, 2), (1, 1), (1, 1), (1, 1), "NCHW", (3, 3))
_DILATED = ((1, 1), (1, 0), (1, 0), (2, 1), "NHWC", (2, 2))
_LINE = ((2,), (0,), (0,), (1,), "NHWC", (2,))
_OPEN = (*window_of((symbol("h"), symbol("w")), (3, 2), (2, 2), "SAME", 1, "NHWC"), (3, 2))
_VOLUME = ((1, 2, 1), (0, 0, 0), (0, 0, 0), (1, 1, 1), "NHWC", (2, 2, 1))

_REFERENCE_HOLE = "it computes grouped ConvTranspose only where input and output channels are as many"
_TILED = ("tiles", "ties", "cropped", "long-rows", "channels-first", "1d", "symbolic")

_RNG = np.random.default_rng(5)


def _distinct(*shape: int) -> npt.NDArray[np.float64]:
    """Values far apart, so that finite differences do not cross a maximum."""
    return _RNG.permutation(int(np.prod(shape))).reshape(shape).astype(np.float64) * 0.1


def _ties(*shape: int) -> npt.NDArray[np.float64]:
    return _RNG.integers(0, 2, shape).astype(np.float64)


def _max_grad(parts: Any, x: str, y: str, data: Any, label: str, **options: Any) -> list[Sample]:
    """Both linear maps of a max pooling, on data and its pooled values."""
    options |= {
        "values": (data, ops.MaxPool(*parts).kernel(data), None),
        "reference_hole": "" if label in _TILED else _REFERENCE_HOLE,
        "round_trip": False,
        "label": label,
    }
    gradient, pick = ops.MaxPoolGrad(*parts), ops.MaxPoolPick(*parts)
    return [Sample(gradient, (x, y, y), **options), Sample(pick, (x, y, x), **options)]


SAMPLES = [
    Sample(ops.MaxPool(*_TILES), ("f64[b, h, w, 3]",), _BHW, values=(_distinct(2, 4, 6, 3),), round_trip=False),
    Sample(ops.MaxPool(*_TILES), ("f64[2, 5, 5, 2]",), values=(_distinct(2, 5, 5, 2),), round_trip=False),
    Sample(ops.MaxPool(*_TILES_FIRST), ("f64[2, 2, 4, 7]",), values=(_distinct(2, 2, 4, 7),)),
    Sample(ops.MaxPool(*_OVERLAP), ("f64[b, 4, 5, 2]",), _B, values=(_distinct(2, 4, 5, 2),), round_trip=False),
    Sample(ops.MaxPool(*_OVERLAP_FIRST), ("f64[2, 2, 5, 4]",), values=(_distinct(2, 2, 5, 4),)),
    Sample(
        ops.MaxPool(*_OPEN),
        ("f64[b, h, w, 3]",),
        {"b": 2, "h": 5, "w": 6},
        values=(_distinct(2, 5, 6, 3),),
        round_trip=False,
        label="same-open",
    ),
    Sample(ops.MaxPool(*_DILATED), ("f64[2, 4, 5, 2]",), values=(_distinct(2, 4, 5, 2),), round_trip=False),
    Sample(ops.MaxPool(*_LINE), ("f64[2, 7, 2]",), values=(_distinct(2, 7, 2),), round_trip=False),
    Sample(ops.MaxPool(*_VOLUME), ("f64[1, 3, 4, 2, 2]",), values=(_distinct(1, 3, 4, 2, 2),), round_trip=False),
    Sample(ops.MaxPool(*_TILES), ("i32[2, 4, 4, 3]",), min_opset=None),
    Sample(ops.MaxPool(*_TILES), ("f16[2, 4, 4, 3]",), min_opset=None),
    *_max_grad(_TILES, "f64[2, 4, 6, 3]", "f64[2, 2, 3, 3]", _distinct(2, 4, 6, 3), "tiles"),
    *_max_grad(_TILES, "f64[2, 4, 6, 3]", "f64[2, 2, 3, 3]", _ties(2, 4, 6, 3), "ties"),
    *_max_grad(
        _TILES,
        "f64[b, h, w, 3]",
        "f64[b, (h - 2)//2 + 1, (w - 2)//2 + 1, 3]",
        _ties(2, 4, 6, 3),
        "symbolic",
        sizes=_BHW,
    ),
    *_max_grad(_TILES, "f64[b, 5, 6, 3]", "f64[b, 2, 3, 3]", _ties(2, 5, 6, 3), "cropped", sizes=_B),
    *_max_grad(_TILES, "f64[1, 2, 68, 1]", "f64[1, 1, 34, 1]", _ties(1, 2, 68, 1), "long-rows"),
    *_max_grad(_TILES_FIRST, "f64[2, 2, 4, 7]", "f64[2, 2, 2, 2]", _ties(2, 2, 4, 7), "channels-first"),
    *_max_grad(_OVERLAP, "f64[2, 4, 5, 2]", "f64[2, 4, 3, 2]", _ties(2, 4, 5, 2), "overlap"),
    *_max_grad(_OVERLAP_FIRST, "f64[b, 2, 5, 4]", "f64[b, 2, 3, 2]", _distinct(2, 2, 5, 4), "overlap-first", sizes=_B),
    *_max_grad(_DILATED, "f64[2, 4, 5, 2]", "f64[2, 4, 4, 2]", _ties(2, 4, 5, 2), "dilated"),
    *_max_grad(_LINE, "f64[2, 6, 2]", "f64[2, 3, 2]", _ties(2, 6, 2), "1d"),
    *_max_grad(_VOLUME, "f64[1, 3, 4, 2, 2]", "f64[1, 2, 2, 2, 2]", _ties(1, 3, 4, 2, 2), "3d"),
    Sample(
        ops.AvgPool(*_OPEN, False), ("f64[b, h, w, 3]",), {"b": 2, "h": 5, "w": 6}, round_trip=False, label="same-open"
    ),
    Sample(ops.AvgPool(*_TILES, False), ("f64[b, h, w, 3]",), _BHW, round_trip=False),
    Sample(ops.AvgPool(*_OVERLAP, False), ("f64[b, h, w, 2]",), _BHW, label="uncounted", round_trip=False),
    Sample(ops.AvgPool(*_OVERLAP, True), ("f64[b, 4, 5, 2]",), _B, label="counted", round_trip=False),
    Sample(ops.AvgPool(*_OVERLAP_FIRST, False), ("f64[2, 2, 5, 4]",)),
    Sample(ops.AvgPool(*_DILATED, False), ("f64[2, 4, 5, 2]",), label="dilated", round_trip=False),
    Sample(ops.AvgPool(*_LINE, False), ("f64[2, 7, 2]",), round_trip=False),
    Sample(ops.AvgPool(*_VOLUME, False), ("f64[1, 3, 4, 2, 2]",), round_trip=False),
    Sample(ops.AvgPool(*_TILES, False), ("f16[2, 4, 4, 3]",), min_opset=None, rtol=1e-2, atol=1e-2),
    Sample(ops.AvgPoolGrad(*_TILES, False, (4, 7)), ("f64[b, 2, 3, 3]",), _B, round_trip=False),
    Sample(ops.AvgPoolGrad(*_TILES_FIRST, False, (4, 6)), ("f64[2, 3, 2, 2]",), round_trip=False),
    Sample(
        ops.AvgPoolGrad(*_OVERLAP, False, (4, 5)),
        ("f64[b, 4, 3, 2]",),
        _B,
        label="uncounted",
        round_trip=False,
        reference_hole=_REFERENCE_HOLE,
    ),
    Sample(
        ops.AvgPoolGrad(*_OVERLAP, True, (4, 5)),
        ("f64[2, 4, 3, 2]",),
        label="counted",
        round_trip=False,
        reference_hole=_REFERENCE_HOLE,
    ),
    Sample(ops.AvgPoolGrad(*_LINE, False, (7,)), ("f64[2, 3, 2]",), round_trip=False),
]

_X = np.ones((1, 4, 4, 2), np.float32)

ERRORS = [
    ErrorCase(lambda: ops.max_pool(_X[0, 0], 2), ShapeError, "pooling needs data", "pool-rank"),
    ErrorCase(lambda: ops.avg_pool(_X, 5), ShapeError, "window of 5.*does not fit", "pool-window"),
    ErrorCase(lambda: ops.max_pool(_X, [2, 2, 2]), ArgumentError, r"window=\[2, 2, 2\]", "pool-window-rank"),
    ErrorCase(lambda: ops.max_pool(_X, 2, padding=[(0, 0)]), ArgumentError, "2 pairs", "pool-padding"),
    ErrorCase(lambda: ops.pool(_X, 2, "MEDIAN"), ArgumentError, "pooling_type='MEDIAN'", "pool-type"),
]
