"""Saving and loading, in the formats of Keras 3 (and Keras 2 files)."""

from graphc.keras.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from graphc.keras.saving.api import load_model, load_weights, save_model, save_weights
from graphc.keras.saving.errors import ModelFileError
from graphc.keras.serialization import SafeModeError, deserialize_keras_object, serialize_keras_object

__all__ = [
    "CustomObjectScope",
    "ModelFileError",
    "SafeModeError",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
