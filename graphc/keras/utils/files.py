"""Files from the network, kept in Keras's cache folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.parse
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from graphc.keras.utils.archives import extract_archive
from graphc.keras.utils.errors import CorruptFileError, DownloadError
from graphc.keras.utils.messages import print_message
from graphc.keras.utils.progbar import Progbar
from graphc_ir.errors import ArgumentError

__all__ = ["get_file", "keras_home"]

_CHUNK: Final = 1 << 18
_TIMEOUT: Final = 60.0
_HASH_LENGTHS: Final = {"md5": 32, "sha256": 64}


def keras_home() -> Path:
    """The folder of the cache: ``$KERAS_HOME``, or ``~/.keras``."""
    given = os.environ.get("KERAS_HOME")
    return Path(given).expanduser() if given else Path.home() / ".keras"


@dataclass(frozen=True, slots=True)
class _Checksum:
    algorithm: str
    value: str

    @classmethod
    def of(cls, value: str | None, algorithm: str) -> _Checksum | None:
        """The expected checksum; None if there is none. ``"auto"`` tells SHA-256 from MD5 by its length."""
        if value is None:
            return None
        if algorithm == "auto":
            algorithm = "sha256" if len(value) == _HASH_LENGTHS["sha256"] else "md5"
        if len(value) != _HASH_LENGTHS.get(algorithm):
            raise ArgumentError(
                f"get_file: file_hash={value!r} with hash_algorithm={algorithm!r}, expected 64 hexadecimal digits for "
                "'sha256' or 32 for 'md5'"
            )
        return cls(algorithm, value.lower())

    def of_file(self, path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, self.algorithm).hexdigest()

    def matches(self, path: Path) -> bool:
        return self.of_file(path) == self.value


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Iterable[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """The path of a file, downloaded unless the cache has it.

    A download is written beside its place and moved there once it is complete and its checksum is right, so the
    cache never holds half a file, and a failed download leaves an old file alone.

    Args:
        fname: name of the file in the cache; by default the last part of ``origin``. With ``extract``, a name
            without a dot is that of the folder of the unpacked files.
        origin: where it comes from: an ``https://``, ``http://``, ``ftp://`` or ``file://`` URL.
        untar: the older way to say ``extract=True, archive_format="tar"``.
        md5_hash: the older way to give an MD5 sum as ``file_hash``.
        file_hash: the expected SHA-256 or MD5 sum, in hexadecimal. A file in the cache with another one is
            downloaded anew.
        cache_subdir: folder inside the cache; an absolute path stands for itself.
        hash_algorithm: ``"sha256"``, ``"md5"``, or ``"auto"`` to tell by the length of ``file_hash``.
        extract: unpacks the file, a tar or zip archive, into a folder of its own, and returns that.
        archive_format: what to unpack: ``"tar"``, ``"zip"``, a list of them, or ``"auto"``.
        cache_dir: the cache; by default ``$KERAS_HOME``, or ``~/.keras``. If nobody can write there, it is
            ``.keras`` in the folder of temporary files.
        force_download: downloads also what the cache has.

    Raises:
        ArgumentError: an argument has no meaning.
        DownloadError: the file is not in the cache and cannot be downloaded; says where to put it by hand.
        CorruptFileError: the downloaded file has another checksum, or is not such an archive.
        UnsafeFileError: the archive would write outside its folder.
    """
    url = _checked_origin(origin)
    checksum = _Checksum.of(file_hash or md5_hash, "md5" if md5_hash and not file_hash else hash_algorithm)
    folder = _writable(Path(cache_dir).expanduser() if cache_dir is not None else keras_home()) / cache_subdir
    name = _file_name(fname, url)
    if not (extract or untar):
        _provide(folder / name, url, checksum, force_download)
        return str(folder / name)
    archive, unpacked = _archive_paths(folder, name, named=fname is not None)
    fresh = _provide(archive, url, checksum, force_download)
    if fresh or not unpacked.exists():
        extract_archive(archive, unpacked, "tar" if untar else archive_format)
    return str(unpacked)


def _checked_origin(origin: str | None) -> str:
    if not origin:
        raise ArgumentError('get_file: Please specify the "origin" argument: the URL of the file')
    if not urllib.parse.urlsplit(origin).scheme:
        raise ArgumentError(
            f"get_file: origin={origin!r} is no URL; expected e.g. 'https://host/file' or 'file:///path'"
        )
    return origin


def _file_name(fname: str | os.PathLike[str] | None, url: str) -> str:
    if not fname:
        name = os.path.basename(urllib.parse.urlsplit(url).path)
        if not name:
            raise ArgumentError(f"get_file: origin={url!r} ends in no file name; give fname")
        return name
    name = os.fspath(fname)
    if os.path.basename(name) != name or name in (".", ".."):
        raise ArgumentError(
            f"get_file: Paths are no longer accepted as the `fname` argument: received {name!r}; give the folder "
            "as cache_dir or cache_subdir"
        )
    return name


def _archive_paths(folder: Path, name: str, named: bool) -> tuple[Path, Path]:
    # The names are those of Keras, so that both share one cache.
    if named and "." in name:
        return folder / name, folder / f"{name.partition('.')[0]}_extracted"
    return folder / f"{name}_archive", folder / name


def _writable(cache: Path) -> Path:
    existing = next(path for path in (cache, *cache.absolute().parents) if path.exists())
    if os.access(existing, os.W_OK):
        return cache
    return Path(tempfile.gettempdir()) / ".keras"


def _provide(target: Path, url: str, checksum: _Checksum | None, force: bool) -> bool:
    """Sees to it that ``target`` is there; tells whether it was downloaded."""
    if target.exists() and not force:
        if checksum is None or checksum.matches(target):
            return False
        print_message(f"{target} does not have the {checksum.algorithm} sum {checksum.value}: downloading it anew")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
    try:
        _download(url, partial, target, checksum)
        _verify(partial, url, checksum)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return True


def _verify(path: Path, url: str, checksum: _Checksum | None) -> None:
    if checksum is None:
        return
    found = checksum.of_file(path)
    if found != checksum.value:
        raise CorruptFileError(
            f"what came from {url} has the {checksum.algorithm} file hash {found}, expected {checksum.value}: it is "
            "incomplete or corrupted, and was not kept; try again, or check the origin"
        )


def _download(url: str, partial: Path, target: Path, checksum: _Checksum | None) -> None:
    # Loading the HTTP client takes longer than the rest of this package.
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    print_message(f"Downloading data from {url}")
    try:
        with urlopen(url, timeout=_TIMEOUT) as response, partial.open("wb") as file:
            _copy(response, file)
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) and not isinstance(error, HTTPError) else error
        expected = f" (its {checksum.algorithm} sum is {checksum.value})" if checksum else ""
        raise DownloadError(
            f"{target.name} is not in the cache, and downloading it failed: URL fetch failure on {url}: {reason}. "
            f"Without a network, get {os.path.basename(urllib.parse.urlsplit(url).path) or 'the file'} elsewhere and "
            f"put it at {target}{expected}"
        ) from error


def _copy(response: Any, file: IO[bytes]) -> None:
    length = response.headers.get("Content-Length")
    size = int(length) if length else None
    bar = Progbar(size, unit_name="byte")
    done = 0
    while block := response.read(_CHUNK):
        file.write(block)
        done += len(block)
        bar.update(done, finalize=False)
    if size is not None and done < size:
        raise OSError(f"the connection ended after {done} of {size} bytes")
    bar.update(done, finalize=True)
