"""Fashion-MNIST: 70,000 pictures of clothes of 28x28 grey pixels, ten classes.

The classes: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle
boot. The data set is Zalando's, under the MIT licence.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from graphc.keras.datasets.storage import ORIGIN, Array, Split
from graphc.keras.utils.errors import CorruptFileError
from graphc.keras.utils.files import get_file

__all__ = ["load_data"]

_FOLDER = "fashion-mnist"


def load_data() -> Split:
    """Return ``((x_train, y_train), (x_test, y_test))``, downloaded at the first call.

    ``x_train`` is uint8 of shape (60000, 28, 28), ``x_test`` uint8 of shape (10000, 28, 28), both with values
    0..255; ``y_train`` and ``y_test`` are uint8 of shapes (60000,) and (10000,) with the classes 0..9.

    Raises:
        DownloadError: without a network; says where to put the files by hand.
    """
    y_train, x_train, y_test, x_test = (
        _read_idx(Path(get_file(name, ORIGIN + name, cache_subdir=f"datasets/{_FOLDER}")))
        for name in (
            "train-labels-idx1-ubyte.gz",
            "train-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte.gz",
        )
    )
    return (x_train, y_train), (x_test, y_test)


def _read_idx(path: Path) -> Array:
    """The array of a gzipped IDX file: two zero bytes, a type (8: uint8), the rank, the sizes, the values."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise CorruptFileError(f"{path} is no gzip file ({error}); delete it and call load_data() again") from error
    rank = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    values = 4 + 4 * rank
    shape = np.frombuffer(content[4:values], ">u4").tolist() if rank and len(content) >= values else []
    if not shape or len(content) != values + math.prod(shape):
        raise CorruptFileError(f"{path} is no IDX file of bytes; delete it and call load_data() again")
    return np.frombuffer(content, np.uint8, offset=values).reshape(shape).copy()
