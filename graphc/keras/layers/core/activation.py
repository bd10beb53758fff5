"""Activation: an activation function as a layer."""

from __future__ import annotations

from typing import Any

from graphc.keras import activations
from graphc.keras.engine.layer import Layer

__all__ = ["Activation"]


class Activation(Layer):
    """Applies a function to its inputs: a name (``"relu"``), or any callable of a tensor."""

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
