"""Datasets written as a Python class that gives one batch per index."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

__all__ = ["PyDataset", "Sequence"]


class PyDataset:
    """Batches by index, to be subclassed; ``fit``, ``evaluate`` and ``predict`` take it as ``x``.

    A subclass defines ``__getitem__(index)``, which returns the batch ``x``, ``(x, y)`` or
    ``(x, y, sample_weight)``, and ``__len__()``, the number of batches. It may define :attr:`num_batches` instead
    (None: endless), and :meth:`on_epoch_begin` and :meth:`on_epoch_end`.

    Args:
        workers: how many threads or processes may load batches at the same time.
        use_multiprocessing: processes instead of threads; the dataset must then be picklable.
        max_queue_size: how many batches may be loaded ahead.
    """

    # Class attributes, because subclasses need not call super().__init__().
    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """The batch at a position."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __getitem__(self, index) that returns a batch")

    @property
    def num_batches(self) -> int | None:
        """The number of batches; None if there is no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__} needs a method __len__(self) that returns the number of batches, "
            "or a property num_batches that returns None for an endless dataset"
        )

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        return map(self.__getitem__, itertools.count() if count is None else range(count))

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch, e.g. to shuffle."""


Sequence = PyDataset
