"""The reference semantics: runs a graph node by node with the ops' NumPy kernels."""

from __future__ import annotations

from collections.abc import Sequence

from graphc_ir import dims
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import Array
from graphc_ir.ops.regions import evaluate_bound, run_node, specialize

__all__ = ["bind_inputs", "evaluate", "evaluate_bound", "run_node", "specialize"]


def evaluate(graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    """The outputs for these inputs (state inputs included). Raises ArgumentError for inputs of another type."""
    return evaluate_bound(graph, inputs, bind_inputs(graph, inputs))


def bind_inputs(graph: Graph, inputs: Sequence[Array]) -> dict[str, int]:
    """Checks inputs against the graph's types and binds its symbolic dims."""
    if len(inputs) != len(graph.inputs):
        raise ArgumentError(f"{graph.name} takes {len(graph.inputs)} inputs, got {len(inputs)}")
    bindings: dict[str, int] = {}
    for i, (value, array) in enumerate(zip(graph.inputs, inputs, strict=True)):
        _check_input(graph, i, value, array, bindings)
    return bindings


def _check_input(graph: Graph, i: int, value: Value, array: Array, bindings: dict[str, int]) -> None:
    label = f"input {i}" + (f" ({value.name})" if value.name else "")
    if array.dtype != value.type.dtype.np:
        raise ArgumentError(f"{label} of {graph.name} has dtype {array.dtype}, expected {value.type.dtype.name}; "
                            f"convert it, e.g. array.astype('{value.type.dtype.name}')")  # fmt: skip
    try:
        dims.solve(value.type.shape, array.shape, bindings)
    except ValueError as error:
        raise ShapeError(f"{label} of {graph.name} has shape {array.shape}, expected {value.type}: {error}") from error
