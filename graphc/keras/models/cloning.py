"""Models made from others: same layers, new weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer
from graphc.keras.engine.node import node_of
from graphc.keras.layers.core.input_layer import InputLayer
from graphc.keras.models.model import Model
from graphc.keras.models.sequential import Sequential
from graphc.keras.serialization import deserialize_keras_object
from graphc.pytree import flatten, leaves_of, unflatten
from graphc_ir.errors import ArgumentError

__all__ = ["clone_model", "model_from_json"]


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A model of the same layers with new weights.

    ``clone_function(layer)`` gives the layer to take for each (by default an equal new one); ``input_tensors`` are
    KerasTensors to begin with. Raises ArgumentError for arguments that a subclassed model cannot follow.
    """
    copy = clone_function or _equal_layer
    if isinstance(model, Sequential):
        return _clone_sequential(model, copy, input_tensors)
    if getattr(model, "_graph", None) is None:
        if clone_function is not None or input_tensors is not None:
            raise ArgumentError("clone_function and input_tensors need a functional or Sequential model; a subclassed "
                                "one is made again from its get_config()")  # fmt: skip
        return type(model).from_config(model.get_config())
    return _clone_functional(model, copy, call_function, input_tensors)


def _equal_layer(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


def _clone_sequential(model: Sequential, copy: Callable[[Any], Any], input_tensors: Any) -> Sequential:
    layers = [copy(layer) for layer in model.layers]
    start = leaves_of(input_tensors) or ([_new_input(model.inputs[0])] if model._graph is not None else [])
    return Sequential([*start, *layers], name=model.name, trainable=model.trainable)


def _new_input(tensor: KerasTensor) -> Any:
    layer = node_of(tensor).operation
    return InputLayer(batch_shape=tuple(tensor.shape), dtype=tensor.dtype.name, name=layer.name).output


def _clone_functional(model: Any, copy: Callable[[Any], Any], call: Any, input_tensors: Any) -> Any:
    graph = model._graph
    starts = leaves_of(input_tensors) if input_tensors is not None else [_new_input(t) for t in graph.inputs]
    copies = {id(op): copy(op) if isinstance(op, Layer) else op for op in graph.operations
              if not isinstance(op, InputLayer)}  # fmt: skip

    def called(operation: Any) -> Any:
        made = copies[id(operation)]
        return made if call is None else lambda *args, **kwargs: call(made, *args, **kwargs)

    outputs = unflatten(flatten(model._outputs_structure)[1], graph.run(starts, called))
    inputs = unflatten(flatten(model._inputs_structure)[1], starts)
    return Model(inputs, outputs, name=model.name)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model of what ``model.to_json()`` gave, with new weights. Raises ArgumentError for text that is no JSON."""
    try:
        config = json.loads(json_string)
    except ValueError as error:
        raise ArgumentError(f"model_from_json: not JSON: {error}") from error
    return deserialize_keras_object(config, custom_objects)
