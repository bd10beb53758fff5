"""Shapes and dtypes of results, found by tracing: nothing is written twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.autograph import traced
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.symbolic_scope import SymbolicScope
from graphc.mode import mode
from graphc.pytree import map_leaves
from graphc.tensor import SymbolicTensor, Tensor
from graphc.tracing import Tracer, tracing
from graphc_ir.builder import GraphBuilder
from graphc_ir.collector import collection_paused
from graphc_ir.dims import Assumptions, Dim
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import Op, bind, using
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.reduction import Dims
from graphc_ir.symbolic import symbolic_value

__all__ = ["infer_op", "infer_outputs"]


def infer_outputs(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a function gives for these arguments, with a fresh KerasTensor for each tensor; masks are carried along."""
    tracer = Tracer(Graph("inference"))

    def stand_in(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        if leaf.known_dims is not None:
            return reshape(bind(Dims(leaf.known_dims, leaf.dtype)), leaf.type.shape)
        tensor = SymbolicTensor(tracer.graph.add_input(leaf.type, leaf.name))
        mask = getattr(leaf, "_keras_mask", None)
        if mask is not None:
            tensor._keras_mask = SymbolicTensor(tracer.graph.add_input(mask.type))
        return tensor

    tapes, mode.tapes = mode.tapes, []
    try:
        with collection_paused(), SymbolicScope(), Assumptions() as assumptions, tracing(tracer):
            inner_args, inner_kwargs = map_leaves(stand_in, (args, kwargs), none_is_leaf=True)
            results = traced(function, True)(*inner_args, **inner_kwargs)
    finally:
        mode.tapes = tapes
        mode.refresh()
    return map_leaves(lambda leaf: _described(leaf, assumptions.bindings), results, none_is_leaf=True)


def _described(leaf: Any, bindings: dict[str, Dim]) -> Any:
    if not isinstance(leaf, Tensor):
        return leaf
    known = symbolic_value(leaf.value) if isinstance(leaf, SymbolicTensor) else None
    described = KerasTensor.of_type(leaf.type.substitute(bindings), known_dims=known)
    mask = getattr(leaf, "_keras_mask", None)
    if mask is not None:
        described._keras_mask = KerasTensor.of_type(mask.type.substitute(bindings))
    return described


def infer_op(op: Op, operands: tuple[Any, ...], regions: tuple[Graph, ...]) -> tuple[KerasTensor, ...]:
    """The results of one IR op on tensors of which some are KerasTensors."""
    graph = Graph("inference")
    builder = GraphBuilder(graph)
    with using(builder), Assumptions() as assumptions:
        values = [_operand_value(operand, builder) for operand in operands]
        found = builder.bind(op, tuple(values), regions)
    results = found if isinstance(found, tuple) else (found,)
    return tuple(
        KerasTensor.of_type(r.type.substitute(assumptions.bindings), known_dims=symbolic_value(r)) for r in results
    )


def _operand_value(operand: Any, builder: GraphBuilder) -> Value:
    """A graph value that stands for the operand, with its elements where they are known."""
    if not isinstance(operand, KerasTensor):
        return builder.constant(operand._array)
    if operand.known_dims is None:
        return builder.graph.add_input(operand.type)
    value: Value = reshape(bind(Dims(operand.known_dims, operand.dtype)), operand.type.shape)
    return value
