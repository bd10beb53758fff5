"""A cache folder without a network."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder ``datasets`` of an empty ``$KERAS_HOME``; every download fails."""

    def urlopen(url: str, timeout: float) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home/datasets"
    folder.mkdir(parents=True)
    return folder
