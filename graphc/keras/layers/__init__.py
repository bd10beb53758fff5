"""Layers."""

from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.core.dense import Dense
from graphc.keras.layers.core.input_layer import Input, InputLayer
from graphc.keras.registry import publish

__all__ = ["Dense", "Input", "InputLayer", "InputSpec", "Layer"]

publish("keras.layers", vars(), __all__)
