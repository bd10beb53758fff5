"""Which Keras this is like."""

from __future__ import annotations

from graphc.version import VERSION

__all__ = ["__version__", "version"]

__version__ = VERSION


def version() -> str:
    """The version of graphc, which ``keras`` here is a part of."""
    return VERSION
