"""CIFAR-100: 60,000 colour pictures of 32x32 pixels, 100 fine classes in 20 coarse ones."""

from __future__ import annotations

import numpy as np

from graphc.keras.datasets.cifar import batches_folder, image_layout, read_batch
from graphc.keras.datasets.storage import Split
from graphc_ir.errors import ArgumentError

__all__ = ["load_data"]

_SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> Split:
    """Return ``((x_train, y_train), (x_test, y_test))``, downloaded at the first call.

    ``x_train`` is uint8 of shape (50000, 32, 32, 3), ``x_test`` uint8 of shape (10000, 32, 32, 3), both with values
    0..255 (the channels come first under ``channels_first``). ``y_train`` and ``y_test`` are int64 of shapes
    (50000, 1) and (10000, 1).

    Args:
        label_mode: ``"fine"`` for the classes 0..99, ``"coarse"`` for 0..19.

    Raises:
        ArgumentError: another ``label_mode``.
        DownloadError: without a network; says where to put the archive by hand.
    """
    if label_mode not in ("fine", "coarse"):
        raise ArgumentError(f"label_mode={label_mode!r}, expected 'fine' (100 classes) or 'coarse' (20 classes)")
    folder = batches_folder("cifar-100-python-target", "cifar-100-python.tar.gz", "cifar-100-python", _SHA256)
    x_train, y_train = read_batch(folder / "train", f"{label_mode}_labels")
    x_test, y_test = read_batch(folder / "test", f"{label_mode}_labels")
    return (
        (image_layout(x_train), np.array(y_train, np.int64)[:, np.newaxis]),
        (image_layout(x_test), np.array(y_test, np.int64)[:, np.newaxis]),
    )
