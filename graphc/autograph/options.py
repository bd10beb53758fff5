"""Options of the loop that is being traced, set from inside of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class LoopOptions:
    """``maximum_iterations`` ends the loop after so many rounds."""

    maximum_iterations: int | None = None


class _Current(threading.local):
    loop: LoopOptions | None = None


_current = _Current()


@contextmanager
def applying(options: LoopOptions) -> Iterator[None]:
    """The innermost loop is one with these options."""
    outer, _current.loop = _current.loop, options
    try:
        yield
    finally:
        _current.loop = outer


def innermost() -> LoopOptions | None:
    """The options of the innermost loop of the graph; None outside of all."""
    return _current.loop
