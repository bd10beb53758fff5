"""Names: of classes in snake case, and unique ones for layers and other objects that the user left unnamed."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

__all__ = ["auto_name", "clear_names", "get_uid", "to_snake_case"]

_WORD_STARTS = re.compile(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")
_counts: Counter[str] = Counter()


def to_snake_case(name: str) -> str:
    """``"Conv2D"`` as ``"conv2d"``, ``"ReLU"`` as ``"re_lu"``: how Keras spells classes in files and names."""
    return _WORD_STARTS.sub("_", re.sub(r"\W+", "", name)).lower()


def auto_name(prefix: str) -> str:
    """``prefix`` the first time, then ``prefix_1``, ``prefix_2``, ..."""
    number = _counts[prefix]
    _counts[prefix] += 1
    return f"{prefix}_{number}" if number else prefix


def get_uid(prefix: str = "") -> int:
    """Counts the calls with this prefix: 1, 2, ..."""
    _counts[prefix] += 1
    return _counts[prefix]


def clear_names() -> None:
    """Starts all counts anew."""
    _counts.clear()


def object_name(obj: Any) -> str:
    """The snake-case name of an object's class, or of a function."""
    return to_snake_case(getattr(obj, "__name__", type(obj).__name__))
