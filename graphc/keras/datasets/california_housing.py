"""California housing: 20,640 districts with 8 attributes each, and the median price of a house there in dollars.

The attributes, in this order: median income, median age of the houses, average number of rooms and of bedrooms
per household, population, average household size, latitude, longitude. From the census of 1990.
"""

from __future__ import annotations

from graphc.keras.datasets.storage import Split, data_file, load_npz, shuffled_split
from graphc_ir.errors import ArgumentError

__all__ = ["load_data"]

_SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
_SMALL = 600


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Split:
    """Return ``((x_train, y_train), (x_test, y_test))``, downloaded at the first call.

    ``x`` is of shape (n, 8), ``y`` of shape (n,) in dollars, both floats.

    Args:
        version: ``"large"`` for all districts, ``"small"`` for the first 600.
        path: file name in ``~/.keras/datasets``, or the path of a file of one's own with the arrays x and y.
        test_split: the part of the rows that tests, at least 0 and below 1.
        seed: of the shuffling before the split.

    Raises:
        ArgumentError: another ``version``, or ``test_split`` is out of range.
        DownloadError: without a network; says where to put the file by hand.
    """
    if version not in ("small", "large"):
        raise ArgumentError(f"version={version!r}, expected 'small' (600 rows) or 'large' (20,640 rows)")
    x, y = load_npz(data_file(path, "california_housing.npz", _SHA256), "x", "y")
    rows = _SMALL if version == "small" else len(x)
    return shuffled_split(x[:rows], y[:rows], test_split, seed)
