"""Wrapper: a layer around another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc_ir.errors import ArgumentError

__all__ = ["Wrapper"]


class Wrapper(Layer):
    """Base of layers that change how another layer, held as ``layer``, is applied. Subclasses define ``call``."""

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ArgumentError(f"{type(self).__name__} wraps a layer, got {layer!r} ({type(layer).__name__})")
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        arguments = dict(config)
        layer = deserialize_keras_object(arguments.pop("layer"), custom_objects)
        return cls(layer, **arguments)
