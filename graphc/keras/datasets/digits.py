"""Handwritten digits: 1,797 real images of 8x8 pixels, ten classes.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998, https://archive.ics.uci.edu/dataset/80, licensed under CC BY 4.0
(https://creativecommons.org/licenses/by/4.0/). Embedded is the test part of that data set, written by 13
people; the values and their order are unchanged.

A pixel counts the inked points of a 4x4 block of the original 32x32 bitmap, hence its range 0..16.
"""

from importlib import resources

import numpy as np
import numpy.typing as npt

__all__ = ["load_data"]

_TRAIN_COUNT = 1437

Bytes = npt.NDArray[np.uint8]


def load_data() -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """Return `((x_train, y_train), (x_test, y_test))`, new arrays on each call.

    `x_train` is uint8 of shape (1437, 8, 8), `x_test` uint8 of shape (360, 8, 8), both with values 0..16
    (divide by 16 to get 0..1). `y_train` and `y_test` are uint8 of shapes (1437,) and (360,) with the
    digits 0..9.

    The split is fixed: the first 1,437 images of the source train, the last 360 test (80/20), unshuffled.
    Every digit has 141 to 146 training and 33 to 37 test images.
    """
    archive = resources.files("graphc.keras.datasets").joinpath("digits.npz")
    with archive.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        x, y = arrays["x"], arrays["y"]
    train, test = slice(None, _TRAIN_COUNT), slice(_TRAIN_COUNT, None)
    return (x[train], y[train]), (x[test], y[test])
