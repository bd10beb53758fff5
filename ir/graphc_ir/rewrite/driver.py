"""Applies rewrites to a graph until none applies, always in the same order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from graphc_ir.builder import GraphBuilder
from graphc_ir.errors import GraphcError, PassError
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.liveness import is_removable
from graphc_ir.ops.base import using
from graphc_ir.rewrite.pattern import Match
from graphc_ir.rewrite.rule import Rewrite, RuleSet, rule_set

_FAN_OUT = 256  # indirect users: looking at more of them after each rewrite would make the driver quadratic


@dataclass
class Fuel:
    """How many rewrites may still be applied, and which ones were: the means to find the one that breaks a graph."""

    limit: int
    applied: list[str] = field(default_factory=list)

    @property
    def spent(self) -> bool:
        return len(self.applied) >= self.limit


class _Active(threading.local):
    fuel: Fuel | None = None


_active = _Active()


@contextmanager
def limited_rewrites(limit: int) -> Iterator[Fuel]:
    """Within the block, only the first ``limit`` rewrites of this thread are applied; the Fuel lists them."""
    outer, _active.fuel = _active.fuel, Fuel(limit)
    try:
        yield _active.fuel
    finally:
        _active.fuel = outer


def apply_rewrites(graph: Graph, rewrites: Sequence[Rewrite], max_growth: float = 4.0) -> dict[str, int]:
    """Rewrites until nothing matches; returns how often each rewrite was applied.

    Nodes that become dead are erased. Raises PassError when a rewrite gives another type than it replaces, and when
    the graph outgrows ``max_growth`` times its size or the rewrites do not come to an end.
    """
    return _Driver(graph, rule_set(tuple(rewrites)), max_growth).run()


class _Driver:
    def __init__(self, graph: Graph, rules: RuleSet, max_growth: float) -> None:
        self.graph = graph
        self.rules = rules
        self.counts: dict[str, int] = {}
        self.total = 0
        self.max_total = 100 + 16 * len(graph)
        self.max_size = 100 + int(max_growth * len(graph))
        self.queue: deque[Node] = deque(graph.nodes())
        self.waiting: set[Node] = set(self.queue)

    def run(self) -> dict[str, int]:
        queue, waiting, candidates = self.queue, self.waiting, self.rules.candidates
        while queue:
            node = queue.popleft()
            waiting.discard(node)
            if node.erased:
                continue
            for rewrite in candidates(node):
                if self._try(rewrite, node):
                    break
        return self.counts

    def _push(self, node: Node) -> None:
        if node not in self.waiting and node is not self.graph.terminator:
            self.waiting.add(node)
            self.queue.append(node)

    def _try(self, rewrite: Rewrite, node: Node) -> bool:
        fuel = _active.fuel
        if fuel is not None and fuel.spent:
            return False
        m = rewrite.match(node)
        if m is None:
            return False
        before = node.prev
        found = self._build(rewrite, m)
        if found is None:
            self._discard(before, node)
            return False
        self._replace(rewrite, node, found, before)
        self._count(rewrite)
        if fuel is not None:
            fuel.applied.append(rewrite.name)
        return True

    def _build(self, rewrite: Rewrite, m: Match) -> tuple[Value, ...] | None:
        builder = GraphBuilder(self.graph, before=m.root)
        builder.location = m.root.location
        try:
            with using(builder):
                found: Any = rewrite.build(m)
        except GraphcError as error:
            where = f"{m.root.op.name} [{m.root.location}]"
            raise PassError(f"rewrite {rewrite.name} failed at {where}: {error}") from error
        if found is None:
            return None
        return found if isinstance(found, tuple) else (found,)

    def _discard(self, before: Node | None, node: Node) -> None:
        for made in reversed(self._between(before, node)):
            self.graph.erase(made)

    def _between(self, before: Node | None, node: Node) -> list[Node]:
        made = []
        current = node.prev
        while current is not None and current is not before:
            made.append(current)
            current = current.prev
        return made[::-1]

    def _replace(self, rewrite: Rewrite, node: Node, found: tuple[Value, ...], before: Node | None) -> None:
        _check_types(rewrite, node, found)
        for made in self._between(before, node):
            self._push(made)
        for old, new in zip(node.results, found, strict=True):
            self._push_users(old)
            if new.node is not None:
                new.name = new.name or old.name
            old.replace_all_uses_with(new)
        self._erase(node)

    def _push_users(self, value: Value) -> None:
        """All nodes of which a pattern can reach down to this value."""
        level = list(value.users)
        for _ in range(self.rules.depth - 1):
            for user in level:
                self._push(user)
            level = [above for user in level for result in user.results for above in result.users]
            if len(level) > _FAN_OUT:
                return

    def _erase(self, node: Node) -> None:
        """Erases a replaced node and the operands' producers that are dead without it."""
        dead = [node]
        while dead:
            candidate = dead.pop()
            if candidate.erased:
                continue
            operands = candidate.operands
            self.graph.erase(candidate)
            dead += [o.node for o in dict.fromkeys(operands) if o.node is not None and self._is_garbage(o.node)]
            for operand in operands:
                if len(operand.users) == 1:  # rewrites that ask for a single use may apply now
                    self._push_users(operand)

    @staticmethod
    def _is_garbage(node: Node) -> bool:
        return not node.erased and is_removable(node)

    def _count(self, rewrite: Rewrite) -> None:
        self.counts[rewrite.name] = self.counts.get(rewrite.name, 0) + 1
        self.total += 1
        if self.total > self.max_total or len(self.graph) > self.max_size:
            often = sorted(self.counts, key=self.counts.__getitem__, reverse=True)[:3]
            raise PassError(f"rewrites of {self.graph.name} do not come to an end after {self.total} steps and "
                            f"{len(self.graph)} nodes; applied most: {', '.join(often)}")  # fmt: skip


def _check_types(rewrite: Rewrite, node: Node, found: tuple[Value, ...]) -> None:
    have, want = tuple(v.type for v in found), tuple(r.type for r in node.results)
    if have != want:
        raise PassError(f"rewrite {rewrite.name} replaces {', '.join(map(str, want))} of {node.op.name} by "
                        f"{', '.join(map(str, have))}; a rewrite keeps dtype and shape [{node.location}]")  # fmt: skip
