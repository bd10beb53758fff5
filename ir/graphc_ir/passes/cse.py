"""Common subexpression elimination."""

from __future__ import annotations

from typing import Any

from graphc_ir.graph import Graph, Node
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class CommonSubexpressionElimination(Pass, name="cse"):
    """Merges pure nodes with equal ops and operands into the first of them. Nodes with regions are left alone."""

    def run(self, graph: Graph) -> bool:
        before = len(graph)
        first: dict[tuple[Any, ...], Node] = {}
        for node in graph.nodes():
            if node.regions or not node.op.is_pure:
                continue
            found = first.setdefault((node.op, *node.operands), node)
            if found is not node:
                _merge(graph, node, found)
        return len(graph) != before


def _merge(graph: Graph, node: Node, kept: Node) -> None:
    for old, new in zip(node.results, kept.results, strict=True):
        new.name = new.name or old.name
        old.replace_all_uses_with(new)
    graph.erase(node)
