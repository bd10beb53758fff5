"""Arrays in HDF5 files as Keras lays them out: ``<path>/vars/0``, ``<path>/vars/1``, ...

Reading refuses what could make a small file reach outside of itself or fill the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from graphc.keras.saving.errors import ModelFileError
from graphc_ir.dtypes import bfloat16
from graphc_ir.errors import GraphcError

if TYPE_CHECKING:
    import h5py

__all__ = ["H5Reader", "H5Writer", "open_h5"]

_MAX_BYTES: Final = 4 << 30
_MAX_RATIO: Final = 1000
_BFLOAT16: Final = bfloat16.np


def _h5py() -> Any:
    import h5py  # heavy: only needed where files are read or written

    return h5py


class H5Writer:
    """Writes the variables of one object after the other."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    def make(self, path: str, name: str | None) -> Any:
        """A store of an object at ``path``: assign arrays to ``store["0"]``, ``store["1"]``, ..."""
        group = self._file.create_group(f"{path}/vars" if path else "vars")
        if name is not None:
            group.attrs["name"] = name
        return _GroupStore(group)


class _GroupStore(MutableMapping[str, Any]):
    """An HDF5 group as a mapping of arrays."""

    def __init__(self, group: h5py.Group) -> None:
        self._group = group

    def __getitem__(self, key: str) -> Any:
        return read_dataset(self._group[key])

    def __delitem__(self, key: str) -> None:
        del self._group[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._group)

    def __len__(self) -> int:
        return len(self._group)

    def __setitem__(self, key: str, value: Any) -> None:
        array = np.asarray(value)
        if array.dtype == _BFLOAT16:
            # HDF5 has no bfloat16; Keras writes the bytes and says what they are.
            self._group[key] = array.view(np.dtype("V2"))
            self._group[key].attrs["dtype"] = "bfloat16"
        else:
            self._group[key] = array


class H5Reader:
    """Reads the variables of objects by path."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    def get(self, path: str) -> dict[str, Any] | None:
        """The arrays of the object at ``path`` by number; None if the file knows no such object."""
        group = self._file.get(f"{path}/vars" if path else "vars")
        if not isinstance(group, _h5py().Group):
            return None
        return {key: read_dataset(group[key]) for key in group}


def read_dataset(dataset: h5py.Dataset) -> Any:
    """The values of a dataset as an array of its real dtype."""
    array = np.asarray(dataset[()])
    if dataset.attrs.get("dtype") == "bfloat16":
        return array.view(_BFLOAT16)
    return array


def _check_safe(file: h5py.File) -> None:
    """Raises ModelFileError for links, external or virtual data, and sizes that the file cannot hold."""
    h5py = _h5py()
    seen: set[int] = set()
    pending = [file]
    while pending:
        group = pending.pop()
        for name in group:
            item = _hard_linked(group, name)
            if isinstance(item, h5py.Dataset):
                _check_dataset(item)
            elif isinstance(item, h5py.Group) and _address(item) not in seen:  # hard links may form loops
                seen.add(_address(item))
                pending.append(item)


def _hard_linked(group: h5py.Group, name: str) -> Any:
    link = group.get(name, getlink=True)
    if not isinstance(link, _h5py().HardLink):
        raise ModelFileError(f"{group.name}/{name} is a {type(link).__name__}, which could lead to other files; model "
                             "files must hold their data themselves")  # fmt: skip
    return group[name]


def _address(group: h5py.Group) -> int:
    return int(_h5py().h5o.get_info(group.id).addr)


def _check_dataset(dataset: h5py.Dataset) -> None:
    if dataset.external or dataset.is_virtual:
        raise ModelFileError(f"{dataset.name} keeps its data in another file; model files must hold it themselves")
    size, stored = dataset.size * dataset.dtype.itemsize, max(dataset.id.get_storage_size(), 1)
    if size > _MAX_BYTES and size > _MAX_RATIO * stored:
        raise ModelFileError(f"{dataset.name} claims to hold {size} bytes, but {stored} are stored; the file is "
                             "damaged or made to exhaust the memory")  # fmt: skip


@contextmanager
def open_h5(source: Any, mode: str) -> Iterator[h5py.File]:
    """An HDF5 file by path or file object. Raises ModelFileError for what is no HDF5 file, and before anything is read
    for an unsafe one."""
    if mode == "w":
        with _h5py().File(source, mode) as file:
            yield file
        return
    try:
        with _h5py().File(source, mode) as file:
            _check_safe(file)
            yield file
    except GraphcError:
        raise
    except (OSError, RuntimeError, KeyError) as error:
        raise ModelFileError(f"{_shown(source)} cannot be read as an HDF5 file: {error}") from error


def _shown(source: Any) -> str:
    return "the weights in the archive" if isinstance(source, IO) or hasattr(source, "read") else str(source)
