"""Stages that choose and reorder elements without looking at them. On index plans they only move row
numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, count, islice, repeat

import numpy as np
from optree import PyTreeSpec

from graphc.data import cardinality
from graphc.data import plan as plans
from graphc.data.columns import Column, ConcatColumn, RangeColumn
from graphc.data.errors import AssertedCardinalityError
from graphc.data.node import Node, Routing
from graphc.data.plan import BlockStream, Plan
from graphc.data.shuffle import EpochSeeds, shuffle_blocks, shuffle_elements
from graphc.data.structure import (
    LEAF,
    ArraySpec,
    LeafSpec,
    Leaves,
    check_same_structure,
    leaf_names,
    merge_specs,
    pair,
    unflatten_nested,
)

_INT64 = np.dtype(np.int64)


class Take(Routing):
    name = "take"

    def __init__(self, source: Node, size: int) -> None:
        super().__init__(source)
        self._size = size

    @property
    def cardinality(self) -> int:
        return cardinality.take(self.source.cardinality, self._size)

    def plan(self) -> Plan | None:
        plan = self.source.plan()
        if plan is None or self._size < 0:
            return plan
        if plan.stream is None:
            return plan.select(range(min(self._size, plan.length)))
        return plan.with_stream(partial(plans.take_blocks, plan.blocks, self._size))

    def stream(self) -> Iterator[Leaves]:
        elements = self.source.elements()
        return elements if self._size < 0 else islice(elements, self._size)


class Skip(Routing):
    name = "skip"

    def __init__(self, source: Node, size: int) -> None:
        super().__init__(source)
        self._size = sys.maxsize if size < 0 else size

    @property
    def cardinality(self) -> int:
        if self._size == sys.maxsize:
            return 0
        return cardinality.skip(self.source.cardinality, self._size)

    def plan(self) -> Plan | None:
        plan = self.source.plan()
        if plan is None:
            return None
        if plan.stream is None:
            return plan.select(range(min(self._size, plan.length), plan.length))
        return plan.with_stream(partial(plans.skip_blocks, plan.blocks, self._size))

    def stream(self) -> Iterator[Leaves]:
        if self._size == sys.maxsize:
            return iter(())
        return islice(self.source.elements(), self._size, None)


class Shard(Routing):
    name = "shard"

    def __init__(self, source: Node, num_shards: int, index: int) -> None:
        super().__init__(source)
        self._num_shards = num_shards
        self._index = index

    @property
    def cardinality(self) -> int:
        return cardinality.shard(self.source.cardinality, self._num_shards, self._index)

    def plan(self) -> Plan | None:
        plan = self.source.plan()
        if plan is None:
            return None
        if plan.stream is None:
            return plan.select(range(plan.length)[self._index :: self._num_shards])
        return plan.with_stream(partial(plans.shard_blocks, plan.blocks, self._num_shards, self._index))

    def stream(self) -> Iterator[Leaves]:
        return islice(self.source.elements(), self._index, None, self._num_shards)


class Repeat(Routing):
    name = "repeat"

    def __init__(self, source: Node, passes: int) -> None:
        super().__init__(source)
        self._passes = passes

    @property
    def cardinality(self) -> int:
        return cardinality.repeat(self.source.cardinality, self._passes)

    def plan(self) -> Plan | None:
        plan = self.source.plan()
        return plan and plan.with_stream(partial(plans.repeat_blocks, plan.blocks, self._passes))

    def stream(self) -> Iterator[Leaves]:
        passes = repeat(None) if self._passes < 0 else repeat(None, self._passes)
        for _ in passes:
            elements = self.source.elements()
            first = list(islice(elements, 1))
            if not first:
                return
            yield from chain(first, elements)

    @property
    def resumable(self) -> bool:
        return False


class Shuffle(Routing):
    name = "shuffle"
    seeds: EpochSeeds

    def __init__(self, source: Node, buffer_size: int, seed: int | None, reshuffle: bool) -> None:
        super().__init__(source)
        self._buffer_size = buffer_size
        self.seeds = EpochSeeds(seed, reshuffle)

    def plan(self) -> Plan | None:
        plan = self.source.plan()
        return plan and plan.with_stream(partial(self._blocks, plan))

    def _blocks(self, plan: Plan) -> BlockStream:
        return shuffle_blocks(plan.blocks(), self._buffer_size, self.seeds.next_generator())

    def stream(self) -> Iterator[Leaves]:
        return shuffle_elements(self.source.elements(), self._buffer_size, self.seeds.next_generator())

    @property
    def resumable(self) -> bool:
        return False


class Prefetch(Routing):
    """Hands its input on. Rows in memory are gathered faster than a thread could hand them over, and user
    functions run in the thread that iterates, where their tapes and traces are.
    """

    name = "prefetch"

    def plan(self) -> Plan | None:
        return self.source.plan()

    def stream(self) -> Iterator[Leaves]:
        return self.source.elements()


class AssertCardinality(Routing):
    """The same elements, which must be as many as said."""

    name = "assert_cardinality"

    def __init__(self, source: Node, expected: int) -> None:
        super().__init__(source)
        self._expected = expected

    @property
    def cardinality(self) -> int:
        return self._expected

    def stream(self) -> Iterator[Leaves]:
        received = 0
        for leaves in self.source.elements():
            if received == self._expected:
                raise AssertedCardinalityError(self._message(f"more than {self._expected}"))
            received += 1
            yield leaves
        if received != self._expected != cardinality.INFINITE:
            raise AssertedCardinalityError(self._message(str(received)))

    def _message(self, received: str) -> str:
        return f"assert_cardinality: the dataset gave {received} elements, expected {self._expected}"

    @property
    def resumable(self) -> bool:
        return False


class Enumerate(Routing):
    """Pairs of an int64 position and the element."""

    name = "enumerate"

    def __init__(self, source: Node, start: int) -> None:
        super().__init__(source)
        self._start = start

    @property
    def treedef(self) -> PyTreeSpec:
        return unflatten_nested(pair(LEAF, LEAF), [LEAF, self.source.treedef])

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        return (ArraySpec((), _INT64), *self.source.leaf_specs)

    def plan(self) -> Plan | None:
        plan = self.source.plan()
        if plan is None or plan.stream is not None:
            return None
        positions = RangeColumn(range(self._start, self._start + plan.length), _INT64)
        return Plan((positions, *plan.columns), plan.length)

    def stream(self) -> Iterator[Leaves]:
        return map(_prepend, count(self._start), self.source.elements())


def _prepend(position: int, leaves: Leaves) -> Leaves:
    return (np.array(position, _INT64), *leaves)


class Concatenate(Node):
    name = "concatenate"

    def __init__(self, first: Node, second: Node) -> None:
        self.first = first
        self.second = second
        self.inputs = (first, second)

    def check(self) -> None:
        """Raises StructureError unless both datasets have the same structure and dtypes."""
        check_same_structure(self.first.treedef, self.second.treedef, "concatenate")
        _ = self.leaf_specs

    @property
    def treedef(self) -> PyTreeSpec:
        return self.first.treedef

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        names = (f"concatenate: {name}" for name in leaf_names(self.treedef))
        return tuple(map(merge_specs, self.first.leaf_specs, self.second.leaf_specs, names))

    @property
    def cardinality(self) -> int:
        return cardinality.concatenate(self.first.cardinality, self.second.cardinality)

    def plan(self) -> Plan | None:
        first, second = self.first.plan(), self.second.plan()
        if first is None or second is None or not _same_rows(first, second):
            return None
        columns = tuple(map(ConcatColumn, first.columns, second.columns))
        length = first.length + second.length
        if first.stream is None and second.stream is None:
            return Plan(columns, length)
        return Plan(columns, length, partial(plans.concatenate_blocks, first.blocks, second.blocks, first.length))

    def stream(self) -> Iterator[Leaves]:
        yield from self.first.elements()
        elements = self.second.elements()
        for leaves in islice(elements, 1):
            check_same_structure(self.first.treedef, self.second.treedef, "concatenate")
            yield leaves
        yield from elements


def _same_rows(first: Plan, second: Plan) -> bool:
    kinds = [[(column.row_shape, column.dtype) for column in plan.columns] for plan in (first, second)]
    return kinds[0] == kinds[1]


class Zip(Node):
    """Elements of several datasets side by side; ends with the shortest.

    ``outer`` is the structure in which the sources stand.
    """

    name = "zip"

    def __init__(self, outer: PyTreeSpec, sources: Sequence[Node]) -> None:
        self.inputs = tuple(sources)
        self._outer = outer

    @property
    def treedef(self) -> PyTreeSpec:
        return unflatten_nested(self._outer, [source.treedef for source in self.inputs])

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        return tuple(chain.from_iterable(source.leaf_specs for source in self.inputs))

    @property
    def cardinality(self) -> int:
        return cardinality.shortest(source.cardinality for source in self.inputs)

    def plan(self) -> Plan | None:
        columns: list[Column] = []
        lengths = []
        for source in self.inputs:
            plan = source.plan()
            if plan is None or plan.stream is not None:
                return None
            columns.extend(plan.columns)
            lengths.append(plan.length)
        rows = range(min(lengths))
        return Plan(tuple(column.select(rows) for column in columns), len(rows))

    def stream(self) -> Iterator[Leaves]:
        return map(_join, zip(*[source.elements() for source in self.inputs], strict=False))


def _join(parts: tuple[Leaves, ...]) -> Leaves:
    return tuple(chain.from_iterable(parts))
