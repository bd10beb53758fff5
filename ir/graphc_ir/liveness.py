"""Which nodes a graph can do without."""

from __future__ import annotations

from collections.abc import Iterable

from graphc_ir.dims import Dim, DimExpr, free_symbols
from graphc_ir.graph import Graph, Node, Value

__all__ = ["erase_removable", "is_removable"]


def is_removable(node: Node) -> bool:
    """Whether nobody misses the node: it is pure, its results have no users, and no size is read from them.

    A size that depends on data is known from the shape of the result that introduces it. Another node may need that
    size, as the result of ``tf.shape`` does, and not the elements.
    """
    return node.is_dead and node.is_pure and not _gives_a_size(node)


def erase_removable(graph: Graph) -> None:
    """Erases all nodes that nobody misses."""
    for node in graph.nodes_reversed():
        if is_removable(node):
            graph.erase(node)


def _gives_a_size(node: Node) -> bool:
    if not node.op.makes_sizes:
        return False
    introduced = _symbols_of(node.results) - _symbols_of((*node.operands, *node.graph.inputs))
    after = node.next if introduced else None
    while after is not None:
        if introduced & _symbols_read(after):
            return True
        after = after.next
    return False


def _symbols_of(values: Iterable[Value]) -> set[str]:
    return _symbols_in(dim for value in values for dim in value.type.shape)


def _symbols_in(sizes: Iterable[Dim]) -> set[str]:
    return {symbol for dim in sizes if isinstance(dim, DimExpr) for symbol in free_symbols(dim)}


def _symbols_read(node: Node) -> set[str]:
    """The symbols in a node's attributes and result types, and in those of its regions."""
    found = _symbols_of(node.results)
    found |= _symbols_in(d for a in node.op.attributes().values() if isinstance(a, tuple) for d in a)
    for region in node.regions:
        for inner in region.nodes():
            found |= _symbols_read(inner)
    return found
