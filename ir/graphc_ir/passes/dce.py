"""Dead code elimination."""

from __future__ import annotations

from graphc_ir.graph import Graph
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class DeadCodeElimination(Pass, name="dce"):
    """Removes pure nodes whose results nobody uses. Inputs stay: they are the function's signature."""

    def run(self, graph: Graph) -> bool:
        before = len(graph)
        for node in graph.nodes_reversed():
            if node.is_dead and node.is_pure:
                graph.erase(node)
        return len(graph) != before
