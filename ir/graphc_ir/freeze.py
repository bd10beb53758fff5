"""Inputs that never change, as constants: what an inference model does with its weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import Array
from graphc_ir.ops.constant import ArrayAttribute, Constant

__all__ = ["freeze"]


def freeze(graph: Graph, values: Mapping[int, Array]) -> Graph:
    """A copy in which the inputs numbered in ``values`` are constants of their names; assigned state stays an input."""
    assigned = {state.input for state in graph.states if state.output is not None}
    frozen = {i: array for i, array in values.items() if i not in assigned}
    result = Graph(graph.name)
    arguments: list[Value] = []
    positions: dict[int, int] = {}
    for i, value in enumerate(graph.inputs):
        if i in frozen:
            node = result.append(Constant(ArrayAttribute(frozen[i])), (), (value.type,))
            node.result.name = value.name
            arguments.append(node.result)
        else:
            positions[i] = len(positions)
            arguments.append(result.add_input(value.type, value.name))
    kept = [state for state in graph.states if state.input in positions]
    result.states = [dataclasses.replace(state, input=positions[state.input]) for state in kept]
    result.output_names = list(graph.output_names)
    result.set_outputs(graph.copy_into(result, arguments))
    return result
