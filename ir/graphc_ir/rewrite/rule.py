"""Rewrites: a pattern, a check and what to put in its place, written with the ops' own public functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from graphc_ir.errors import ArgumentError
from graphc_ir.graph import Node
from graphc_ir.ops.base import OPS, Op
from graphc_ir.rewrite.pattern import Match, P

Hazard = Literal["changes_rounding", "changes_zero_sign", "may_hide_nan", "may_hide_shape_error"]
HAZARDS: Final[tuple[Hazard, ...]] = get_args(Hazard)

REWRITES: Final[dict[str, Rewrite]] = {}
"""Every registered rewrite by its name."""


@dataclass(frozen=True)
class Rewrite:
    """Replaces what ``pattern`` matches by what ``build`` makes of the match.

    ``build`` runs with a graph builder right before the matched node and returns the new result (a tuple for several);
    None means that it does not apply after all. ``check`` returns a reason not to rewrite, or None. ``hazards``: in
    which ways the result may differ from the original.
    """

    name: str
    pattern: P
    build: Callable[[Match], Any]
    check: Callable[[Match], str | None] | None = None
    hazards: frozenset[Hazard] = frozenset()

    def match(self, node: Node) -> Match | None:
        """The match with this node as root, or None."""
        m = Match(node)
        return m if self.pattern.match_node(node, m, lambda: True) and self._refusal(m) is None else None

    def _refusal(self, m: Match) -> str | None:
        return None if self.check is None else self.check(m)

    def explain(self, node: Node) -> str:
        """Why the rewrite does not apply to this node: the attempt that came closest. Empty if it does apply."""
        if not isinstance(node.op, self.pattern.ops):
            return f"{self.name}: the node is {node.op.name}, the pattern wants {self.pattern.title}"
        m = Match(node, explaining=True)
        if self.pattern.match_node(node, m, lambda: True):
            refusal = self._refusal(m)
            return f"{self.name}: {refusal}" if refusal else ""
        return f"{self.name}: {m.closest[1] if m.closest else 'no match'}"


def rewrite_rule(
    pattern: P,
    *,
    name: str = "",
    check: Callable[[Match], str | None] | None = None,
    hazards: Iterable[Hazard] = (),
) -> Callable[[Callable[[Match], Any]], Rewrite]:
    """Makes a registered :class:`Rewrite` of the function below. Its name is the function's unless one is given.

    Raises ArgumentError for a name that is taken or an unknown hazard.
    """

    def register(build: Callable[[Match], Any]) -> Rewrite:
        return register_rewrite(Rewrite(name or build.__name__, pattern, build, check, frozenset(hazards)))

    return register


def register_rewrite(rewrite: Rewrite) -> Rewrite:
    """Makes a rewrite known by its name."""
    if rewrite.name in REWRITES:
        raise ArgumentError(f"there is a rewrite named {rewrite.name!r} already; choose another name")
    unknown = rewrite.hazards - set(HAZARDS)
    if unknown:
        raise ArgumentError(f"unknown hazards {sorted(unknown)} of {rewrite.name}; there are {', '.join(HAZARDS)}")
    REWRITES[rewrite.name] = rewrite
    return rewrite


class RuleSet:
    """Rewrites by the class of their root op, in the given order."""

    def __init__(self, rewrites: Sequence[Rewrite]) -> None:
        self.rewrites = tuple(rewrites)
        self._needs = {rewrite.name: rewrite.pattern.needs() for rewrite in rewrites}
        self.depth = max((rewrite.pattern.depth for rewrite in rewrites), default=1)
        self._by_op: dict[type[Op], list[tuple[Rewrite, tuple[frozenset[type[Op]], ...]]]] = {}

    def candidates(self, node: Node) -> list[Rewrite]:
        """The rewrites that may match with this node as root: operands are looked at, but only superficially."""
        entries = self._by_op.get(type(node.op))
        if entries is None:
            entries = self._by_op[type(node.op)] = self._entries(type(node.op))
        if not entries:
            return []
        made_by = {type(operand.node.op) for operand in node.operands if operand.node is not None}
        return [r for r, needs in entries if not any(need.isdisjoint(made_by) for need in needs)]

    def _entries(self, op: type[Op]) -> list[tuple[Rewrite, tuple[frozenset[type[Op]], ...]]]:
        return [(r, self._needs[r.name]) for r in self.rewrites if issubclass(op, r.pattern.ops)]


def rule_set(rewrites: tuple[Rewrite, ...]) -> RuleSet:
    """The rule set of these rewrites, made once for all the ops that exist now."""
    return _rule_set(rewrites, len(OPS))


@lru_cache(64)
def _rule_set(rewrites: tuple[Rewrite, ...], ops: int) -> RuleSet:
    return RuleSet(rewrites)
