"""How models are compared with records of Keras: by fingerprints, and with weights that a formula makes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphc.keras import applications, config, utils

FOLDER = Path(__file__).resolve().parent / "goldens"


def golden(name: str) -> Any:
    """A record that Keras 3.15.1 made."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def build(function: str, arguments: dict[str, Any]) -> Any:
    """The model, with initial values, and with the names of layers counted anew."""
    utils.clear_session()
    previous = config.image_data_format()
    config.set_image_data_format(arguments.get("data_format", previous))
    try:
        given = {key: value for key, value in arguments.items() if key != "data_format"}
        return getattr(applications, function)(weights=None, **given)
    finally:
        config.set_image_data_format(previous)


def fingerprint(model: Any) -> dict[str, Any]:
    """What the record has of a model: sizes, and sums of its config and of its weights' paths and shapes."""
    weights = [[weight.path, list(weight.shape), bool(weight.trainable)] for weight in model.weights]
    return {
        "params": model.count_params(),
        "layers": len(model.layers),
        "config": _sum(_essential(json.loads(json.dumps(model.get_config())))),
        "weights": _sum(weights),
    }


def _sum(tree: Any) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:16]


def _essential(tree: Any) -> Any:
    """Without the shapes that layers were built for and arguments of calls that say nothing."""
    if isinstance(tree, list):
        return [_essential(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    silent = {"build_config": None, "mask": None, "training": False}
    return {key: _essential(value) for key, value in tree.items()
            if key != "build_config" and not (key in silent and value is silent[key])}  # fmt: skip


# --- weights by a formula ----------------------------------------------------------------------------------------


def fill(model: Any) -> None:
    """Gives each weight values that the record's model had too."""
    for number, weight in enumerate(model.weights):
        weight.assign(_value(weight.path, tuple(weight.shape), number))


def _value(path: str, shape: tuple[int, ...], number: int) -> NDArray[np.float32]:
    kind = path.rpartition("/")[2]
    if "variance" in kind:
        return _waves(shape, number, 0.3, 1.0)
    if kind == "gamma":
        return _waves(shape, number, 0.2, 1.0)
    if len(shape) <= 1:
        return _waves(shape, number, 0.1)
    per_map = kind == "depthwise_kernel" or "dw" in path or "depthwise" in path
    taps = int(np.prod(shape[:2] if per_map else shape[:-1]))
    return _waves(shape, number, (2 / taps) ** 0.5)


def _waves(shape: tuple[int, ...], number: int, scale: float, offset: float = 0.0) -> NDArray[np.float32]:
    positions = np.arange(int(np.prod(shape)))
    values: NDArray[np.float32] = (offset + scale * np.sin(positions * 1.7 + number)).astype(np.float32)
    return values.reshape(shape)


def picture(size: int) -> NDArray[np.float32]:
    """One picture of ``size`` rows and columns, pixels from 0 to 255."""
    pixels: NDArray[np.float32] = (127.5 + 127.5 * np.sin(np.arange(size * size * 3) * 0.37)).astype(np.float32)
    return pixels.reshape(1, size, size, 3)
