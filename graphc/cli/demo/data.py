"""The embedded digits as an input pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

import graphc as tf

BATCH: Final = 64
PIXELS: Final = 64
CLASSES: Final = 10
_TEST_COUNT: Final = 360
_LARGEST_PIXEL: Final = 16


@dataclass(frozen=True)
class Digits:
    """``images``: float32 [count, 64] in 0..1, ``labels``: int32 [count]; the same for the images held out."""

    images: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    test_images: npt.NDArray[Any]
    test_labels: npt.NDArray[Any]

    def batches(self, seed: int) -> tf.data.Dataset:
        """Training batches, shuffled anew in every epoch."""
        dataset = tf.data.Dataset.from_tensor_slices((self.images, self.labels))
        return dataset.shuffle(len(self.images), seed=seed).batch(BATCH)


def load(seed: int) -> Digits:
    """All 1,797 digits, shuffled: 1,437 for training, 360 held out.

    The data set's own split holds out writers that training never sees, which is a harder task (about 93 %).
    """
    (x, y), (x_test, y_test) = tf.keras.datasets.digits.load_data()
    images = np.concatenate([x, x_test]).reshape(-1, PIXELS).astype(np.float32) / _LARGEST_PIXEL
    labels = np.concatenate([y, y_test]).astype(np.int32)
    order = np.random.default_rng(seed).permutation(len(images))
    train, test = order[_TEST_COUNT:], order[:_TEST_COUNT]
    return Digits(images[train], labels[train], images[test], labels[test])
