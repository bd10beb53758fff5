"""Files that commands write: each appears whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

import numpy as np

from graphc.tracing import unique_name
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Array

_FOREIGN: Final = re.compile(r"[^\w.-]")


def check_file(path: Path) -> None:
    """Raises ArgumentError when no file of that name can be made."""
    if path.is_dir():
        raise ArgumentError(f"cannot write {path}: it is a folder; give a file name, e.g. {path / 'output'}")
    _check_folder(path)


def check_arrays_target(target: Path) -> None:
    """Raises ArgumentError when :func:`write_arrays` cannot write there."""
    if target.suffix == ".npz":
        check_file(target)
        return
    if target.exists() and not target.is_dir():
        raise ArgumentError(f"cannot write into {target}: it is a file; give a folder, or a name that ends in .npz")
    _check_folder(target)


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise ArgumentError(f"cannot write {path}: there is no folder {path.parent}; make it first")


def write_text(path: Path, text: str) -> None:
    """Writes a text file."""
    _replace(path, lambda file: file.write(text.encode("utf-8")))


def write_arrays(target: Path, arrays: Mapping[str, Array]) -> None:
    """Writes one .npz file, or a .npy file per array into a folder.

    Raises ArgumentError for strings, which these files could only hold as pickled Python objects.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ArgumentError(f"cannot write {target}: {name!r} holds strings, which .npy files cannot")
    if target.suffix == ".npz":
        _replace(target, lambda file: _write_archive(file, arrays))
        return
    target.mkdir(exist_ok=True)
    taken: dict[str, int] = {}
    for name, array in arrays.items():
        path = target / f"{unique_name(_FOREIGN.sub('_', name), taken)}.npy"
        _replace(path, lambda file, array=array: np.save(file, array, allow_pickle=False))  # type: ignore[misc]


def _write_archive(file: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """An .npz file. Unlike ``np.savez`` it takes every name, ``file`` too."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def _replace(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Writes next to the path first, then moves the file into place. Raises ArgumentError when the system refuses."""
    try:
        _write_beside(path, write)
    except OSError as error:
        raise ArgumentError(f"cannot write {path}: {error.strerror}") from error


def _write_beside(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
