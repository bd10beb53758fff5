"""What is wrong with a model file."""

from __future__ import annotations

from graphc_ir.errors import ImportModelError

__all__ = ["ModelFileError"]


class ModelFileError(ImportModelError):
    """A model or weights file is missing, damaged, of another format, or holds something that is refused for safety:
    links to other files, data that claims to be far larger than it is."""
