"""The one place for thread counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graphc_backends.threads import VARIABLE, available_cpus, num_threads, set_num_threads
from graphc_ir.errors import ArgumentError


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    yield
    set_num_threads(None)


def test_default_is_what_is_available() -> None:
    assert num_threads() == available_cpus() >= 1


def test_environment_and_explicit_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "3")
    assert num_threads() == 3
    set_num_threads(5)
    assert num_threads() == 5
    set_num_threads(None)
    assert num_threads() == 3


@pytest.mark.parametrize("text", ["0", "two", "-1", "1.5"])
def test_a_wrong_environment_value(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ArgumentError, match=f"{VARIABLE} is '{text}'; expected a whole number from 1 up"):
        num_threads()


def test_a_wrong_count() -> None:
    with pytest.raises(ArgumentError, match="1 or more, got 0"):
        set_num_threads(0)


@pytest.mark.parametrize(("content", "limit"), [("max 100000\n", None), ("50000 100000\n", 1), ("100000 100000\n", 1)])
def test_a_containers_quota(tmp_path: Path, content: str, limit: int | None) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(content, encoding="ascii")
    assert available_cpus(quota) == (limit or available_cpus(tmp_path / "absent"))
