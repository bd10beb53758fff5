"""Inlining of calls."""

from __future__ import annotations

from collections.abc import Sequence

from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.call import CustomVjp
from graphc_ir.ops.constant import StopGradient
from graphc_ir.ops.control import Cond
from graphc_ir.ops.regions import match_inputs, specialize
from graphc_ir.passes.base import Pass, register_pass
from graphc_ir.rewrite.pattern import constant_array


@register_pass
class Inline(Pass):
    """Puts the region of a call in the call's place, and that of ``cond`` where the predicate is a constant.

    ``max_nodes``: larger calls stay calls (None: inline all). Functions with a derivative of their own stay, since
    inlining would lose it; see :class:`ForgetGradients`.
    """

    max_nodes: int | None = None

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph.nodes():
            if isinstance(node.op, Cond) and (predicate := constant_array(node.operands[0])) is not None:
                inline_node(graph, node, node.regions[0 if predicate.all() else 1], node.operands[1:])
            elif self._applies(node):
                inline_node(graph, node, node.regions[0], node.operands)
            else:
                continue
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
                inline_node(graph, node, node.regions[0], node.operands)
            elif isinstance(node.op, StopGradient):
                node.result.replace_all_uses_with(node.operands[0])
                graph.erase(node)
            else:
                continue
            changed = True
        return changed


def inline_node(graph: Graph, node: Node, region: Graph, operands: Sequence[Value]) -> None:
    """Replaces a node by the nodes of one of its regions, which keep their own source lines."""
    bindings = match_inputs(node.op, region, [operand.type for operand in operands])
    foreign = {name: dim for name, dim in bindings.items() if str(dim) != name}
    outputs = specialize(region, foreign).copy_into(graph, operands, before=node)
    for old, new in zip(node.results, outputs, strict=True):
        if new.node is not None:
            new.name = new.name or old.name
        old.replace_all_uses_with(new)
    graph.erase(node)
