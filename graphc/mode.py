"""What this thread is doing: recording tapes, tracing a function, name scopes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from graphc_ir.ops.base import default_interpreter, using


class Busy:
    """How many threads record or trace. At zero, eager operators skip dispatch: one slot read is all they pay."""

    __slots__ = ("count", "lock")

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()


busy = Busy()


class _Mode(threading.local):
    """``tapes`` are the recording GradientTapes, innermost last. ``tracer`` is the innermost running trace.

    ``device`` is what functions compile for that name none, ``creators`` are those of Variables, innermost last.
    ``autograph``: whether the running trace converts Python control flow. ``journal`` notes Variables before they are
    assigned outside of traces.
    """

    tracer: Any = None
    scope: str = ""
    run_eagerly: bool = False
    device: str = "cpu"
    creators: tuple[Callable[..., Any], ...] = ()
    autograph: bool = False
    journal: Any = None
    _counted: bool = False

    def __init__(self) -> None:
        self.tapes: list[Any] = []

    def refresh(self) -> None:
        """Call after changing ``tapes`` or ``tracer``."""
        now = bool(self.tapes) or self.tracer is not None
        if now != self._counted:
            self._counted = now
            with busy.lock:
                busy.count += 1 if now else -1


mode = _Mode()


@contextmanager
def init_scope() -> Iterator[None]:
    """Leaves all traces and tapes: ops inside the block run eagerly, unrecorded."""
    tracer, tapes = mode.tracer, mode.tapes
    mode.tracer, mode.tapes = None, []
    mode.refresh()
    try:
        with using(default_interpreter()):
            yield
    finally:
        mode.tracer, mode.tapes = tracer, tapes
        mode.refresh()
