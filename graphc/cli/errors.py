"""What a command reports besides wrong usage."""

from __future__ import annotations


class CheckFailed(Exception):
    """Results do not agree. The command ends with exit code 1 and this message."""
