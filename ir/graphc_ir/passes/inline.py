"""Inlining of calls."""

from __future__ import annotations

from graphc_ir.graph import Graph, Node
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class Inline(Pass):
    """Puts the region of a call in the call's place. ``max_nodes``: larger regions stay calls (None: inline all)."""

    max_nodes: int | None = None

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph.nodes():
            if node.op.is_inlinable and len(node.regions) == 1 and self._is_small(node.regions[0]):
                inline_node(graph, node)
                changed = True
        return changed

    def _is_small(self, region: Graph) -> bool:
        return self.max_nodes is None or len(region) <= self.max_nodes


def inline_node(graph: Graph, node: Node) -> None:
    """Replaces a node by its region's nodes, which keep their own source lines."""
    outputs = node.regions[0].copy_into(graph, node.operands, before=node)
    for old, new in zip(node.results, outputs, strict=True):
        if new.node is not None:
            new.name = new.name or old.name
        old.replace_all_uses_with(new)
    graph.erase(node)
