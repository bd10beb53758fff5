"""What this thread is doing: recording tapes, tracing a function, name scopes."""

from __future__ import annotations

import threading
from typing import Any


class _Mode(threading.local):
    """``tapes`` are the recording GradientTapes, innermost last. ``tracer`` is the innermost running trace.

    ``plain`` is True while neither is there: eager operators then skip dispatch.
    """

    plain: bool = True
    tracer: Any = None
    scope: str = ""
    run_eagerly: bool = False

    def __init__(self) -> None:
        self.tapes: list[Any] = []

    def refresh(self) -> None:
        """Call after changing ``tapes`` or ``tracer``."""
        self.plain = not self.tapes and self.tracer is None


mode = _Mode()
