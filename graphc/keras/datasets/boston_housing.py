"""Boston housing: 506 suburbs with 13 attributes each, and the median price of a house there in 1000 dollars.

One attribute, "B", supposes that people of one colour living apart changes prices: use the data to show such
problems, and :mod:`california_housing` for everything else.
"""

from __future__ import annotations

from graphc.keras.datasets.storage import Split, data_file, load_npz, shuffled_split

__all__ = ["load_data"]

_SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Split:
    """Return ``((x_train, y_train), (x_test, y_test))``, downloaded at the first call.

    ``x`` is float64 of shape (n, 13), ``y`` float64 of shape (n,) in thousands of dollars.

    Args:
        path: file name in ``~/.keras/datasets``, or the path of a file of one's own with the arrays x and y.
        test_split: the part of the rows that tests, at least 0 and below 1.
        seed: of the shuffling before the split.

    Raises:
        ArgumentError: ``test_split`` is out of range.
        DownloadError: without a network; says where to put the file by hand.
    """
    x, y = load_npz(data_file(path, "boston_housing.npz", _SHA256), "x", "y")
    return shuffled_split(x, y, test_split, seed)
