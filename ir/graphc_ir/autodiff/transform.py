"""Differentiation as a graph transformation: a graph in, a graph out, differentiable again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from graphc_ir.autodiff.engine import Record, pull_back, zeros_like
from graphc_ir.builder import GraphBuilder
from graphc_ir.errors import GradientError
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import Operand, lift, using
from graphc_ir.ops.elementwise import add
from graphc_ir.ops.movement import broadcast_to


def vjp(graph: Graph, wrt: Sequence[int] | None = None) -> Graph:
    """The vector-Jacobian product.

    Inputs: the graph's inputs, then one cotangent per result. Outputs: the results, then one cotangent per input
    listed in ``wrt`` (default: every differentiable argument).
    """
    result, outputs = _clone(graph)
    chosen = _chosen(graph, wrt)
    with using(GraphBuilder(result)):
        seeds = [result.add_input(value.type, f"cotangent_{i}") for i, value in enumerate(outputs)]
        grads = _gradients(result, outputs, seeds, [result.inputs[i] for i in chosen])
    result.name = f"vjp_{graph.name}"
    result.set_outputs([*outputs, *grads])
    return result


def value_and_grad(graph: Graph, wrt: int | Sequence[int] | None = None) -> Graph:
    """Outputs: the results, then the gradient of the first (a scalar) by each input in ``wrt``
    (default: every differentiable argument; state inputs can be named by their input number).

    Raises GradientError when the first result is no floating-point scalar.
    """
    result, outputs = _clone(graph)
    target = _scalar_target(graph, outputs)
    chosen = _chosen(graph, [wrt] if isinstance(wrt, int) else wrt)
    with using(GraphBuilder(result)):
        seed = broadcast_to(lift(1, target.type.dtype), target.type.shape)
        grads = _gradients(result, [target], [seed], [result.inputs[i] for i in chosen])
    result.name = f"value_and_grad_{graph.name}"
    result.set_outputs([*outputs, *grads])
    return result


def grad(graph: Graph, wrt: int | Sequence[int] | None = None) -> Graph:
    """Like :func:`value_and_grad`, but only the gradients are outputs."""
    result = value_and_grad(graph, wrt)
    result.name = f"grad_{graph.name}"
    result.set_outputs(result.outputs[len(graph.outputs) :])
    return result


def _clone(graph: Graph) -> tuple[Graph, list[Value]]:
    if any(state.output is not None for state in graph.states):
        names = ", ".join(s.name for s in graph.states if s.output is not None)
        raise GradientError(f"{graph.name} assigns Variables ({names}); differentiate a function without assignments")
    result = graph.copy()
    result.output_names = []
    return result, list(result.outputs)


def _scalar_target(graph: Graph, outputs: list[Value]) -> Value:
    if not outputs:
        raise GradientError(f"{graph.name} has no result to differentiate")
    target = outputs[0]
    if target.type.shape != () or not target.type.dtype.is_differentiable:
        raise GradientError(f"the gradient needs a floating-point scalar as first result of {graph.name}, got "
                            f"{target.type}; reduce it, e.g. tf.reduce_sum, or use vjp")  # fmt: skip
    return target


def _chosen(graph: Graph, wrt: Sequence[int] | None) -> list[int]:
    if wrt is None:
        return [i for i, v in enumerate(graph.inputs[: graph.num_arguments]) if v.type.dtype.is_differentiable]
    for i in wrt:
        if not 0 <= i < len(graph.inputs):
            raise GradientError(f"wrt={i} is no input of {graph.name}, which has {len(graph.inputs)} inputs")
        if not graph.inputs[i].type.dtype.is_differentiable:
            raise GradientError(f"input {i} of {graph.name} is {graph.inputs[i].type}: only floats have gradients")
    return list(wrt)


def _gradients(graph: Graph, targets: list[Value], seeds: list[Value], sources: list[Value]) -> list[Value]:
    wanted = reachable(graph, sources)
    cotangents: dict[int, Operand] = {}
    for target, seed in zip(targets, seeds, strict=True):
        before = cotangents.get(id(target))  # one value may be several results
        cotangents[id(target)] = seed if before is None else add(before, seed)
    pull_back(records_towards(graph, wanted), cotangents, wanted)
    return [cotangents[id(s)] if id(s) in cotangents else zeros_like(s) for s in sources]


def records_towards(graph: Graph, wanted: Collection[int]) -> list[Record]:
    """What the engine differentiates: the nodes with a wanted result, last first. Taken before the graph grows."""
    return [
        (node.op, node.operands, node.results, node.regions, node.operands, node.results)
        for node in graph.nodes_reversed()
        if any(id(result) in wanted for result in node.results)
    ]


def reachable(graph: Graph, sources: Sequence[Value]) -> set[int]:
    """Ids of all values that depend on the sources, themselves included."""
    found = {id(source) for source in sources}
    for node in graph.nodes():
        if any(id(operand) in found for operand in node.operands):
            found.update(id(r) for r in node.results)
    return found
