from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphc.keras.utils import archives
from graphc.keras.utils.archives import extract_archive
from graphc.keras.utils.errors import CorruptFileError, UnsafeFileError
from graphc_ir.errors import ArgumentError


def member(name: str, content: bytes = b"x", **fields: Any) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size = len(content) if not fields else 0
    for field, value in fields.items():
        setattr(info, field, value)
    return info, io.BytesIO(content)


def tar(path: Path, *members: tuple[tarfile.TarInfo, io.BytesIO], mode: Any = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for info, content in members:
            archive.addfile(info, content)
    return path


def zipped(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_files(tmp_path: Path, mode: str) -> None:
    archive = tar(tmp_path / "a", member("a/b.txt", b"one"), member("c.txt", b"two"), mode=mode)
    extract_archive(archive, tmp_path / "out")
    assert (tmp_path / "out/a/b.txt").read_bytes() == b"one"
    assert (tmp_path / "out/c.txt").read_bytes() == b"two"


def test_zip_files(tmp_path: Path) -> None:
    extract_archive(zipped(tmp_path / "a", **{"a/b.txt": "one"}), tmp_path / "deep/out")
    assert (tmp_path / "deep/out/a/b.txt").read_text() == "one"


def test_links_inside_are_kept(tmp_path: Path) -> None:
    link = member("link", type=tarfile.SYMTYPE, linkname="b.txt")
    extract_archive(tar(tmp_path / "a", member("b.txt", b"one"), link), tmp_path / "out")
    assert (tmp_path / "out/link").read_text() == "one"


def test_an_old_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old.txt").touch()
    extract_archive(zipped(tmp_path / "a", new="1"), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new"]


UNSAFE: dict[str, Callable[[Path], Path]] = {
    "parent": lambda path: tar(path, member("../evil.txt")),
    "absolute link": lambda path: tar(path, member("link", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
    "link outside": lambda path: tar(path, member("link", type=tarfile.SYMTYPE, linkname="../../evil")),
    "through a link": lambda path: tar(
        path, member("link", type=tarfile.SYMTYPE, linkname=".."), member("link/evil.txt", b"x")
    ),
    "hard link outside": lambda path: tar(path, member("link", type=tarfile.LNKTYPE, linkname="../evil")),
    "device": lambda path: tar(path, member("null", type=tarfile.CHRTYPE)),
    "pipe": lambda path: tar(path, member("pipe", type=tarfile.FIFOTYPE)),
    "zip parent": lambda path: zipped(path, **{"../evil.txt": "x"}),
    "zip absolute": lambda path: zipped(path, **{"/evil.txt": "x"}),
    "zip backslashes": lambda path: zipped(path, **{"..\\evil.txt": "x"}),
    "zip drive": lambda path: zipped(path, **{"C:\\evil.txt": "x"}),
}


@pytest.mark.parametrize("make", UNSAFE.values(), ids=UNSAFE)
def test_nothing_leaves_the_folder(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    archive = make(tmp_path / "archive")
    with pytest.raises(UnsafeFileError, match=r"archive is not unpacked"):
        extract_archive(archive, tmp_path / "deep/out")
    assert not list(tmp_path.rglob("*evil*"))
    assert not list((tmp_path / "deep").iterdir())


@pytest.mark.parametrize("make", [lambda path: tar(path, member("a", bytes(5000))), lambda p: zipped(p, a="0" * 5000)])
def test_absurd_sizes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    monkeypatch.setattr(archives, "_BOMB_SIZE", 1000)
    monkeypatch.setattr(archives, "_BOMB_RATIO", 2)
    with pytest.raises(UnsafeFileError, match="members take more than 1000 bytes, over 2 times"):
        extract_archive(make(tmp_path / "bomb"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "make", [lambda path: tar(path, member("a", bytes(range(256)) * 99)), lambda p: zipped(p, a="0")]
)
def test_half_an_archive(tmp_path: Path, make: Any) -> None:
    archive = make(tmp_path / "half")
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(CorruptFileError, match=r"half (cannot be unpacked|is no tar or zip archive)"):
        extract_archive(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_format_than_asked_for(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", a="1")
    with pytest.raises(CorruptFileError, match=r"a\.zip is no tar archive"):
        extract_archive(archive, tmp_path / "out", "tar")


@pytest.mark.parametrize("given", ["rar", None, [], ["tar", "rar"]])
def test_formats_are_checked(tmp_path: Path, given: Any) -> None:
    with pytest.raises(ArgumentError, match="expected 'auto', 'tar', 'zip' or a list of them"):
        extract_archive(tmp_path / "a", tmp_path / "out", given)


def test_a_python_that_cannot_check_tar_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(UnsafeFileError, match="tarfile cannot check members; update Python"):
        extract_archive(tar(tmp_path / "a", member("b")), tmp_path / "out")
