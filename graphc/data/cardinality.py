"""Arithmetic on the number of elements of a dataset: an int >= 0, INFINITE or UNKNOWN."""

from __future__ import annotations

from collections.abc import Iterable

INFINITE = -1
UNKNOWN = -2


def is_finite(cardinality: int) -> bool:
    return cardinality >= 0


def take(cardinality: int, count: int) -> int:
    """Of the first ``count`` elements; a negative ``count`` keeps all."""
    if count < 0 or count == 0:
        return cardinality if count else 0
    if cardinality == INFINITE:
        return count
    return min(cardinality, count) if is_finite(cardinality) else UNKNOWN


def skip(cardinality: int, count: int) -> int:
    """Of what is left after ``count`` elements; a negative ``count`` skips all."""
    if count < 0:
        return 0
    return max(cardinality - count, 0) if is_finite(cardinality) else cardinality


def repeat(cardinality: int, count: int) -> int:
    """Of ``count`` passes; a negative ``count`` repeats forever."""
    if count == 0 or cardinality == 0:
        return 0
    if count < 0:
        # Whether an unknown dataset has any element at all decides, so it stays unknown.
        return UNKNOWN if cardinality == UNKNOWN else INFINITE
    return cardinality * count if is_finite(cardinality) else cardinality


def batch(cardinality: int, batch_size: int, drop_remainder: bool) -> int:
    if not is_finite(cardinality):
        return cardinality
    return cardinality // batch_size if drop_remainder else -(-cardinality // batch_size)


def shard(cardinality: int, num_shards: int, index: int) -> int:
    if not is_finite(cardinality):
        return cardinality
    return len(range(index, cardinality, num_shards))


def window(cardinality: int, span: int, shift: int, drop_remainder: bool) -> int:
    if not is_finite(cardinality):
        return cardinality
    return max(0, (cardinality - span) // shift + 1) if drop_remainder else -(-cardinality // shift)


def concatenate(first: int, second: int) -> int:
    if INFINITE in (first, second):
        return INFINITE
    return UNKNOWN if UNKNOWN in (first, second) else first + second


def shortest(cardinalities: Iterable[int]) -> int:
    """Of datasets that are zipped: the shortest ends them all."""
    known = list(cardinalities)
    if UNKNOWN in known:
        return UNKNOWN
    return min((c for c in known if is_finite(c)), default=INFINITE)
