"""The config of a functional model in Keras's shape, and the graph that such a config describes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.engine.function import FunctionGraph
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.node import Node
from graphc.keras.engine.operation import Operation
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc_ir.errors import ArgumentError

__all__ = ["graph_config", "read_graph"]

_TENSOR = "__keras_tensor__"
IsFunctional = Callable[[Any], bool]


def graph_config(graph: FunctionGraph, inputs: Any, outputs: Any, is_functional: IsFunctional) -> dict[str, Any]:
    """``layers`` with the calls of each, and where ``input_layers`` and ``output_layers`` are.

    Calls are counted per layer, those of this graph only; Keras counts those of a functional model from 1 in the two
    lists.
    """
    # An input that no output needs is no part of the way from inputs to outputs, but of the model.
    own = {id(node) for node in (*graph.nodes, *map(graph.node_of, graph.inputs))}

    def position(tensor: KerasTensor) -> list[Any]:
        tensor = graph.real(tensor)
        node = graph.node_of(tensor)
        calls = [n for n in node.operation._inbound_nodes if id(n) in own]
        index = next(i for i, n in enumerate(calls) if n is node)
        return [node.operation.name, index, tensor.history.tensor_index]  # type: ignore[union-attr]

    def boundary(tensor: KerasTensor) -> list[Any]:
        name, index, tensor_index = position(tensor)
        operation = graph.node_of(tensor).operation
        return [name, index + 1 if is_functional(operation) else index, tensor_index]

    layers = []
    for operation in graph.operations:
        calls = [n for n in operation._inbound_nodes if id(n) in own and not n.is_input]
        config = serialize_keras_object(operation)
        config["name"] = operation.name
        config["inbound_nodes"] = [_call_config(node, position) for node in calls]
        layers.append(config)
    return {
        "layers": layers,
        "input_layers": _map_tensors(inputs, boundary),
        "output_layers": _map_tensors(outputs, boundary),
    }


def _call_config(node: Node, position: Callable[[KerasTensor], list[Any]]) -> dict[str, Any]:
    def describe(tensor: KerasTensor) -> dict[str, Any]:
        shape = list(tensor.shape)
        history = position(tensor)
        return {"class_name": _TENSOR, "config": {"shape": shape, "dtype": tensor.dtype.name, "keras_history": history}}

    args = [_map_tensors(arg, describe, serialize_keras_object) for arg in node.args]
    kwargs = {key: _map_tensors(value, describe, serialize_keras_object) for key, value in node.kwargs.items()}
    return {"args": args, "kwargs": kwargs}


def _map_tensors(
    tree: Any, function: Callable[[KerasTensor], Any], other: Callable[[Any], Any] = lambda leaf: leaf
) -> Any:
    """The structure with each KerasTensor replaced."""
    if isinstance(tree, KerasTensor):
        return function(tree)
    if isinstance(tree, dict):
        return {key: _map_tensors(value, function, other) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        parts = [_map_tensors(value, function, other) for value in tree]
        return tuple(parts) if isinstance(tree, tuple) else parts
    return other(tree)


# --- reading -----------------------------------------------------------------------------------------------------


def read_graph(config: dict[str, Any], is_functional: IsFunctional) -> tuple[Any, Any]:
    """The inputs and outputs (structures of KerasTensors) of a saved functional model, its layers made anew.

    Raises ArgumentError for a config whose calls refer to tensors that nothing makes.
    """
    created: dict[str, Operation] = {}
    for layer in config["layers"]:
        operation = deserialize_keras_object(layer)
        created[layer.get("name") or operation.name] = operation
    calls = [(created[layer.get("name") or layer["config"]["name"]], call) for layer in config["layers"]
             for call in layer["inbound_nodes"]]  # fmt: skip
    _make_calls(calls, created)

    def find(entry: list[Any]) -> KerasTensor:
        name, index, tensor_index = entry[:3]
        operation = created[name]
        return _tensor_of(operation, index - 1 if is_functional(operation) else index, tensor_index)

    return _map_positions(config["input_layers"], find), _map_positions(config["output_layers"], find)


def _make_calls(calls: list[tuple[Operation, Any]], created: dict[str, Operation]) -> None:
    """Repeats the saved calls, each as soon as its inputs exist, those of one layer in their order."""
    while calls:
        waiting: list[tuple[Operation, Any]] = []
        blocked: set[int] = set()
        for operation, call in calls:
            ready = id(operation) not in blocked and all(_exists(h, created) for h in _histories(call))
            if ready:
                args, kwargs = _arguments(call, created)
                operation(*args, **kwargs)
            else:
                blocked.add(id(operation))
                waiting.append((operation, call))
        if len(waiting) == len(calls):
            name = waiting[0][0].name
            raise ArgumentError(f"the saved model is damaged: a call of layer {name!r} needs tensors that no layer of "
                                "the file makes, or that follow from it in a loop")  # fmt: skip
        calls = waiting


def _histories(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        if tree.get("class_name") == _TENSOR:
            return [tree["config"]["keras_history"]]
        return [h for value in tree.values() for h in _histories(value)]
    if _is_legacy_entry(tree):
        return [tree[:3]]
    return [h for value in tree for h in _histories(value)] if isinstance(tree, list) else []


def _is_legacy_entry(tree: Any) -> bool:
    """Keras 2 writes an input tensor as ``[layer, node, tensor, kwargs]``."""
    if not isinstance(tree, list) or len(tree) != 4:
        return False
    kinds: list[type] = [str, int, object, dict]
    return all(map(isinstance, tree, kinds))


def _exists(history: list[Any], created: dict[str, Operation]) -> bool:
    name, index, _ = history
    if name not in created:
        raise ArgumentError("the saved model is damaged: it uses a layer that it does not define. Missing node: "
                            f"{name}")  # fmt: skip
    return bool(len(created[name]._inbound_nodes) > index)


def _arguments(call: Any, created: dict[str, Operation]) -> tuple[list[Any], dict[str, Any]]:
    if isinstance(call, dict):
        args = [_revived(arg, created) for arg in call.get("args", [])]
        return args, {key: _revived(value, created) for key, value in call.get("kwargs", {}).items()}
    tensors = [_tensor_of(created[entry[0]], entry[1], entry[2]) for entry in call]
    kwargs = {key: value for entry in call for key, value in entry[3].items()}
    return [tensors[0] if len(tensors) == 1 else tensors], kwargs


def _revived(tree: Any, created: dict[str, Operation]) -> Any:
    if isinstance(tree, dict) and tree.get("class_name") == _TENSOR:
        name, index, tensor_index = tree["config"]["keras_history"]
        return _tensor_of(created[name], index, tensor_index)
    if isinstance(tree, dict) and "class_name" not in tree:
        return {key: _revived(value, created) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_revived(value, created) for value in tree]
    return deserialize_keras_object(tree)


def _tensor_of(operation: Operation, index: int, tensor_index: int) -> KerasTensor:
    found: KerasTensor = operation._inbound_nodes[index].output_tensors[tensor_index]
    return found


def _map_positions(tree: Any, find: Callable[[list[Any]], KerasTensor]) -> Any:
    if isinstance(tree, dict):
        return {key: _map_positions(value, find) for key, value in tree.items()}
    if len(tree) >= 3 and isinstance(tree[0], str) and isinstance(tree[1], int):
        return find(tree)
    return type(tree)(_map_positions(item, find) for item in tree)
