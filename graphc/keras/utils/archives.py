"""Unpacking tar and zip archives without trusting them."""

from __future__ import annotations

import gzip
import lzma
import shutil
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final, TypeAlias

from graphc.keras.utils.errors import CorruptFileError, UnsafeFileError
from graphc_ir.errors import ArgumentError

__all__ = ["extract_archive"]

Extractor: TypeAlias = Callable[[Path, Path], None]

_DAMAGED: Final = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError)
_BOMB_SIZE: Final = 1 << 32
_BOMB_RATIO: Final = 200


def extract_archive(archive: Path, folder: Path, archive_format: str | Iterable[str] | None = "auto") -> None:
    """Unpacks an archive into ``folder``, which appears only once all of it is there; an old one is replaced.

    Args:
        archive: a ``.tar``, ``.tar.gz``, ``.tar.bz2``, ``.tar.xz`` or ``.zip`` file; its content decides which.
        archive_format: which formats to expect: ``"tar"``, ``"zip"``, several of them, or ``"auto"`` for all.

    Raises:
        CorruptFileError: the file has none of the formats, or is damaged.
        UnsafeFileError: a member points outside ``folder``, is a device, or unpacks to an absurd size.
    """
    extract = _extractor(archive, _formats(archive_format))
    fresh = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")
    fresh.mkdir(parents=True)
    try:
        extract(archive, fresh)
        _replace(folder, fresh)
    except _DAMAGED as error:
        raise CorruptFileError(f"{archive} cannot be unpacked ({error}); delete it and download it again") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _formats(archive_format: str | Iterable[str] | None) -> list[str]:
    if archive_format == "auto":
        return list(_FORMATS)
    names = [archive_format] if isinstance(archive_format, str) else list(archive_format or ())
    if not names or not set(names) <= set(_FORMATS):
        raise ArgumentError(
            f"archive_format={archive_format!r}, expected 'auto', 'tar', 'zip' or a list of them; "
            "pass extract=False to keep the file packed"
        )
    return names


def _extractor(archive: Path, names: Iterable[str]) -> Extractor:
    for name in names:
        is_match, extract = _FORMATS[name]
        if is_match(archive):
            return extract
    raise CorruptFileError(
        f"{archive} is no {' or '.join(names)} archive; check its origin, or pass extract=False to keep it as it is"
    )


def _replace(folder: Path, fresh: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    fresh.rename(folder)


def _extract_tar(archive: Path, folder: Path) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise UnsafeFileError(f"{archive} is not unpacked: this Python's tarfile cannot check members; update Python")
    limit = _size_limit(archive)
    total = 0

    def checked(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        nonlocal total
        total += member.size
        _check_size(archive, total, limit)
        return tarfile.data_filter(member, path)

    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter=checked)
    except tarfile.FilterError as error:
        raise UnsafeFileError(f"{archive} is not unpacked: {error}") from error


def _extract_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        _check_size(archive, sum(member.file_size for member in packed.infolist()), _size_limit(archive))
        for name in packed.namelist():
            _check_name(archive, name)
        packed.extractall(folder)


def _check_name(archive: Path, name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        raise UnsafeFileError(f"{archive} is not unpacked: its member {name!r} would be written outside the folder")


def _size_limit(archive: Path) -> int:
    return max(_BOMB_SIZE, _BOMB_RATIO * archive.stat().st_size)


def _check_size(archive: Path, size: int, limit: int) -> None:
    if size > limit:
        raise UnsafeFileError(
            f"{archive} is not unpacked: its members take more than {limit} bytes, over {_BOMB_RATIO} times the "
            "size of the archive; unpack it by hand if that is what you expect"
        )


_FORMATS: Final[Mapping[str, tuple[Callable[[Path], bool], Extractor]]] = {
    "tar": (tarfile.is_tarfile, _extract_tar),
    "zip": (zipfile.is_zipfile, _extract_zip),
}
