"""``keras.name_scope``: names in front of those of the ops and weights made inside a block."""

from __future__ import annotations

import threading
from typing import Any

from graphc.mode import mode
from graphc_ir.errors import ArgumentError

__all__ = ["name_scope"]


class _Running(threading.local):
    scope: name_scope | None = None


_running = _Running()


class name_scope:
    """Inside the block, paths begin with ``name``, after those of the blocks around it (or ``override_parent``).

    Blocks of the same name and ``caller`` directly inside one another count once. Raises ArgumentError for a name that
    is no part of a path.
    """

    def __init__(self, name: str, caller: Any = None, override_parent: str | None = None) -> None:
        if not isinstance(name, str) or "/" in name:
            raise ArgumentError(f"name_scope: the name must be a string and cannot contain character `/`, got {name!r}")
        self.name = name
        self.caller = caller
        self.override_parent = override_parent
        self._outer: list[tuple[str, name_scope | None]] = []

    def __enter__(self) -> name_scope:
        self._outer.append((mode.scope, _running.scope))
        if not self._repeats(_running.scope):
            parent = mode.scope if self.override_parent is None else self.override_parent.strip("/")
            mode.scope = f"{parent}/{self.name}" if parent else self.name
        _running.scope = self
        return self

    def __exit__(self, *error: object) -> None:
        mode.scope, _running.scope = self._outer.pop()

    def _repeats(self, outer: name_scope | None) -> bool:
        return outer is not None and self.caller is not None and (outer.caller, outer.name) == (self.caller, self.name)
