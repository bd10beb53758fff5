"""Dead code elimination."""

from __future__ import annotations

from graphc_ir.graph import Graph
from graphc_ir.liveness import erase_removable
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class DeadCodeElimination(Pass, name="dce"):
    """Removes pure nodes when nobody needs the elements or the sizes of their results.

    Inputs stay: they are the function's signature.
    """

    def run(self, graph: Graph) -> bool:
        before = len(graph)
        erase_removable(graph)
        return len(graph) != before
