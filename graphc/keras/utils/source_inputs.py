"""Where a KerasTensor comes from."""

from __future__ import annotations

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.node import Node, node_of

__all__ = ["get_source_inputs"]


def get_source_inputs(tensor: KerasTensor) -> list[KerasTensor]:
    """The inputs that a KerasTensor is computed from, those of its first operand first.

    Raises ArgumentError for one that was made by hand.
    """
    found: dict[int, KerasTensor] = {}
    seen: set[int] = set()
    pending: list[Node] = [node_of(tensor)]
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.is_input:
            found |= {id(output): output for output in node.output_tensors}
        pending += reversed(node.parents)
    return list(found.values())
