"""MNIST: 70,000 handwritten digits of 28x28 grey pixels, ten classes."""

from __future__ import annotations

from graphc.keras.datasets.storage import Split, data_file, load_npz

__all__ = ["load_data"]

_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str = "mnist.npz") -> Split:
    """Return ``((x_train, y_train), (x_test, y_test))``, downloaded at the first call.

    ``x_train`` is uint8 of shape (60000, 28, 28), ``x_test`` uint8 of shape (10000, 28, 28), both with values 0
    (paper) to 255 (ink); ``y_train`` and ``y_test`` are uint8 of shapes (60000,) and (10000,), the digits 0..9.

    Args:
        path: file name in ``~/.keras/datasets``. With a folder it is an ``.npz`` file of one's own with the arrays
            x_train, y_train, x_test and y_test; nothing is downloaded then.

    Raises:
        DownloadError: without a network; says where to put the file by hand.
    """
    x_train, y_train, x_test, y_test = load_npz(
        data_file(path, "mnist.npz", _SHA256), "x_train", "y_train", "x_test", "y_test"
    )
    return (x_train, y_train), (x_test, y_test)
