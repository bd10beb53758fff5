"""These tests call op functions on bare arrays, whether or not the front end was imported before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from graphc_ir.ops.base import ARRAYS, using


@pytest.fixture(autouse=True)
def bare_arrays() -> Iterator[None]:
    with using(ARRAYS):
        yield
