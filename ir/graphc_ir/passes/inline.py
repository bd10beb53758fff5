"""Inlining of calls."""

from __future__ import annotations

from graphc_ir.graph import Graph, Node
from graphc_ir.ops.call import CustomVjp
from graphc_ir.ops.constant import StopGradient
from graphc_ir.ops.regions import match_inputs, specialize
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class Inline(Pass):
    """Puts the region of a call in the call's place. ``max_nodes``: larger regions stay calls (None: inline all).

    Functions with a derivative of their own stay, since inlining would lose it; see :class:`ForgetGradients`.
    """

    max_nodes: int | None = None

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph.nodes():
            if self._applies(node):
                inline_node(graph, node)
                changed = True
        return changed

    def _applies(self, node: Node) -> bool:
        if not node.regions or not node.op.is_inlinable or isinstance(node.op, CustomVjp):
            return False
        return self.max_nodes is None or len(node.regions[0]) <= self.max_nodes


@register_pass
class ForgetGradients(Pass):
    """For graphs that will not be differentiated any more: drops ``stop_gradient`` and custom derivatives."""

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph.nodes():
            if isinstance(node.op, CustomVjp):
                inline_node(graph, node)
            elif isinstance(node.op, StopGradient):
                node.result.replace_all_uses_with(node.operands[0])
                graph.erase(node)
            else:
                continue
            changed = True
        return changed


def inline_node(graph: Graph, node: Node) -> None:
    """Replaces a node by the nodes of its first region, which keep their own source lines."""
    bindings = match_inputs(node.op, node.regions[0], [operand.type for operand in node.operands])
    foreign = {name: dim for name, dim in bindings.items() if str(dim) != name}
    outputs = specialize(node.regions[0], foreign).copy_into(graph, node.operands, before=node)
    for old, new in zip(node.results, outputs, strict=True):
        if new.node is not None:
            new.name = new.name or old.name
        old.replace_all_uses_with(new)
    graph.erase(node)
