"""Checks the rules of the IR: order, ownership, use counts and types (inferred again and compared)."""

from __future__ import annotations

from graphc_ir.errors import GraphcError, VerificationError
from graphc_ir.graph import Graph, Node, Value


def verify(graph: Graph) -> None:
    """Raises VerificationError that names the node and the broken rule."""
    defined: set[Value] = set(graph.inputs)
    uses: dict[Value, dict[Node, int]] = {value: {} for value in graph.inputs}
    for node in graph.nodes():
        _verify_operands(graph, node, defined, uses)
        _verify_types(graph, node)
        for region in node.regions:
            verify(region)
        defined.update(node.results)
        uses.update((result, {}) for result in node.results)
    _verify_operands(graph, graph.terminator, defined, uses)
    _verify_uses(graph, uses)
    _verify_states(graph)


def _fail(graph: Graph, node: Node, rule: str) -> None:
    raise VerificationError(f"graph {graph.name}, node {node.op.name}: {rule} [{node.location}]")


def _verify_operands(graph: Graph, node: Node, defined: set[Value], uses: dict[Value, dict[Node, int]]) -> None:
    for i, operand in enumerate(node.operands):
        if operand not in defined:
            where = "another graph" if operand.graph is not graph else "a node after it"
            _fail(graph, node, f"operand {i} ({operand.type}) comes from {where}")
        counted = uses[operand]
        counted[node] = counted.get(node, 0) + 1


def _verify_types(graph: Graph, node: Node) -> None:
    try:
        expected = node.op.infer_node([o.type for o in node.operands], node.regions)
    except GraphcError as error:
        _fail(graph, node, f"operand types are not accepted: {error}")
        raise
    have = tuple(r.type for r in node.results)
    if have != tuple(expected):
        shown = ", ".join(map(str, have)), ", ".join(map(str, expected))
        _fail(graph, node, f"result types are {shown[0]}, but infer gives {shown[1]}")


def _verify_uses(graph: Graph, uses: dict[Value, dict[Node, int]]) -> None:
    for value, counted in uses.items():
        if value.users != counted:
            raise VerificationError(f"graph {graph.name}: use counts of {value!r} are wrong: {value.users} instead of "
                                    f"{counted}")  # fmt: skip


def _verify_states(graph: Graph) -> None:
    for state in graph.states:
        if not 0 <= state.input < len(graph.inputs):
            raise VerificationError(f"graph {graph.name}: state {state.name} names input {state.input}, which is missing")
        if state.output is None:
            continue
        if not 0 <= state.output < len(graph.outputs):
            raise VerificationError(f"graph {graph.name}: state {state.name} names output {state.output}, which is missing")
        old, new = graph.inputs[state.input].type, graph.outputs[state.output].type
        if old != new:
            raise VerificationError(f"graph {graph.name}: state {state.name} changes its type from {old} to {new}")
