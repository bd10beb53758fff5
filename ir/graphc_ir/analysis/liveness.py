"""When values are alive, and how much memory that takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphc_ir.analysis.cost import CostModel
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.constant import Constant


@dataclass(frozen=True)
class Lifetime:
    """A buffer of ``bytes`` that is written at node number ``start`` and read last at ``end``.

    Inputs start at -1; what is an output ends after the last node. ``views`` are the values that share the buffer.
    """

    value: Value
    start: int
    end: int
    bytes: int
    views: tuple[Value, ...] = ()


def last_uses(graph: Graph) -> dict[Value, int]:
    """The number of the last node that reads each value: the node count for outputs, its own position if none does."""
    last: dict[Value, int] = dict.fromkeys(graph.inputs, -1)
    position = -1
    for position, node in enumerate(graph.nodes()):
        last.update(dict.fromkeys(node.results, position))
        last.update(dict.fromkeys(node.operands, position))
    last.update(dict.fromkeys(graph.outputs, position + 1))
    return last


def storage_roots(graph: Graph) -> dict[Value, Value]:
    """For every value, the value whose buffer it reads: itself, or the origin of a chain of views."""
    roots: dict[Value, Value] = {value: value for value in graph.inputs}
    for node in graph.nodes():
        shared = node.op.is_view and bool(node.operands)
        for result in node.results:
            roots[result] = roots[node.operands[0]] if shared else result
    return roots


def lifetimes(graph: Graph, sizes: Mapping[str, int] | None = None) -> list[Lifetime]:
    """One lifetime per buffer, in order of definition. Symbolic dims without a size count as 1."""
    model = CostModel(sizes, default=1)
    last, roots = last_uses(graph), storage_roots(graph)
    starts: dict[Value, int] = dict.fromkeys(graph.inputs, -1)
    for position, node in enumerate(graph.nodes()):
        starts.update(dict.fromkeys(node.results, position))
    views: dict[Value, list[Value]] = {}
    for value, root in roots.items():
        views.setdefault(root, []).append(value)
    return [_lifetime(model, root, shared, starts, last) for root, shared in views.items()]


def _lifetime(
    model: CostModel, root: Value, shared: list[Value], starts: dict[Value, int], last: dict[Value, int]
) -> Lifetime:
    size = model.bytes_of(root.type)
    assert isinstance(size, int)
    return Lifetime(root, starts[root], max(last[v] for v in shared), size, tuple(v for v in shared if v is not root))


def peak_bytes(graph: Graph, sizes: Mapping[str, int] | None = None, inputs: bool = True) -> int:
    """The most memory alive at once when nodes run in order and buffers are freed after their last use.

    Constants count all the time; ``inputs=False`` leaves out what the caller owns.
    """
    changes: dict[int, int] = {}
    fixed = 0
    for life in lifetimes(graph, sizes):
        if life.value.node is not None and isinstance(life.value.node.op, Constant):
            fixed += life.bytes
        elif inputs or life.start >= 0:
            changes[life.start] = changes.get(life.start, 0) + life.bytes
            changes[life.end + 1] = changes.get(life.end + 1, 0) - life.bytes
    alive = peak = 0
    for position in sorted(changes):
        alive += changes[position]
        peak = max(peak, alive)
    return peak + fixed
