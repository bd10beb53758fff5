"""How often a while loop runs, where that can be told before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from graphc_ir.evaluate import evaluate_bound
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import Array

LIMIT = 10_000
"""Loops that run longer count as unknown: finding out would take too long."""


def trip_count(condition: Graph, body: Graph, start: Sequence[Array | None]) -> int | None:
    """The number of rounds, or None if it depends on what is only known at run time.

    Both regions take the carries, then the constants; ``start`` holds their values as far as they are known. Only what
    the condition depends on is computed, usually a counter.
    """
    needed = _needed_inputs(condition, body)
    if needed is None or any(start[i] is None for i in needed):
        return None
    test, carries = _slice(condition, [condition.outputs[0]]), [i for i in needed if i < len(body.outputs)]
    step = _slice(body, [body.outputs[i] for i in carries])
    values = [np.asarray(0) if v is None else v for v in start]
    for trips in range(LIMIT + 1):
        if not evaluate_bound(test, values, {})[0]:
            return trips
        for i, array in zip(carries, evaluate_bound(step, values, {}), strict=True):
            values[i] = array
    return None


def _needed_inputs(condition: Graph, body: Graph) -> list[int] | None:
    """The inputs that the condition depends on, over any number of rounds; None if something there is not static."""
    needed = _ancestors(condition.outputs[:1])
    seen: set[int] = set()
    while needed is not None and not needed <= seen:
        fresh = [i for i in needed - seen if i < len(body.outputs)]
        seen |= needed
        more = _ancestors(body.outputs[i] for i in fresh)
        needed = None if more is None else needed | more
    return None if needed is None else sorted(needed)


def _ancestors(values: Iterable[Value]) -> set[int] | None:
    """Numbers of the graph inputs that values depend on; None if a size on the way is symbolic or an op is impure."""
    found: set[int] = set()
    visited: set[Value] = set()
    pending = list(values)
    while pending:
        value = pending.pop()
        if value in visited:
            continue
        visited.add(value)
        if not value.type.is_static or (value.op is not None and (value.op.has_open_sizes or not value.op.is_pure)):
            return None
        if value.node is None:
            found.add(value.index)
        else:
            pending += value.node.operands
    return found


def _slice(graph: Graph, outputs: Sequence[Value]) -> Graph:
    """A copy that computes only these outputs."""
    positions = {value: i for i, value in enumerate(graph.outputs)}
    result = graph.copy()
    result.set_outputs([result.outputs[positions[value]] for value in outputs])
    for node in result.nodes_reversed():
        if node.is_dead:
            result.erase(node)
    return result
