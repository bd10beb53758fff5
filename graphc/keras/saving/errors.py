"""What is wrong with a model file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graphc_ir.errors import GraphcError, ImportModelError

__all__ = ["ModelFileError", "making_model"]


class ModelFileError(ImportModelError):
    """A model or weights file is missing, damaged, of another format, or holds something that is refused for safety:
    links to other files, data that claims to be far larger than it is."""


@contextmanager
def making_model(source: str) -> Iterator[None]:
    """Raises ModelFileError for what a damaged config makes go wrong inside the block."""
    try:
        yield
    except GraphcError:
        raise
    except (LookupError, AttributeError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{source}: no model can be made of its config ({type(error).__name__}: {error}); the file is damaged, or "
            "a class of yours refuses what its get_config() returned"
        ) from error
