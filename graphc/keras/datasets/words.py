"""Texts as lists of word ranks: how IMDB and Reuters hand them out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from graphc.keras.datasets.storage import Array
from graphc.keras.utils.errors import CorruptFileError
from graphc_ir.errors import ArgumentError

__all__ = ["Encoding", "read_word_index"]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How word ranks become the numbers of a text.

    ``index_from`` is added to each rank, and ``start_char`` (unless None) put before each text. Texts of ``maxlen``
    words or more are left out. Of the numbers, those from ``skip_top`` to below ``num_words`` (None: all below the
    largest) stay; the others become ``oov_char``, or vanish where it is None.
    """

    num_words: int | None
    skip_top: int
    maxlen: int | None
    start_char: int | None
    oov_char: int | None
    index_from: int

    def shift(self, texts: Iterable[Sequence[int]], labels: Array) -> tuple[list[list[int]], Array]:
        """The texts with start and offset, and the labels of those that are short enough.

        Raises ArgumentError if no text is.
        """
        start = [] if self.start_char is None else [self.start_char]
        shifted = [start + [rank + self.index_from for rank in text] for text in texts]
        if not self.maxlen:
            return shifted, labels
        kept = [index for index, text in enumerate(shifted) if len(text) < self.maxlen]
        if not kept:
            raise ArgumentError(f"maxlen={self.maxlen}: no text is shorter than that; raise maxlen")
        return [shifted[index] for index in kept], labels[kept]

    def limit(self, texts: list[list[int]]) -> Array:
        """The texts with the words that are kept, an array of lists."""
        top = self.num_words or max(chain.from_iterable(texts), default=0)
        limited = np.empty(len(texts), object)
        for index, text in enumerate(texts):
            limited[index] = self._limit_text(text, top)
        return limited

    def _limit_text(self, text: list[int], top: int) -> list[int]:
        low, other = self.skip_top, self.oov_char
        if other is None:
            return [word for word in text if low <= word < top]
        return [word if low <= word < top else other for word in text]


def read_word_index(path: Path) -> dict[str, int]:
    """The rank of each word. Raises CorruptFileError if the file is no such JSON file."""
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CorruptFileError(f"{path} is no JSON file ({error}); delete it and load it again") from error
    if not isinstance(index, dict):
        raise CorruptFileError(f"{path} holds no JSON object of words; delete it and load it again")
    return index
