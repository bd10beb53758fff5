"""Pixels as the networks of ImageNet were trained on them, and the names of the 1,000 classes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from graphc.conversion import convert_to_tensor
from graphc.keras.config import floatx, image_data_format
from graphc.keras.utils.files import get_file
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import dtype_of
from graphc_ir.ops.elementwise import cast
from graphc_ir.ops.movement import reverse

__all__ = ["decode_predictions", "preprocess_input"]

_CLASSES: Final = 1000
_CLASS_INDEX: Final = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
_CLASS_INDEX_MD5: Final = "c2c37ea517e94d9795004a39431a14cb"


@dataclass(frozen=True, slots=True)
class _Scaling:
    """``(x / divisor - mean) / deviation``, of channels in the order blue, green, red if ``to_bgr``."""

    divisor: float | None
    mean: tuple[float, ...]
    deviation: tuple[float, ...] | None = None
    to_bgr: bool = False


_SCALINGS: Final = {
    "caffe": _Scaling(None, (103.939, 116.779, 123.68), to_bgr=True),
    "tf": _Scaling(127.5, (1.0,)),
    "torch": _Scaling(255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Scales pixels of 0 to 255, red first, to what a network was trained on.

    Args:
        x: an image or a batch of them: an array (the result is a new one) or a tensor. Integers become ``floatx``.
        data_format: ``"channels_last"`` or ``"channels_first"``; by default ``keras.config.image_data_format()``.
        mode: ``"caffe"``: blue first, and the mean colour of ImageNet subtracted; ``"tf"``: -1 to 1; ``"torch"``: 0 to
            1, then the mean colour of ImageNet subtracted and divided by its standard deviation.

    Raises ArgumentError for another ``mode`` or ``data_format``.
    """
    if mode not in _SCALINGS:
        raise ArgumentError(f"preprocess_input: Expected mode to be one of `caffe`, `tf` or `torch`, got {mode!r}")
    axis = -3 if _checked(data_format) == "channels_first" else -1
    return _scaled(_floating(x), _SCALINGS[mode], axis)


def _checked(data_format: str | None) -> str:
    if data_format is None:
        return image_data_format()
    if data_format not in ("channels_first", "channels_last"):
        raise ArgumentError("preprocess_input: Expected data_format to be one of `channels_first` or `channels_last`, "
                            f"got {data_format!r}")  # fmt: skip
    return data_format


def _floating(x: Any) -> Any:
    """An array or tensor of floats."""
    if isinstance(x, np.ndarray):
        return x if np.issubdtype(x.dtype, np.floating) else x.astype(floatx())
    x = convert_to_tensor(x)
    return x if dtype_of(x).is_floating else cast(x, floatx())


def _scaled(x: Any, scaling: _Scaling, axis: int) -> Any:
    if scaling.to_bgr:
        x = np.flip(x, axis) if isinstance(x, np.ndarray) else reverse(x, axis)
    if scaling.divisor is not None:
        x = x / scaling.divisor
    x = x - _per_channel(scaling.mean, x, axis)
    return x if scaling.deviation is None else x / _per_channel(scaling.deviation, x, axis)


def _per_channel(values: tuple[float, ...], like: Any, axis: int) -> Any:
    """The values along the channels axis, in the dtype of ``like``."""
    return np.asarray(values, as_dtype(like.dtype).np).reshape(-1, *[1] * (-1 - axis))


# --- classes -----------------------------------------------------------------------------------------------------


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """For each row of probabilities the ``top`` likeliest classes, best first: WordNet id, name, score.

    ``preds`` has the shape ``[batch, 1000]``. The names are downloaded once, to ``~/.keras/models``.

    Raises ShapeError for another shape, DownloadError without a network: it says where to put the file by hand.
    """
    rows = np.asarray(preds)
    if rows.ndim != 2 or rows.shape[1] != _CLASSES:
        raise ShapeError("`decode_predictions` expects a batch of predictions (i.e. a 2D array of shape (samples, "
                         f"{_CLASSES})), got an array of shape {rows.shape}; only a model of all {_CLASSES} classes of "
                         "ImageNet has names for them")  # fmt: skip
    names = _class_names()
    best = np.argsort(rows, axis=1)[:, ::-1][:, :top]
    return [[(*names[i], row[i]) for i in indices] for row, indices in zip(rows, best, strict=True)]


@cache
def _class_names() -> tuple[tuple[str, str], ...]:
    path = get_file("imagenet_class_index.json", _CLASS_INDEX, cache_subdir="models", file_hash=_CLASS_INDEX_MD5)
    table = json.loads(Path(path).read_text(encoding="utf-8"))
    return tuple((table[str(i)][0], table[str(i)][1]) for i in range(_CLASSES))
