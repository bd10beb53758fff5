"""``pytest tests/ir/passes --update`` writes what the passes give into the expected sections of ``cases/*.txt``."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the expected sections of tests/ir/passes/cases")
