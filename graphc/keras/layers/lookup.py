"""Layers as configs, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc_ir.errors import ArgumentError

__all__ = ["deserialize", "serialize"]


def serialize(layer: Layer) -> Any:
    """The config of a layer, with its class."""
    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The layer of what :func:`serialize` gave. Raises ArgumentError for the config of something else."""
    found = deserialize_keras_object(config, custom_objects)
    if not isinstance(found, Layer):
        raise ArgumentError(f"layers.deserialize: the config describes {found!r}, expected a layer")
    return found
