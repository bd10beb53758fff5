"""Where KerasTensors come from."""

from __future__ import annotations

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.node import Node, node_of
from graphc.keras.engine.tracking import unique
from graphc_ir.errors import ArgumentError

__all__ = ["get_source_inputs"]


def get_source_inputs(tensor: KerasTensor) -> list[KerasTensor]:
    """The Inputs that a KerasTensor is computed from, in the order in which the calls use them; a KerasTensor that no
    call made is its own.

    Raises ArgumentError for what is no KerasTensor.
    """
    if not isinstance(tensor, KerasTensor):
        raise ArgumentError(f"get_source_inputs: got {type(tensor).__name__}, expected a KerasTensor such as "
                            "layer.output or model.outputs[0]")  # fmt: skip
    found: list[KerasTensor] = []
    pending, seen = [tensor], set[Node]()
    while pending:
        current = pending.pop()
        node = None if current.history is None else node_of(current)
        if node is None or node.is_input:
            found.append(current)
        elif node not in seen:
            seen.add(node)
            pending += reversed(node.input_tensors)
    return unique(found)
