"""Models as pickles: what a ``.keras`` file holds, and the user's classes and functions by reference."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from graphc.keras.saving.archive import read_archive, write_archive
from graphc.keras.serialization import collecting_custom_objects, serialize_keras_object

__all__ = ["custom_objects_of", "pickled", "unpickled"]


def pickled(model: Any) -> bytes:
    """The content of a ``.keras`` file of the model."""
    target = io.BytesIO()
    write_archive(model, target)
    return target.getvalue()


def custom_objects_of(model: Any) -> dict[str, Any]:
    """The classes and functions of the user that the model is made of, by the names that files give them."""
    with collecting_custom_objects() as found:
        serialize_keras_object(model)
    return found


def unpickled(content: bytes, custom_objects: Mapping[str, Any]) -> Any:
    """The model of :func:`pickled`."""
    return read_archive(io.BytesIO(content), custom_objects, compile=True)
