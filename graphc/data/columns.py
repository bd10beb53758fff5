"""Random access to one component of many elements: what index plans gather from.

A block of row numbers is a ``range`` (contiguous or strided: fetched as a view where that is possible) or a
NumPy array of row numbers (fetched with one ``take``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Indices: TypeAlias = NDArray[np.intp]
Block: TypeAlias = range | Indices


def as_indices(block: Block) -> Indices:
    if isinstance(block, range):
        return np.arange(block.start, block.stop, block.step, dtype=np.intp)
    return block


class Column(Protocol):
    """The values of one component, addressed by row."""

    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row."""

    def __len__(self) -> int: ...

    def select(self, rows: range) -> Column:
        """The column of these rows, in this order (``rows`` ascends)."""

    def fetch(self, block: Block) -> Array:
        """The rows of a block, shape ``(len(block), *row_shape)``."""


class ArrayColumn:
    """Rows of an array along its first axis. The array is not copied: rows fetched in order are views of it,
    as long as they are contiguous in memory (what is fetched always is).
    """

    __slots__ = ("_array",)

    def __init__(self, array: Array) -> None:
        self._array = array

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._array.dtype

    @property
    def row_shape(self) -> tuple[int, ...]:
        return self._array.shape[1:]

    def __len__(self) -> int:
        return len(self._array)

    def select(self, rows: range) -> ArrayColumn:
        return ArrayColumn(self._array[rows.start : rows.stop : rows.step])

    def fetch(self, block: Block) -> Array:
        if isinstance(block, range):
            return np.ascontiguousarray(self._array[block.start : block.stop : block.step])
        if self._array.flags.c_contiguous:
            return self._array.take(block, axis=0)
        # ``take`` would first copy the whole array.
        return np.ascontiguousarray(self._array[block])


@dataclass(frozen=True, slots=True)
class RangeColumn:
    """Numbers of an arithmetic sequence, made when they are fetched."""

    values: range
    dtype: np.dtype[Any]

    @property
    def row_shape(self) -> tuple[int, ...]:
        return ()

    def __len__(self) -> int:
        return len(self.values)

    def select(self, rows: range) -> RangeColumn:
        return RangeColumn(self.values[rows.start : rows.stop : rows.step], self.dtype)

    def fetch(self, block: Block) -> Array:
        if isinstance(block, range):
            picked = self.values[block.start : block.stop : block.step]
            return np.arange(picked.start, picked.stop, picked.step, dtype=np.int64).astype(self.dtype, copy=False)
        return (block * self.values.step + self.values.start).astype(self.dtype, copy=False)


class ConcatColumn:
    """The rows of one column, then those of another with the same row shape and dtype."""

    __slots__ = ("_first", "_second")

    def __init__(self, first: Column, second: Column) -> None:
        self._first = first
        self._second = second

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._first.dtype

    @property
    def row_shape(self) -> tuple[int, ...]:
        return self._first.row_shape

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def select(self, rows: range) -> Column:
        split = len(self._first)
        head = range(rows.start, min(rows.stop, split), rows.step)
        tail = rows[len(head) :]
        first = self._first.select(head)
        second = self._second.select(range(tail.start - split, tail.stop - split, tail.step))
        return ConcatColumn(first, second)

    def fetch(self, block: Block) -> Array:
        split = len(self._first)
        if not isinstance(block, range):
            return self._fetch_mixed(block, split)
        if not block or block[-1] < split:
            return self._first.fetch(block)
        if block[0] >= split:
            return self._second.fetch(range(block.start - split, block.stop - split, block.step))
        return self._fetch_mixed(as_indices(block), split)

    def _fetch_mixed(self, indices: Indices, split: int) -> Array:
        in_first = indices < split
        rows = np.empty((len(indices), *self.row_shape), self.dtype)
        rows[in_first] = self._first.fetch(indices[in_first])
        rows[~in_first] = self._second.fetch(indices[~in_first] - split)
        return rows


def row_bytes(columns: Sequence[Column]) -> int:
    """The size of one row of all columns."""
    return sum(column.dtype.itemsize * int(np.prod(column.row_shape)) for column in columns)
