"""Layers."""

from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.core.activation import Activation
from graphc.keras.layers.core.dense import Dense
from graphc.keras.layers.core.identity import Identity
from graphc.keras.layers.core.input_layer import Input, InputLayer
from graphc.keras.layers.core.masking import Masking
from graphc.keras.layers.core.wrapper import Wrapper
from graphc.keras.registry import publish

__all__ = [
    "Activation", "Dense", "Identity", "Input", "InputLayer", "InputSpec", "Layer", "Masking", "Wrapper",
]  # fmt: skip

publish("keras.layers", vars(), __all__)
