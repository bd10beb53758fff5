"""Keeping the elements of the first complete pass in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from graphc.data.columns import ArrayColumn, Block
from graphc.data.node import Node, Routing
from graphc.data.plan import BlockStream, Plan
from graphc.data.structure import Leaves


class Cache(Routing):
    """The same elements in the same order at every pass after the first one that was iterated to its end.

    Of an index plan only the row numbers are kept. Other elements of one shape are stacked into columns, so
    that what follows (``shuffle``, ``batch``) runs on row numbers from then on.
    """

    name = "cache"

    def __init__(self, source: Node) -> None:
        super().__init__(source)
        self._blocks: list[Block] | None = None
        self._elements: list[Leaves] | None = None
        self._columns: Plan | None = None

    @property
    def cardinality(self) -> int:
        if self._elements is not None:
            return len(self._elements)
        return self._columns.length if self._columns else self.source.cardinality

    def plan(self) -> Plan | None:
        if self._columns is not None:
            return self._columns
        if self._elements is not None:
            return None
        plan = self.source.plan()
        if plan is None or plan.stream is None:
            return plan
        return plan.with_stream(partial(self._cached_blocks, plan))

    def _cached_blocks(self, plan: Plan) -> BlockStream:
        if self._blocks is not None:
            yield from self._blocks
            return
        blocks = []
        for block in plan.blocks():
            blocks.append(block)
            yield block
        self._blocks = blocks

    def stream(self) -> Iterator[Leaves]:
        if self._elements is not None:
            return iter(self._elements)
        return self._filling()

    def _filling(self) -> Iterator[Leaves]:
        elements = []
        for leaves in self.source.elements():
            elements.append(leaves)
            yield leaves
        self._columns = _stacked(elements)
        if self._columns is None:
            self._elements = elements


def _stacked(elements: Sequence[Leaves]) -> Plan | None:
    """The elements as columns; None unless each component has one shape and dtype throughout."""
    if not elements or not elements[0] or not all(map(_stackable, zip(*elements, strict=True))):
        return None
    columns = [np.stack(component) for component in zip(*elements, strict=True)]
    for column in columns:
        column.flags.writeable = False
    return Plan(tuple(map(ArrayColumn, columns)), len(elements))


def _stackable(component: Sequence[object]) -> bool:
    kinds = {(leaf.shape, leaf.dtype) if isinstance(leaf, np.ndarray) else None for leaf in component}
    return len(kinds) == 1 and None not in kinds
