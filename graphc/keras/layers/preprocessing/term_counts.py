"""Which terms occur in data, how often, and in how many documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from graphc_ir.ops.base import Array

__all__ = ["TermCounts"]


class TermCounts:
    """Counts over documents, each a sequence of terms."""

    def __init__(self) -> None:
        self._terms: Counter[Any] = Counter()
        self._documents: Counter[Any] = Counter()
        self._count = 0

    def add(self, documents: Iterable[Sequence[Any]]) -> None:
        """Counts the terms of more documents."""
        for terms in documents:
            found = Counter(terms)
            self._terms.update(found)
            self._documents.update(found.keys())
            self._count += 1

    def most_common(self, limit: int | None, without: Iterable[Any]) -> list[Any]:
        """The ``limit`` most frequent terms, most frequent first; of equally frequent ones the last in order first."""
        hidden = set(without)
        counted = ((count, term) for term, count in self._terms.items() if term not in hidden)
        return [term for _, term in sorted(counted, reverse=True)[:limit]]

    def inverse_frequencies(self, terms: Sequence[Any]) -> Array:
        """For each term, ``log(1 + documents / (1 + documents with it))``."""
        having = np.array([self._documents[term] for term in terms], np.float64)
        return np.asarray(np.log(1 + self._count / (1 + having)))
