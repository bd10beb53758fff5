"""Calls of ``keras.ops``, one per line, that are compared with what Keras gives (``goldens/ops.json``).

A line is an expression over the names of :func:`inputs`; functions of ``ops`` need no prefix. Lines marked ``~`` are
not recorded in models, where the size of the batch is open.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.graphc.keras.ops.lines import LINES

__all__ = ["cases", "eager_only", "evaluate", "inputs", "names_of"]

_RNG = np.random.default_rng(7)


def _floats(*shape: int, low: float = -2, high: float = 2) -> Any:
    return _RNG.uniform(low, high, shape).round(2).astype(np.float32)


def _damaged(array: Any) -> Any:
    array = array.copy()
    array[0, 0, 1], array[1, 2, 3], array[1, 0, :] = np.nan, np.nan, np.nan
    return array


def inputs() -> dict[str, Any]:
    """The data that lines may name: always a batch of 2."""
    return dict(_INPUTS)


_INPUTS = {
    "x": _floats(2, 3, 4),
    "y": _floats(2, 3, 4),
    "p": _floats(2, 3, 4, low=0.1, high=3),
    "u": _floats(2, 3, 4, low=-0.9, high=0.9),
    "nans": _damaged(_floats(2, 3, 4)),
    "odd": np.array([[np.nan, np.inf, -np.inf, 1.5], [0.0, -0.0, 2.5, -2.5]], np.float32),
    "half": _floats(2, 3, 4).astype(np.float16),
    "i": _RNG.integers(-5, 6, (2, 3, 4)).astype(np.int32),
    "j": _RNG.integers(1, 6, (2, 3, 4)).astype(np.int32),
    "small": _RNG.integers(0, 100, (2, 3, 4)).astype(np.uint8),
    "long": _RNG.integers(-5, 6, (2, 3, 4)).astype(np.int64),
    "b": _RNG.random((2, 3, 4)) < 0.5,
    "c": _RNG.random((2, 3, 4)) < 0.5,
    "v": _floats(2),
    "row": _floats(2, 4),
    "classes": np.array([[0, 2, 1], [3, 3, 0]], np.int32),
    "targets": np.array([2, 0], np.int32),
    "segments": np.array([1, 0], np.int32),
    "m": (_floats(2, 3, 3) + 4 * np.eye(3)).astype(np.float32),
    "spd": np.stack([a @ a.T + np.eye(3) for a in _RNG.normal(size=(2, 3, 3))]).round(2).astype(np.float32),
    "sequence": _floats(2, 8, 3),
    "photo": _floats(2, 6, 5, 3, low=0, high=1),
    "bytes": _RNG.integers(0, 256, (2, 6, 5, 3)).astype(np.uint8),
    "corners": np.array([[0, 0], [4, 0], [0, 5], [4, 5]], np.float32),
    "tall": _floats(2, 8, 8, 2),
    "volume": _floats(2, 4, 4, 4, 2),
    "shares": np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]], np.float32),
    "onehot": np.array([[0, 1, 0], [0, 0, 1]], np.float32),
}

_NAME = re.compile(r"\"[^\"]*\"|\b[a-z_]\w*\b(?!\s*[(=])")


def cases() -> list[str]:
    """The lines, without comments and marks."""
    return [line.removeprefix("~ ") for line in LINES.splitlines() if line and not line.startswith("#")]


def eager_only() -> set[str]:
    """The lines whose shapes or results need the size of the batch."""
    return {line.removeprefix("~ ") for line in LINES.splitlines() if line.startswith("~ ")}


def names_of(line: str) -> list[str]:
    """The inputs that a line uses, in alphabetical order."""
    return sorted({name for name in _NAME.findall(line) if name in _INPUTS})


def evaluate(line: str, ops: Any, values: dict[str, Any]) -> list[Any]:
    """The results of a line, flattened. ``ops``: the module of functions."""
    functions = {name: getattr(ops, name) for name in dir(ops) if not name.startswith("_")}
    found = eval(line, {**functions, "ops": ops, "np": np, **values})
    return _flattened(found)


def _flattened(found: Any) -> list[Any]:
    if isinstance(found, (list, tuple)):
        return [leaf for item in found for leaf in _flattened(item)]
    if isinstance(found, (dict, SimpleNamespace)):
        return _flattened(list(found.values() if isinstance(found, dict) else vars(found).values()))
    return [found]
