"""Optimizer updates: those of small parameters as one, or each as the ops that it stands for."""

from __future__ import annotations

from typing import Any

from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import element_count
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.base import bind, using
from graphc_ir.ops.movement import concat, reshape, split
from graphc_ir.ops.optim import OptimizerUpdate
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class PackUpdates(Pass):
    """Joins updates by the same op and scalars of parameters with at most ``limit`` elements into one on flat vectors.

    For a bias of a few hundred elements, what an update costs is its number of ops.
    """

    limit: int = 4096

    def run(self, graph: Graph) -> bool:
        groups: dict[tuple[Any, ...], list[Node]] = {}
        position: dict[Node, int] = {}
        for i, node in enumerate(graph.nodes()):
            position[node] = i
            if isinstance(node.op, OptimizerUpdate) and self._is_small(node):
                key = (node.op, node.operands[0].type.dtype, *node.operands[node.op.slots + 2 :])
                groups.setdefault(key, []).append(node)
        changed = False
        for nodes in groups.values():
            movable = [node for node in nodes if _waits_for(node, nodes[-1], position)]
            if len(movable) > 1:
                _pack(graph, movable, nodes[-1])
                changed = True
        return changed

    def _is_small(self, node: Node) -> bool:
        count = element_count(node.operands[0].type.shape)
        return isinstance(count, int) and 0 < count <= self.limit


@register_pass
class ExpandUpdates(Pass):
    """Writes optimizer updates as the ops that they stand for, where a backend has no kernel of its own for them."""

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in list(graph.nodes()):
            if isinstance(node.op, OptimizerUpdate) and node.op.decompose is not None:
                _expand(graph, node)
                changed = True
        return changed


def _expand(graph: Graph, node: Node) -> None:
    builder = GraphBuilder(graph, before=node)
    builder.location = node.location
    with using(builder):
        found = node.op.decompose(*node.operands)  # type: ignore[misc]
    for old, new in zip(node.results, found if isinstance(found, tuple) else (found,), strict=True):
        new.name = old.name
        old.replace_all_uses_with(new)
    graph.erase(node)


def _waits_for(node: Node, last: Node, position: dict[Node, int]) -> bool:
    """Whether nothing reads the node's results before ``last``; the graph's outputs are read at its end."""
    users = (user for result in node.results for user in result.users)
    return all(position.get(user, position[last] + 1) > position[last] for user in users)


def _pack(graph: Graph, nodes: list[Node], last: Node) -> None:
    op = nodes[0].op
    assert isinstance(op, OptimizerUpdate)
    tensors = op.slots + 2
    builder = GraphBuilder(graph, before=last.next)
    builder.location = last.location
    shapes = [node.operands[0].type.shape for node in nodes]
    sizes = [element_count(shape) for shape in shapes]
    with using(builder):
        packed = [concat([reshape(node.operands[i], (-1,)) for node in nodes], 0) for i in range(tensors)]
        found = bind(op, *packed, *nodes[0].operands[tensors:])
        for i, joined in enumerate(found if op.num_results > 1 else (found,)):
            parts: list[Value] = [reshape(p, s) for p, s in zip(split(joined, sizes), shapes, strict=True)]
            for node, part in zip(nodes, parts, strict=True):
                part.name = node.results[i].name
                node.results[i].replace_all_uses_with(part)
    for node in nodes:
        graph.erase(node)
