"""Views of a graph for people and for graph algorithms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphc_ir.analysis.cost import CostModel
from graphc_ir.dims import Dim
from graphc_ir.graph import Graph
from graphc_ir.printer import value_names

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class OpSummary:
    """All nodes of one op: how many, and their work."""

    op: str
    count: int
    flops: Dim
    bytes: Dim


def summary_by_op(graph: Graph, sizes: Mapping[str, int] | None = None, default: int | None = None) -> list[OpSummary]:
    """One row per op name, most frequent first. Regions count to the op that they belong to."""
    model = CostModel(sizes, default)
    totals: dict[str, tuple[int, Dim, Dim]] = {}
    for node in graph.nodes():
        cost = model.node(node)
        count, flops, moved = totals.get(node.op.name, (0, 0, 0))
        totals[node.op.name] = (count + 1, flops + cost.flops, moved + cost.bytes)
    rows = [OpSummary(op, *total) for op, total in totals.items()]
    return sorted(rows, key=lambda row: (-row.count, row.op))


def to_networkx(graph: Graph) -> nx.MultiDiGraph:
    """The graph as a networkx MultiDiGraph.

    Nodes: ``"in:NAME"`` for inputs, the node number for nodes, ``"out:NUMBER"`` for outputs, with the attributes
    ``kind`` (``"input"``, ``"node"``, ``"output"``), ``label`` and, for nodes, ``op``, ``scope`` and ``types``. An
    edge is one operand; its attributes are ``operand`` (its number), ``value`` (name) and ``type``.
    """
    import networkx as nx

    view = nx.MultiDiGraph(name=graph.name)
    names = value_names(graph)
    makers: dict[Any, Any] = {}
    for value in graph.inputs:
        makers[value] = f"in:{names[value]}"
        view.add_node(makers[value], kind="input", label=names[value], types=[str(value.type)])
    for i, node in enumerate(graph.nodes()):
        types = [str(r.type) for r in node.results]
        view.add_node(i, kind="node", label=node.op.name, op=node.op, scope=node.location.scope, types=types)
        makers.update(dict.fromkeys(node.results, i))
        for k, operand in enumerate(node.operands):
            view.add_edge(makers[operand], i, operand=k, value=names[operand], type=str(operand.type))
    for k, output in enumerate(graph.outputs):
        view.add_node(f"out:{k}", kind="output", label=names[output], types=[str(output.type)])
        view.add_edge(makers[output], f"out:{k}", operand=k, value=names[output], type=str(output.type))
    return view
