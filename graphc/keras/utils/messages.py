"""Lines for the user: to the standard output, or to the log where interactive logging is off."""

from __future__ import annotations

import logging
import sys
from typing import Final

from graphc.keras import config

__all__ = ["encodable", "print_message"]

LOGGER: Final = logging.getLogger("graphc.keras")


def print_message(text: str) -> None:
    """Shows one line at once; characters that the output's encoding lacks become ``=`` or ``?``."""
    if not config.is_interactive_logging_enabled():
        LOGGER.info(text)
        return
    sys.stdout.write(encodable(text, sys.stdout.encoding) + "\n")
    sys.stdout.flush()


def encodable(text: str, encoding: str | None) -> str:
    """The text with ``=`` for bars and ``?`` for other characters that the encoding lacks."""
    # Text streams in memory have no encoding: they take every character.
    if encoding is None:
        return text
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("━", "=").encode(encoding, "replace").decode(encoding)
    return text
