"""Golden values and a cache folder without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

GOLDENS = Path(__file__).parents[1] / "goldens"


@pytest.fixture(scope="session")
def keras_utils() -> dict[str, Any]:
    """What Keras 3.15.1 on TensorFlow 2.21 returned."""
    return dict(json.loads((GOLDENS / "keras_utils.json").read_text(encoding="utf-8")))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``$KERAS_HOME``."""
    home = tmp_path / "home"
    monkeypatch.setenv("KERAS_HOME", str(home))
    return home


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every URL fails as it does without a network."""

    def urlopen(url: str, timeout: float) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
