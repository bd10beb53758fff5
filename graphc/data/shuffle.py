"""Shuffling with a bounded buffer, on row numbers (vectorised) and on elements; both give the same order.

The buffer holds ``buffer_size`` inputs. Each step draws a slot, emits what stands there and puts the next
input in its place; when the input ends, the rest of the buffer leaves in a uniformly random order. An
element thus leaves at position t only if it is among the first ``t + buffer_size`` inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc.data.columns import Block, Indices, as_indices
from graphc.data.plan import MAX_BLOCK_ROWS, BlockStream
from graphc.data.structure import Leaves

SeedProvider: TypeAlias = Callable[[], int | None]

DRAWS = 4096
"""Slots are drawn in multiples of this, so that a stream does not depend on how it is asked for."""


def _no_global_seed() -> None:
    return None


_seed_provider: SeedProvider = _no_global_seed


def set_global_seed_provider(provider: SeedProvider) -> None:
    """Names the function that gives a fresh seed derived from the global seed, or None where none is set.

    It is called once for each dataset that is made with ``seed=None`` and needs randomness.
    """
    global _seed_provider
    _seed_provider = provider


def global_seed() -> int | None:
    """A fresh seed derived from the global one; None where none is set."""
    return _seed_provider()


class EpochSeeds:
    """One independent generator per pass, reproducible from the seed of the dataset.

    Args:
        seed: where the randomness starts; None takes the global seed, or fresh entropy where none is set.
        vary: False gives every pass the same generator.
    """

    def __init__(self, seed: int | None, vary: bool) -> None:
        start = global_seed() if seed is None else seed
        self._entropy = np.random.SeedSequence().entropy if start is None else start % (1 << 64)
        self._vary = vary
        self.epoch = 0

    def next_generator(self) -> np.random.Generator:
        sequence = np.random.SeedSequence(self._entropy, spawn_key=(self.epoch,))
        self.epoch += self._vary
        return np.random.Generator(np.random.PCG64(sequence))


class SlotDraws:
    """An endless stream of uniform slots in ``[0, buffer_size)``, the same however it is divided."""

    def __init__(self, generator: np.random.Generator, buffer_size: int) -> None:
        self._generator = generator
        self._buffer_size = buffer_size
        self._left: NDArray[np.uint32] = np.empty(0, np.uint32)

    def take(self, count: int) -> NDArray[np.uint32]:
        missing = count - len(self._left)
        if missing > 0:
            self._left = np.concatenate([self._left, self._draw(-(-missing // DRAWS) * DRAWS)])
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def __iter__(self) -> Iterator[int]:
        while True:
            yield from self.take(DRAWS).tolist()

    def _draw(self, count: int) -> NDArray[np.uint32]:
        return self._generator.integers(0, self._buffer_size, count, np.uint32)


def shuffle_blocks(blocks: BlockStream, buffer_size: int, generator: np.random.Generator) -> BlockStream:
    """Shuffles row numbers. Memory: the buffer and one block."""
    filled, rest = _fill(blocks, buffer_size)
    draws = SlotDraws(generator, buffer_size)
    for block in chain(rest, blocks):
        for start in range(0, len(block), MAX_BLOCK_ROWS):
            incoming = as_indices(block[start : start + MAX_BLOCK_ROWS])
            yield exchange(filled, incoming, draws.take(len(incoming)))
    if len(filled):
        yield filled[generator.permutation(len(filled))]


def _fill(blocks: BlockStream, buffer_size: int) -> tuple[Indices, list[Block]]:
    """The first ``buffer_size`` row numbers, and what is left of the block that filled the buffer."""
    parts: list[Indices] = []
    missing = buffer_size
    for block in blocks:
        parts.append(as_indices(block[:missing]))
        if len(block) >= missing:
            return np.concatenate(parts), [block[missing:]]
        missing -= len(block)
    return np.concatenate(parts) if parts else np.empty(0, np.intp), []


def exchange(buffer: Indices, incoming: Indices, slots: NDArray[np.uint32]) -> Indices:
    """Puts each incoming row number into its slot, one after the other, and returns what stood there before.

    ``buffer`` (size B) is updated in place; ``incoming`` and ``slots`` have n entries, as the result has.
    """
    if not len(incoming):
        return incoming
    # Sorted stably by slot, each incoming number pushes out its left neighbour; the first one of a slot
    # pushes out what was in the buffer, and the last one stays there.
    order = sort_slots(slots, len(buffer))
    by_slot = slots.take(order)
    changes = np.flatnonzero(by_slot[1:] != by_slot[:-1])
    first = np.concatenate(([0], changes + 1))
    last = np.append(changes, len(order) - 1)
    used = by_slot.take(first)
    arriving = incoming.take(order)
    leaving = np.empty_like(arriving)
    leaving[1:] = arriving[:-1]
    leaving[first] = buffer.take(used)
    buffer[used] = arriving.take(last)
    emitted = np.empty_like(leaving)
    emitted[order] = leaving
    return emitted


def sort_slots(slots: NDArray[np.uint32], buffer_size: int) -> Indices:
    """A stable argsort, by 16-bit digits because NumPy sorts 16-bit integers by radix: linear and many times
    faster than its stable sort of wider ones.
    """
    order = np.argsort(slots.astype(np.uint16), kind="stable")
    if buffer_size <= 1 << 16:
        return order
    high = (slots >> 16).astype(np.uint16)
    return order.take(np.argsort(high.take(order), kind="stable"))


def shuffle_elements(elements: Iterator[Leaves], buffer_size: int, generator: np.random.Generator) -> Iterator[Leaves]:
    """Shuffles elements one by one. Memory: ``buffer_size`` elements."""
    buffer: list[Any] = list(islice(elements, buffer_size))
    for element, slot in zip(elements, SlotDraws(generator, buffer_size), strict=False):
        yield buffer[slot]
        buffer[slot] = element
    for slot in generator.permutation(len(buffer)).tolist():
        yield buffer[slot]
