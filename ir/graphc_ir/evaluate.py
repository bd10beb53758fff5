"""The reference semantics: runs a graph node by node with the ops' NumPy kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim
from graphc_ir.errors import ArgumentError, GraphcError, ShapeError
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.base import Array, Op
from graphc_ir.types import TensorType


def evaluate(graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    """The outputs for these inputs (state inputs included). Raises ArgumentError for inputs of another type."""
    return evaluate_bound(graph, inputs, bind_inputs(graph, inputs))


def evaluate_bound(graph: Graph, inputs: Sequence[Array], bindings: dict[str, int]) -> list[Array]:
    """Like :func:`evaluate` for inputs that are known to fit; ``bindings`` gives the symbols."""
    values: dict[Value, Any] = dict(zip(graph.inputs, inputs, strict=True))
    remaining = {v: sum(v.users.values()) for v in graph.inputs}
    for node in graph.nodes():
        results = run_node(node, [values[o] for o in node.operands], bindings)
        for value, array in zip(node.results, results, strict=True):
            values[value] = array
            remaining[value] = sum(value.users.values())
        for operand in node.operands:
            remaining[operand] -= 1
            if not remaining[operand]:
                del values[operand]
    return [np.asarray(values[o]) for o in graph.outputs]


def run_node(node: Node, operands: Sequence[Any], bindings: dict[str, int]) -> Sequence[Any]:
    """One node's results; symbols of data-dependent results are added to ``bindings``."""
    op = node.op.substitute_dims(bindings) if bindings else node.op  # type: ignore[arg-type]
    try:
        if node.regions:
            result = op.kernel(*operands, regions=tuple(specialize(r, bindings) for r in node.regions))
        else:
            result = op.kernel(*operands)
    except GraphcError:
        raise
    except Exception as error:
        shown = ", ".join(str(TensorType.of(a)) for a in operands)
        raise ArgumentError(f"{op.name}({shown}) failed: {error} [{node.location}]") from error
    results: Sequence[Any] = result if op.num_results != 1 else (result,)
    for value, array in zip(node.results, results, strict=True):
        if not value.type.is_static:
            dims.solve(value.type.shape, array.shape, bindings)
    return results


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


def specialize(graph: Graph, bindings: Mapping[str, Dim]) -> Graph:
    """A copy with symbolic dims replaced, in types and attributes. The graph itself if there is nothing to replace."""
    if not bindings:
        return graph

    def remap(
        op: Op, types: tuple[TensorType, ...], regions: tuple[Graph, ...]
    ) -> tuple[Op, tuple[TensorType, ...], tuple[Graph, ...]]:
        new_types = tuple(t.substitute(bindings) for t in types)
        return op.substitute_dims(dict(bindings)), new_types, tuple(specialize(r, bindings) for r in regions)

    return graph.copy(remap, lambda t: t.substitute(bindings))
