"""What CIFAR-10 and CIFAR-100 share: an archive of pickled batches of 32x32 colour pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from graphc.keras import config
from graphc.keras.datasets.pickles import read_pickle
from graphc.keras.datasets.storage import Array
from graphc.keras.utils.errors import CorruptFileError
from graphc.keras.utils.files import get_file

__all__ = ["batches_folder", "image_layout", "read_batch"]

_ORIGIN = "https://www.cs.toronto.edu/~kriz/"


def batches_folder(folder: str, archive: str, inner: str, file_hash: str) -> Path:
    """The folder with the batches, downloaded and unpacked unless the cache has it."""
    return Path(get_file(folder, _ORIGIN + archive, extract=True, file_hash=file_hash)) / inner


def read_batch(path: Path, label_key: str) -> tuple[Array, list[int]]:
    """Pictures, uint8 ``[n, 3, 32, 32]``, and their labels. Raises CorruptFileError if the file holds none."""
    with path.open("rb") as stream:
        batch = _text_keys(read_pickle(stream, str(path)))
    pixels, labels = batch.get("data"), batch.get(label_key)
    if not isinstance(pixels, np.ndarray) or not isinstance(labels, list):
        raise CorruptFileError(
            f"{path} is no CIFAR batch with data and {label_key}; delete its folder, then load again"
        )
    return pixels.reshape(-1, 3, 32, 32), labels


def _text_keys(batch: Any) -> dict[str, Any]:
    if not isinstance(batch, dict):
        return {}
    return {key.decode("utf-8") if isinstance(key, bytes) else str(key): value for key, value in batch.items()}


def image_layout(images: Array) -> Array:
    """``[n, 3, 32, 32]`` with the channels where ``keras.config.image_data_format()`` wants them."""
    return images.transpose(0, 2, 3, 1) if config.image_data_format() == "channels_last" else images
