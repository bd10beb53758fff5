"""What pictures and tables of a model show of each layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer
from graphc.keras.engine.node import Node
from graphc.keras.engine.operation import FunctionOperation, IrOperation
from graphc.keras.engine.shapes import described
from graphc.pytree import leaves_of
from graphc_ir.errors import GraphcError

__all__ = ["LayerRow", "bytes_text", "layer_rows", "parameter_bytes", "parameter_count"]


class LayerRow(NamedTuple):
    """One layer (or operation): how deep it is nested, where its inputs come from, what it gives and holds."""

    layer: Any
    name: str
    kind: str
    depth: int
    output_shapes: list[tuple[Any, ...]]
    input_shapes: list[tuple[Any, ...]]
    source_tensors: list[KerasTensor]
    params: int | None
    dtype: str

    @property
    def sources(self) -> list[str]:
        """The inputs as ``layer[call][position]``."""
        return [_source(tensor) for tensor in self.source_tensors]


def layer_rows(model: Any, expand_nested: bool = False, depth: int = 0) -> Iterator[LayerRow]:
    """The layers of a model in order, with those of nested models after them if they are to be expanded."""
    graph = getattr(model, "_graph", None)
    own = {} if graph is None else {id(node): node for node in graph.nodes}
    operations = _shown_operations(model, graph)
    for operation in operations:
        nodes = [n for n in operation._inbound_nodes if id(n) in own]
        sources = [] if graph is None else [graph.real(t) for node in nodes for t in node.input_tensors]
        yield _row(operation, nodes, sources, depth)
        if expand_nested and getattr(operation, "layers", None):
            yield from layer_rows(operation, True, depth + 1)


def _shown_operations(model: Any, graph: Any) -> list[Any]:
    if graph is None or getattr(model, "_stack", None) is not None:
        return list(model.layers)
    return list(graph.operations)


def _row(operation: Any, nodes: list[Node], sources: list[KerasTensor], depth: int) -> LayerRow:
    outputs = [tuple(t.shape) for node in nodes for t in node.output_tensors] or _shapes_when_built(operation)
    inputs = [tuple(t.shape) for t in sources]
    built = isinstance(operation, Layer)
    params = parameter_count(operation.weights) if built and operation.built else None if built else 0
    dtype = operation.dtype_policy.name if built else ""
    distinct = list(dict.fromkeys(outputs))
    return LayerRow(operation, operation.name, _kind(operation), depth, distinct, inputs, sources, params, dtype)


def _kind(operation: Any) -> str:
    if isinstance(operation, FunctionOperation):
        return operation.spec.__name__
    return type(operation.op if isinstance(operation, IrOperation) else operation).__name__


def _shapes_when_built(operation: Any) -> list[tuple[Any, ...]]:
    """The output shapes of a layer outside of any graph, for the inputs that it was built for; none if unknown."""
    shapes = operation._build_shapes if isinstance(operation, Layer) and operation.built else {}
    if not shapes:
        return []
    args, kwargs = (list(shapes.values()), {}) if len(shapes) == 1 else ([], shapes)
    try:
        found = operation.compute_output_shape(*args, **kwargs)
    except (GraphcError, NotImplementedError, TypeError):
        return []  # a layer whose call takes more than these
    return [tuple(tensor.shape) for tensor in leaves_of(described(found, operation.compute_dtype))]


def _source(tensor: KerasTensor) -> str:
    assert tensor.history is not None, "it is the result of a call"
    operation, index, position = tensor.history
    return f"{operation.name}[{index}][{position}]"


def parameter_count(weights: Any) -> int:
    """The number of elements of all weights."""
    return sum(int(math.prod(w.shape)) for w in leaves_of(list(weights)))


def parameter_bytes(weights: Any) -> int:
    """The bytes that they take."""
    return sum(int(math.prod(w.shape)) * int(w.dtype.size) for w in weights)


def bytes_text(count: int) -> str:
    """``4.82 KB`` and the like."""
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count:.2f} B"
