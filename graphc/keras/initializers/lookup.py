"""Initializers by name, and their configs."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.initializers.constants import GivenValues
from graphc.keras.registry import CustomObjectScope
from graphc.keras.serialization import resolve, serialize_keras_object
from graphc.tensor import Tensor

__all__ = ["deserialize", "get", "serialize"]


def get(identifier: Any) -> Any:
    """The initializer of a name, a config, a class or a callable; of an array or tensor, the one that gives its
    values. None stays None.

    Raises ArgumentError for anything else.
    """
    if isinstance(identifier, (np.ndarray, Tensor)):
        return GivenValues(identifier)
    return resolve(identifier, "keras.initializers")


def serialize(initializer: Any) -> Any:
    """The config of an initializer."""
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer of what :func:`serialize` gave, or of a name."""
    with CustomObjectScope(custom_objects or {}):
        return get(config)
