"""Where the data sets come from and how their files are read."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from graphc.keras.datasets.pickles import read_pickle
from graphc.keras.utils.errors import CorruptFileError, UnsafeFileError
from graphc.keras.utils.files import get_file
from graphc_ir.errors import ArgumentError

__all__ = ["ORIGIN", "Array", "Split", "check_test_split", "data_file", "load_npz", "shuffled_split"]

Array: TypeAlias = NDArray[Any]
Split: TypeAlias = tuple[tuple[Array, Array], tuple[Array, Array]]
"""``((x_train, y_train), (x_test, y_test))``"""

ORIGIN: Final = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def data_file(path: str | os.PathLike[str], name: str, file_hash: str) -> Path:
    """The local path of a data set's file.

    Args:
        path: a file name in the cache folder; a path with a folder means a file of one's own, taken as it is.
        name: of the file at :data:`ORIGIN`.
        file_hash: checksum that the file in the cache must have.

    Raises:
        ArgumentError: ``path`` has a folder, and there is no such file.
        DownloadError, CorruptFileError: as :func:`get_file`.
    """
    own = Path(path)
    if len(own.parts) == 1:
        return Path(get_file(own, ORIGIN + name, file_hash=file_hash))
    if not own.is_file():
        raise ArgumentError(f"path={os.fspath(path)!r}: there is no such file; a name without a folder means the cache")
    return own


def load_npz(path: Path, *names: str) -> tuple[Array, ...]:
    """These arrays of an ``.npz`` file. Arrays of Python lists are read too, but nothing else.

    Raises:
        UnsafeFileError: an array of objects holds more than lists, numbers and arrays.
        CorruptFileError: the file is damaged, no ``.npz`` file, or lacks one of the arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(_read_member(archive, f"{name}.npy", path) for name in names)
    except (UnsafeFileError, CorruptFileError):
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError) as error:
        raise CorruptFileError(
            f"{path} is no .npz file with {', '.join(names)} ({error}); delete it and download it again"
        ) from error


def _read_member(archive: zipfile.ZipFile, member: str, path: Path) -> Array:
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        # The headers of versions 2 and 3 differ in the encoding of field names only.
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        _, _, dtype = read_header(stream)
        if dtype.hasobject:
            return np.asarray(read_pickle(stream, f"{member} in {path}"))
    with archive.open(member) as stream:
        return npy.read_array(stream, allow_pickle=False)


def check_test_split(test_split: float) -> None:
    """Raises ArgumentError unless it is in [0, 1)."""
    if not 0 <= test_split < 1:
        raise ArgumentError(f"test_split={test_split}, expected a fraction of at least 0 and below 1")


def shuffled_split(x: Array, y: Array, test_split: float, seed: int) -> Split:
    """Shuffles rows and cuts off the last ``test_split`` of them. Raises ArgumentError unless it is in [0, 1)."""
    check_test_split(test_split)
    # Keras's generator, so that a seed gives the same split here and there.
    order = np.random.RandomState(seed).permutation(len(x))
    train, test = np.split(order, [int(len(x) * (1 - test_split))])
    return (x[train], y[train]), (x[test], y[test])
