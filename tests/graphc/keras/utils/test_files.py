from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from graphc.keras.utils import get_file
from graphc.keras.utils.errors import CorruptFileError, DownloadError
from graphc.keras.utils.files import keras_home
from graphc_ir.errors import ArgumentError

CONTENT = b"some bytes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(CONTENT)
    return path


def leftovers(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "datasets").iterdir())


def test_the_file_lands_in_the_cache(cache: Path, source: Path) -> None:
    path = get_file(origin=source.as_uri(), file_hash=SHA256)
    assert path == str(cache / "datasets" / "source.bin")
    assert Path(path).read_bytes() == CONTENT
    assert leftovers(cache) == ["source.bin"]


def test_a_second_call_asks_no_network(cache: Path, source: Path) -> None:
    first = get_file("mine.bin", source.as_uri(), cache_subdir="models")
    source.unlink()
    assert get_file("mine.bin", source.as_uri(), cache_subdir="models") == first == str(cache / "models" / "mine.bin")


def test_force_download_replaces_the_file(cache: Path, source: Path) -> None:
    path = Path(get_file(origin=source.as_uri()))
    source.write_bytes(b"newer")
    assert path.read_bytes() == CONTENT
    get_file(origin=source.as_uri(), force_download=True)
    assert path.read_bytes() == b"newer"


@pytest.mark.parametrize("arguments", [{"file_hash": SHA256}, {"file_hash": MD5}, {"md5_hash": MD5},
                                       {"file_hash": SHA256.upper(), "hash_algorithm": "sha256"}])  # fmt: skip
def test_checksums(cache: Path, source: Path, arguments: dict[str, Any]) -> None:
    assert Path(get_file(origin=source.as_uri(), **arguments)).read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_nothing(cache: Path, source: Path) -> None:
    with pytest.raises(CorruptFileError, match=rf"sha256 file hash {SHA256}, expected {'0' * 64}.*was not kept"):
        get_file(origin=source.as_uri(), file_hash="0" * 64)
    assert leftovers(cache) == []


def test_a_cached_file_with_a_wrong_checksum_is_downloaded_anew(
    cache: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cache / "datasets").mkdir(parents=True)
    (cache / "datasets/source.bin").write_bytes(b"half")
    assert Path(get_file(origin=source.as_uri(), file_hash=SHA256)).read_bytes() == CONTENT
    assert "source.bin does not have the sha256 sum" in capsys.readouterr().out


def test_a_failed_download_leaves_an_old_file_alone(cache: Path, source: Path) -> None:
    path = Path(get_file(origin=source.as_uri()))
    source.unlink()
    with pytest.raises(DownloadError):
        get_file(origin=source.as_uri(), force_download=True)
    assert path.read_bytes() == CONTENT
    assert leftovers(cache) == ["source.bin"]


@pytest.mark.usefixtures("offline")
def test_without_a_network_the_message_says_what_to_do(cache: Path) -> None:
    url = "https://host.example/data/set-v1.npz?x=1"
    with pytest.raises(DownloadError) as caught:
        get_file("set.npz", url, file_hash=SHA256)
    assert str(caught.value) == (
        f"set.npz is not in the cache, and downloading it failed: URL fetch failure on {url}: Name or service not "
        f"known. Without a network, get set-v1.npz elsewhere and put it at {cache}/datasets/set.npz (its sha256 sum is "
        f"{SHA256})"
    )
    assert leftovers(cache) == []


def test_an_http_error_shows_its_code(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def urlopen(url: str, timeout: float) -> None:
        raise HTTPError(url, 404, "Not Found", Message(), None)

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    with pytest.raises(DownloadError, match=r"URL fetch failure on https://h/x: HTTP Error 404: Not Found\."):
        get_file(origin="https://h/x")


class Response(io.BytesIO):
    """What ``urlopen`` returns, with a length of its own."""

    def __init__(self, content: bytes, length: int | None) -> None:
        super().__init__(content)
        self.headers = Message()
        if length is not None:
            self.headers["Content-Length"] = str(length)


def respond(monkeypatch: pytest.MonkeyPatch, response: Response) -> None:
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: response)


def test_a_connection_that_breaks_off(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    respond(monkeypatch, Response(CONTENT, 100))
    with pytest.raises(DownloadError, match="the connection ended after 10 of 100 bytes"):
        get_file(origin="https://h/x")
    assert leftovers(cache) == []


@pytest.mark.parametrize("length", [None, len(CONTENT)])
def test_progress(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], length: int | None
) -> None:
    respond(monkeypatch, Response(CONTENT, length))
    assert Path(get_file(origin="https://h/x")).read_bytes() == CONTENT
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Downloading data from https://h/x"
    assert second.startswith("10/10 ━━━━" if length else "     10/Unknown")
    assert second.endswith("/byte")


def archive(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("fname", "folder", "kept"),
    [
        (None, "pack.zip", "pack.zip_archive"),
        ("pictures", "pictures", "pictures_archive"),
        ("pictures.v1.zip", "pictures_extracted", "pictures.v1.zip"),
    ],
)
def test_archives_are_named_as_keras_names_them(
    cache: Path, tmp_path: Path, fname: str | None, folder: str, kept: str
) -> None:
    url = archive(tmp_path / "pack.zip", a="one").as_uri()
    path = Path(get_file(fname, url, extract=True))
    assert path == cache / "datasets" / folder
    assert (path / "a").read_text() == "one"
    assert leftovers(cache) == sorted([folder, kept])


def test_an_archive_is_unpacked_once_and_again_when_it_changes(cache: Path, tmp_path: Path) -> None:
    url = archive(tmp_path / "pack.zip", a="one").as_uri()
    path = Path(get_file("pack", url, extract=True))
    (path / "mine").touch()
    get_file("pack", url, extract=True)
    assert sorted(p.name for p in path.iterdir()) == ["a", "mine"]
    archive(tmp_path / "pack.zip", b="two")
    get_file("pack", url, extract=True, force_download=True)
    assert [p.name for p in path.iterdir()] == ["b"]


def test_untar_expects_a_tar_file(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match="is no tar archive"):
        get_file("pack", archive(tmp_path / "pack.zip", a="one").as_uri(), untar=True)


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, source: Path, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    path = get_file(origin=source.as_uri(), cache_dir=tmp_path / "locked")
    assert path == str(tmp_path / "temporary/.keras/datasets/source.bin")


def test_the_home_of_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", "~/elsewhere")
    assert keras_home() == tmp_path / "elsewhere"
    monkeypatch.delenv("KERAS_HOME")
    assert keras_home() == tmp_path / ".keras"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, 'Please specify the "origin" argument'),
        ({"origin": "just/a/path"}, "origin='just/a/path' is no URL"),
        ({"origin": "https://host/"}, "ends in no file name; give fname"),
        ({"origin": "https://h/x", "fname": "a/b"}, "Paths are no longer accepted as the `fname` argument"),
        ({"origin": "https://h/x", "fname": ".."}, "Paths are no longer accepted as the `fname` argument"),
        ({"origin": "https://h/x", "file_hash": "abc"}, "expected 64 hexadecimal digits for 'sha256' or 32 for 'md5'"),
        ({"origin": "https://h/x", "file_hash": MD5, "hash_algorithm": "sha1"}, "hash_algorithm='sha1'"),
    ],
)
def test_arguments_are_checked(cache: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        get_file(**arguments)
