"""What all tests share."""

from __future__ import annotations

import warnings

import pytest


@pytest.fixture(autouse=True)
def quiet_arithmetic() -> None:
    """pytest sets its own warning filters for each test; this one is set by ``import graphc_ir``."""
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"graphc(_ir|_backends)?(\.|$)")
