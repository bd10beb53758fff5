"""The passes that apply rewrites."""

from __future__ import annotations

from collections.abc import Iterable

from graphc_ir.errors import ArgumentError
from graphc_ir.graph import Graph
from graphc_ir.passes.algebra import ALGEBRA
from graphc_ir.passes.base import Pass, register_pass
from graphc_ir.passes.movement import MOVEMENT, SINKING
from graphc_ir.rewrite.driver import apply_rewrites
from graphc_ir.rewrite.rule import HAZARDS, REWRITES, Hazard, Rewrite

EXACT: tuple[Hazard, ...] = ("changes_zero_sign",)
"""What is taken to be harmless unless told otherwise: 0.0 and -0.0 compare equal."""


def permitted(rewrites: Iterable[Rewrite], hazards: Iterable[str]) -> tuple[Rewrite, ...]:
    """The rewrites that have no other hazards than these. Raises ArgumentError for an unknown hazard."""
    allowed = frozenset(hazards)
    unknown = allowed - set(HAZARDS)
    if unknown:
        raise ArgumentError(f"unknown hazard {sorted(unknown)[0]!r}; there are {', '.join(HAZARDS)}")
    return tuple(rewrite for rewrite in rewrites if rewrite.hazards <= allowed)


@register_pass
class Simplify(Pass):
    """Algebraic simplification, cancelling of reshapes, transposes, broadcasts and casts.

    ``allow``: the hazards of rewrites that may be applied (see :data:`graphc_ir.rewrite.HAZARDS`).
    """

    allow: tuple[str, ...] = EXACT

    def run(self, graph: Graph) -> bool:
        return bool(apply_rewrites(graph, permitted((*ALGEBRA, *MOVEMENT), self.allow)))


@register_pass
class Sink(Pass):
    """Moves transposes and reshapes past element-wise ops towards the results, and cancels those that meet."""

    def run(self, graph: Graph) -> bool:
        return bool(apply_rewrites(graph, (*SINKING, *MOVEMENT)))


@register_pass
class Rewrites(Pass):
    """Applies registered rewrites by name: ``Rewrites(("mul_one", "my_rewrite"))``, whatever their hazards.

    Raises ArgumentError for an unknown name.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        unknown = [name for name in self.names if name not in REWRITES]
        if unknown:
            known = ", ".join(sorted(REWRITES))
            raise ArgumentError(f"there is no rewrite named {unknown[0]!r}; registered are {known}")

    def run(self, graph: Graph) -> bool:
        return bool(apply_rewrites(graph, tuple(REWRITES[name] for name in self.names)))
