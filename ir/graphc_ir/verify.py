"""Checks the rules of the IR: order, ownership, use counts, types (inferred again and compared), state and names."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, NoReturn

import numpy as np

from graphc_ir.errors import GraphcError, VerificationError
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.base import NotDifferentiable, Op
from graphc_ir.ops.elementwise import Elementwise


def verify(graph: Graph) -> None:
    """Raises VerificationError that names the node and the broken rule."""
    _verify_inputs(graph)
    defined: set[Value] = set(graph.inputs)
    uses: dict[Value, dict[Node, int]] = {value: {} for value in graph.inputs}
    for node in graph.nodes():
        _verify_operands(graph, node, defined, uses)
        for region in node.regions:
            _verify_region(graph, node, region)
        _verify_types(graph, node)
        defined.update(node.results)
        uses.update((result, {}) for result in node.results)
    _verify_operands(graph, graph.terminator, defined, uses)
    _verify_uses(graph, uses)
    _verify_states(graph)


def _verify_inputs(graph: Graph) -> None:
    for i, value in enumerate(graph.inputs):
        if value.graph is not graph or value.node is not None or value.index != i:
            raise VerificationError(f"graph {graph.name}: input {i} ({value!r}) is not the graph's own input {i}")
    if graph.output_names and len(graph.output_names) != len(graph.outputs):
        raise VerificationError(f"graph {graph.name} has {len(graph.outputs)} outputs, but {len(graph.output_names)} "
                                "output names")  # fmt: skip


def _verify_region(graph: Graph, node: Node, region: Graph) -> None:
    if region.states:
        _fail(graph, node, f"region {region.name} has state; only whole graphs have")
    verify(region)


def _fail(graph: Graph, node: Node, rule: str) -> NoReturn:
    place = f" [{node.location}]" if str(node.location) else ""
    raise VerificationError(f"graph {graph.name}, node {node.op.name}: {rule}{place}")


def _verify_operands(graph: Graph, node: Node, defined: set[Value], uses: dict[Value, dict[Node, int]]) -> None:
    for i, operand in enumerate(node.operands):
        if operand not in defined:
            where = "another graph" if operand.graph is not graph else "a node after it"
            _fail(graph, node, f"operand {i} ({operand.type}) comes from {where}")
        counted = uses[operand]
        counted[node] = counted.get(node, 0) + 1


def operand_count(op: Op) -> int | None:
    """How many operands the op takes; None if any number. Read from how its class computes or differentiates."""
    return _declared_count(type(op))  # type: ignore[arg-type]


@cache
def _declared_count(cls: Any) -> int | None:
    if issubclass(cls, Elementwise) and isinstance(cls.ufunc, np.ufunc):
        return cls.ufunc.nin
    method, skipped = (cls.kernel, 1) if isinstance(cls.vjp, NotDifferentiable) else (cls.vjp, 3)
    parameters = list(inspect.signature(method).parameters.values())[skipped:]
    wanted = [p for p in parameters if p.kind is not p.KEYWORD_ONLY and p.name != "out"]
    is_open = any(p.kind is p.VAR_POSITIONAL or p.default is not p.empty for p in wanted)
    return None if is_open else len(wanted)


def _verify_types(graph: Graph, node: Node) -> None:
    count = operand_count(node.op)
    if count is not None and count != len(node.operands):
        _fail(graph, node, f"it has {len(node.operands)} operands, but takes {count}")
    try:
        expected = node.op.infer_node([o.type for o in node.operands], node.regions)
    except (GraphcError, TypeError, ValueError, IndexError) as error:
        shown = ", ".join(str(o.type) for o in node.operands)
        _fail(graph, node, f"operands ({shown}) are not accepted: {error}")
    have = tuple(r.type for r in node.results)
    if have != tuple(expected):
        given, wanted = ", ".join(map(str, have)), ", ".join(map(str, expected))
        _fail(graph, node, f"result types are {given}, but infer gives {wanted}")


def _verify_uses(graph: Graph, uses: dict[Value, dict[Node, int]]) -> None:
    for value, counted in uses.items():
        if value.users != counted:
            raise VerificationError(f"graph {graph.name}: use counts of {value!r} are wrong: {value.users} instead of "
                                    f"{counted}")  # fmt: skip


def _verify_states(graph: Graph) -> None:
    pairs = [s.input for s in graph.states], [s.output for s in graph.states if s.output is not None]
    if any(len(set(numbers)) < len(numbers) for numbers in pairs):
        raise VerificationError(f"graph {graph.name}: two states name the same input or output: {graph.states}")
    for state in graph.states:
        label = f"graph {graph.name}: state {state.name}"
        if not 0 <= state.input < len(graph.inputs):
            raise VerificationError(f"{label} names input {state.input}, which is missing")
        if state.output is None:
            continue
        if not 0 <= state.output < len(graph.outputs):
            raise VerificationError(f"{label} names output {state.output}, which is missing")
        old, new = graph.inputs[state.input].type, graph.outputs[state.output].type
        if old != new:
            raise VerificationError(f"{label} changes its type from {old} to {new}")
