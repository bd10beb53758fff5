"""One call of an operation on KerasTensors: an edge bundle of a functional model's graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.engine.keras_tensor import History, KerasTensor
from graphc.pytree import leaves_of, map_leaves
from graphc_ir.errors import ArgumentError

__all__ = ["Node", "connect"]


class Node:
    """``operation`` was called with ``args`` and ``kwargs`` (KerasTensors somewhere in them) and gave ``outputs``."""

    __slots__ = ("args", "index", "input_tensors", "kwargs", "operation", "outputs")

    def __init__(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.outputs = outputs
        self.index = len(operation._inbound_nodes)
        self.input_tensors = [leaf for leaf in leaves_of((args, kwargs)) if isinstance(leaf, KerasTensor)]
        operation._inbound_nodes.append(self)
        for i, tensor in enumerate(self.output_tensors):
            tensor.history = History(operation, self.index, i)

    @property
    def is_input(self) -> bool:
        return not self.input_tensors

    @property
    def output_tensors(self) -> list[KerasTensor]:
        return [leaf for leaf in leaves_of(self.outputs) if isinstance(leaf, KerasTensor)]

    @property
    def parents(self) -> list[Node]:
        """The calls that made the inputs. Raises ArgumentError for a KerasTensor that nothing made."""
        return [node_of(tensor) for tensor in self.input_tensors]

    def fill(self, replace: Callable[[KerasTensor], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with each KerasTensor replaced."""
        filled: tuple[tuple[Any, ...], dict[str, Any]] = map_leaves(
            lambda leaf: replace(leaf) if isinstance(leaf, KerasTensor) else leaf,
            (self.args, self.kwargs),
            none_is_leaf=True,
        )
        return filled

    def __repr__(self) -> str:
        return f"<Node {self.index} of {self.operation.name}>"


def node_of(tensor: KerasTensor) -> Node:
    """The call that made a KerasTensor. Raises ArgumentError if none did."""
    if tensor.history is None:
        raise ArgumentError(f"{tensor!r} was made by hand and belongs to no layer; start from keras.Input(shape=...)")
    operation, index, _ = tensor.history
    found: Node = operation._inbound_nodes[index]
    return found


def connect(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> Any:
    """Records a call; returns its outputs, which now know where they come from."""
    Node(operation, args, kwargs, outputs)
    return outputs
