"""Element-wise fusion: clusters of element-wise ops become ``fused`` regions."""

from __future__ import annotations

from collections.abc import Sequence

from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.constant import Constant
from graphc_ir.ops.fused import Fused
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class FuseElementwise(Pass):
    """Puts element-wise ops whose results only one cluster reads into that cluster, greedily from the results upwards.

    All ops of a cluster have the shape of its result, so that one loop computes it without temporaries. Clusters have
    at least two and at most ``max_nodes`` ops, constants not counted.
    """

    max_nodes: int = 64

    def run(self, graph: Graph) -> bool:
        taken: set[Node] = set()
        clusters = []
        for node in graph.nodes_reversed():
            if node in taken or not _is_fusable(node):
                continue
            cluster = _grow(node, self.max_nodes)
            taken.update(cluster)
            if len(cluster) > 1:
                clusters.append(cluster)
        for cluster in clusters:
            _fuse(graph, cluster)
        return bool(clusters)

    def _regions(self, graph: Graph) -> bool:
        """Like that of any pass, but a cluster is not clustered again."""
        changed = False
        for node in graph.nodes():
            if isinstance(node.op, Fused):
                continue
            for region in node.regions:
                changed = self(region) or changed
        return changed


def _is_fusable(node: Node) -> bool:
    return node.op.is_elementwise and node.op.is_pure and len(node.results) == 1 and not node.regions


def _grow(root: Node, max_nodes: int) -> list[Node]:
    """The cluster around a root, users before producers."""
    shape = root.result.type.shape
    cluster = [root]
    uses: dict[Value, int] = {}
    for node in cluster:
        for operand in node.operands:
            uses[operand] = uses.get(operand, 0) + 1
            if len(cluster) >= max_nodes or uses[operand] < sum(operand.users.values()):
                continue
            if operand.node is not None and _is_fusable(operand.node) and operand.type.shape == shape:
                cluster.append(operand.node)
    return cluster


def _fuse(graph: Graph, cluster: Sequence[Node]) -> None:
    root, members = cluster[0], set(cluster)
    outside = dict.fromkeys(o for node in cluster for o in node.operands if o.node is None or o.node not in members)
    inlined = [value for value in outside if _is_scalar_constant(value)]
    operands = [value for value in outside if not _is_scalar_constant(value)]
    region = _region(cluster, operands, inlined)
    types = (root.result.type,)
    fused = graph.append(Fused(1), tuple(operands), types, (region,), root.location, before=root)
    fused.result.name = root.result.name
    root.result.replace_all_uses_with(fused.result)
    for node in cluster:
        graph.erase(node)
    for value in inlined:
        if value.node is not None and value.node.is_dead:
            graph.erase(value.node)


def _is_scalar_constant(value: Value) -> bool:
    return value.node is not None and isinstance(value.node.op, Constant) and value.type.shape == ()


def _region(cluster: Sequence[Node], operands: Sequence[Value], inlined: Sequence[Value]) -> Graph:
    region = Graph("fused")
    values = {operand: region.add_input(operand.type) for operand in operands}
    members = set(cluster)
    nodes = [value.node for value in inlined if value.node is not None] + _in_order(cluster, members)
    for node in nodes:
        inner = tuple(values[o] for o in node.operands)
        copied = region.append(node.op, inner, [node.result.type], (), node.location)
        values[node.result] = copied.result
    region.set_outputs([values[cluster[0].result]])
    return region


def _in_order(cluster: Sequence[Node], members: set[Node]) -> list[Node]:
    """Producers before users: the cluster was found the other way round, level by level."""
    ordered: list[Node] = []
    waiting = {node: sum(1 for user in node.result.users if user in members) for node in cluster}
    ready = [cluster[0]]
    while ready:
        node = ready.pop()
        ordered.append(node)
        for producer in dict.fromkeys(o.node for o in node.operands if o.node is not None and o.node in members):
            waiting[producer] -= 1
            if not waiting[producer]:
                ready.append(producer)
    return ordered[::-1]
