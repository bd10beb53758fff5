"""No network, and an empty cache."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``$KERAS_HOME``; every download fails."""

    def urlopen(url: str, timeout: float) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    home = tmp_path / "home"
    monkeypatch.setenv("KERAS_HOME", str(home))
    return home
