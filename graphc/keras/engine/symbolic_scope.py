"""SymbolicScope: a block in which code runs for the shapes and dtypes of its results alone."""

from __future__ import annotations

import threading

__all__ = ["SymbolicScope", "in_symbolic_scope"]


class _Running(threading.local):
    depth: int = 0


_running = _Running()


class SymbolicScope:
    """Marks a block whose tensors stand for shapes and dtypes. Layers infer the shapes of their outputs inside one."""

    def __enter__(self) -> SymbolicScope:
        _running.depth += 1
        return self

    def __exit__(self, *error: object) -> None:
        _running.depth -= 1


def in_symbolic_scope() -> bool:
    """Whether this thread is inside a :class:`SymbolicScope`."""
    return _running.depth > 0
