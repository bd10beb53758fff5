"""Data that layers learn from in ``adapt``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from graphc.tensor import Tensor

__all__ = ["batches_of"]


def batches_of(data: Any, steps: int | None = None) -> Iterator[Any]:
    """The batches of a data set, a generator or a sequence object as NumPy arrays; other data is one batch.

    Of batches that are tuples, the first item is taken. ``steps`` limits their number.
    """
    for i, batch in enumerate(_raw(data)):
        if steps is not None and i >= steps:
            return
        first = batch[0] if isinstance(batch, tuple) else batch
        yield first.numpy() if isinstance(first, Tensor) else np.asarray(first)


def _raw(data: Any) -> Iterable[Any]:
    if isinstance(data, (Tensor, np.ndarray, list, tuple, str)):
        return [data if isinstance(data, Tensor) else np.asarray(data)]
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return (data[i] for i in range(len(data)))
    return iter(data) if isinstance(data, Iterable) else [data]
