"""Models made from others: same layers, new weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer
from graphc.keras.engine.node import node_of
from graphc.keras.layers.core.input_layer import InputLayer
from graphc.keras.metrics import Metric
from graphc.keras.models.model import Model
from graphc.keras.models.sequential import Sequential
from graphc.keras.optimizers import Optimizer
from graphc.keras.serialization import deserialize_keras_object
from graphc.pytree import flatten, leaves_of, map_leaves, unflatten
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
    """A model of the same layers with new weights, compiled if the model is.

    ``clone_function(layer)`` gives the layer to take for each (by default an equal new one), ``call_function(layer,
    *args, **kwargs)`` the result of its call. With ``recursive``, the layers of nested models are cloned like those of
    the model itself. ``input_tensors`` are KerasTensors to begin with. Raises ArgumentError for arguments that a
    subclassed model cannot follow, and for ``input_tensors`` in another structure than ``model.input``.
    """
    if getattr(model, "_graph", None) is None and not isinstance(model, Sequential):
        if clone_function is not None or call_function is not None or input_tensors is not None:
            raise ArgumentError("clone_function, call_function and input_tensors need a functional or Sequential model;"
                                " a subclassed one is made again from its get_config()")  # fmt: skip
        return _compiled_like(model, type(model).from_config(model.get_config()))
    copy = clone_function or _equal_layer

    def cloned(layer: Any) -> Any:
        if recursive and isinstance(layer, Model):
            return clone_model(layer, None, copy, call_function, True)
        return copy(layer)

    if isinstance(model, Sequential):
        if call_function is not None:
            raise ArgumentError("call_function needs a functional model, got a Sequential one; change its layers by "
                                "clone_function")  # fmt: skip
        return _compiled_like(model, _clone_sequential(model, cloned, input_tensors))
    return _compiled_like(model, _clone_functional(model, cloned, call_function, input_tensors))


def _equal_layer(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


def _compiled_like(model: Any, copy: Any) -> Any:
    if model.compiled:
        copy.compile(**{key: map_leaves(_unshared, value) for key, value in model._compile_config.items()})
    return copy


def _unshared(value: Any) -> Any:
    """Optimizers and metrics have state, so that each model needs its own."""
    return type(value).from_config(value.get_config()) if isinstance(value, (Optimizer, Metric)) else value


def _clone_sequential(model: Sequential, copy: Callable[[Any], Any], input_tensors: Any) -> Sequential:
    layers = [copy(layer) for layer in model.layers]
    starts = leaves_of(input_tensors)
    if len(starts) > 1:
        raise ArgumentError(f"input_tensors: a Sequential model has a single input, got {len(starts)}")
    if not starts and model._graph is not None:
        starts = [_new_input(model.inputs[0])]
    return Sequential([*starts, *layers], name=model.name, trainable=model.trainable)


def _new_input(tensor: KerasTensor) -> Any:
    layer = node_of(tensor).operation
    return InputLayer(batch_shape=tuple(tensor.shape), dtype=tensor.dtype.name, name=layer.name).output


def _clone_functional(model: Any, copy: Callable[[Any], Any], call: Any, input_tensors: Any) -> Any:
    graph = model._graph
    structure = flatten(model._inputs_structure)[1]
    starts = [_new_input(t) for t in graph.inputs] if input_tensors is None else _starts(input_tensors, structure)
    copies = {id(op): copy(op) if isinstance(op, Layer) else op for op in graph.operations
              if not isinstance(op, InputLayer)}  # fmt: skip

    def called(operation: Any) -> Any:
        made = copies[id(operation)]
        return made if call is None else lambda *args, **kwargs: call(made, *args, **kwargs)

    outputs = unflatten(flatten(model._outputs_structure)[1], graph.run(starts, called))
    return Model(unflatten(structure, starts), outputs, name=model.name)


def _starts(input_tensors: Any, wanted: Any) -> list[Any]:
    tensors, structure = flatten(input_tensors)
    if structure != wanted and not (len(tensors) == wanted.num_leaves == 1):
        raise ArgumentError("`input_tensors` must have the same structure as model.input: got "
                            f"{structure}, expected {wanted}")  # fmt: skip
    return tensors


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model of what ``model.to_json()`` gave, with new weights. Raises ArgumentError for text that is no JSON."""
    try:
        config = json.loads(json_string)
    except ValueError as error:
        raise ArgumentError(f"model_from_json: not JSON: {error}") from error
    return deserialize_keras_object(config, custom_objects)
