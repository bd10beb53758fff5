"""Index plans: a pipeline over random-access columns, kept as a stream of row numbers until rows are needed.

Shuffling, taking, repeating and the like only rearrange row numbers, in vectorised blocks. Rows are
gathered at the end, several batches with one ``take``, and handed out as views of what was gathered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import TypeAlias

import numpy as np

from graphc.data.columns import Array, Block, Column, as_indices, row_bytes
from graphc.data.structure import Leaves

BlockStream: TypeAlias = Iterator[Block]

CHUNK_BYTES = 64 * 1024
"""How much is gathered at once, unless one batch is more: enough that the fixed cost of a gather vanishes.

Arrays of 128 KiB and more are mapped and unmapped by the C allocator each time, and touching fresh pages
costs more than the gather itself; smaller ones also stay in the cache until the step reads them."""

MAX_BLOCK_ROWS = 8192
"""How many row numbers are computed at once, 64 KiB of them for the same reason."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Columns of equal length and the order in which their rows are visited.

    ``stream`` makes the blocks of row numbers of one pass; None visits every row once, in order.
    """

    columns: tuple[Column, ...]
    length: int
    stream: Callable[[], BlockStream] | None = None

    def blocks(self) -> BlockStream:
        return iter((range(self.length),)) if self.stream is None else self.stream()

    def with_stream(self, stream: Callable[[], BlockStream]) -> Plan:
        return Plan(self.columns, self.length, stream)

    def select(self, rows: range) -> Plan:
        """The plan of these rows in order; for plans without a stream."""
        return Plan(tuple(column.select(rows) for column in self.columns), len(rows))

    def elements(self) -> Iterator[Leaves]:
        rows = max(1, min(MAX_BLOCK_ROWS, CHUNK_BYTES // max(1, row_bytes(self.columns))))
        return chain.from_iterable(map(self._rows, regroup(self.blocks(), rows)))

    def _rows(self, block: Block) -> Iterator[Leaves]:
        return zip(*[iter_rows(column.fetch(block)) for column in self.columns], strict=True)

    def batches(self, batch_size: int, drop_remainder: bool) -> Iterator[Leaves]:
        """Consecutive groups of ``batch_size`` rows; the last may be smaller unless it is dropped."""
        batch_bytes = max(1, row_bytes(self.columns) * batch_size)
        count = max(1, min(CHUNK_BYTES // batch_bytes, MAX_BLOCK_ROWS // batch_size))
        chunks = regroup(self.blocks(), count * batch_size)
        if drop_remainder:
            chunks = map(partial(_whole_batches, batch_size), chunks)
        if count == 1:
            return map(self._fetch, filter(len, chunks))
        return chain.from_iterable(map(partial(self._split, batch_size), chunks))

    def _fetch(self, block: Block) -> Leaves:
        return tuple([column.fetch(block) for column in self.columns])

    def _split(self, batch_size: int, block: Block) -> Iterator[Leaves]:
        count, rest = divmod(len(block), batch_size)
        size = count * batch_size
        chunk = self._fetch(block)
        full = [rows[:size].reshape(count, batch_size, *rows.shape[1:]) for rows in chunk]
        batches = zip(*full, strict=True)
        return chain(batches, (tuple(rows[size:] for rows in chunk),)) if rest else batches


def _whole_batches(batch_size: int, block: Block) -> Block:
    return block[: len(block) // batch_size * batch_size]


def iter_rows(rows: Array) -> Iterator[Array]:
    """The rows of an array as arrays; iterating a one-dimensional array itself would make NumPy scalars."""
    if rows.ndim > 1:
        return iter(rows)
    return map(rows.__getitem__, zip(range(len(rows)), repeat(...)))


def regroup(blocks: Iterable[Block], rows: int) -> BlockStream:
    """The same row numbers in blocks of exactly ``rows``, the last one smaller."""
    pending: list[Block] = []
    missing = rows
    for block in blocks:
        start = 0
        while len(block) - start >= missing:
            yield _join([*pending, block[start : start + missing]])
            start += missing
            pending, missing = [], rows
        if start < len(block):
            pending.append(block[start:])
            missing -= len(block) - start
    if pending:
        yield _join(pending)


def _join(blocks: list[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate([as_indices(block) for block in blocks])


def take_blocks(make_blocks: Callable[[], BlockStream], count: int) -> BlockStream:
    """The first ``count`` row numbers; does not ask for a block more than these need."""
    blocks = make_blocks()
    while count > 0:
        block = next(blocks, None)
        if block is None:
            return
        yield block[:count]
        count -= len(block)


def skip_blocks(make_blocks: Callable[[], BlockStream], count: int) -> BlockStream:
    """All but the first ``count`` row numbers."""
    for block in make_blocks():
        if count < len(block):
            yield block[count:]
        count = max(0, count - len(block))


def shard_blocks(make_blocks: Callable[[], BlockStream], num_shards: int, index: int) -> BlockStream:
    """The row numbers at the positions ``index``, ``index + num_shards``, ..."""
    position = 0
    for block in make_blocks():
        yield block[(index - position) % num_shards :: num_shards]
        position += len(block)


def repeat_blocks(make_blocks: Callable[[], BlockStream], count: int) -> BlockStream:
    """``count`` passes, endlessly many if it is negative; ends after a pass without any row."""
    passes = repeat(None) if count < 0 else repeat(None, count)
    for _ in passes:
        seen = 0
        for block in make_blocks():
            seen += len(block)
            yield block
        if not seen:
            return


def concatenate_blocks(first: Callable[[], BlockStream], second: Callable[[], BlockStream], offset: int) -> BlockStream:
    """The row numbers of one stream, then those of the other moved by ``offset``."""
    yield from first()
    for block in second():
        if isinstance(block, range):
            yield range(block.start + offset, block.stop + offset, block.step)
        else:
            yield block + offset
