"""``tf.compat``: ``compat.v2`` is graphc itself; there is no ``compat.v1``."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["v2"]  # noqa: F822  (given by __getattr__)


def __getattr__(name: str) -> Any:
    if name == "v2":
        return sys.modules[__package__ or "graphc"]
    if name == "v1":
        raise AttributeError("graphc has no tf.compat.v1: there are no sessions, placeholders and global graphs; write "
                             "TensorFlow 2 code, with @tf.function for graphs")  # fmt: skip
    raise AttributeError(f"module 'graphc.compat' has no attribute {name!r}")
