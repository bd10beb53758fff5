"""CIFAR-10: 60,000 colour pictures of 32x32 pixels, ten classes.

The classes: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.
"""

from __future__ import annotations

import numpy as np

from graphc.keras.datasets.cifar import batches_folder, image_layout, read_batch
from graphc.keras.datasets.storage import Split

__all__ = ["load_data"]

_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> Split:
    """Return ``((x_train, y_train), (x_test, y_test))``, downloaded at the first call.

    ``x_train`` is uint8 of shape (50000, 32, 32, 3), ``x_test`` uint8 of shape (10000, 32, 32, 3), both with values
    0..255 (the channels come first under ``channels_first``). ``y_train`` and ``y_test`` are uint8 of shapes
    (50000, 1) and (10000, 1) with the classes 0..9.

    Raises:
        DownloadError: without a network; says where to put the archive by hand.
    """
    folder = batches_folder("cifar-10-batches-py-target", "cifar-10-python.tar.gz", "cifar-10-batches-py", _SHA256)
    train = [read_batch(folder / f"data_batch_{number}", "labels") for number in range(1, 6)]
    x_train = np.concatenate([images for images, _ in train])
    y_train = np.concatenate([labels for _, labels in train])
    x_test, y_test = read_batch(folder / "test_batch", "labels")
    return (
        (image_layout(x_train), y_train.astype(np.uint8)[:, np.newaxis]),
        (image_layout(x_test), np.array(y_test, np.uint8)[:, np.newaxis]),
    )
