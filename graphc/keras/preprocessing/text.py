"""Texts as word numbers: the classes and functions that TF 2.0 programs use."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc_ir.errors import ArgumentError

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"]

Array: TypeAlias = NDArray[Any]
Analyzer: TypeAlias = Callable[[str], list[str]]
Text: TypeAlias = str | list[str]
"""A text, or its words."""

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_MODES = ("binary", "count", "tfidf", "freq")
_WORD_TABLES = ("word_counts", "word_docs", "word_index")
_NUMBER_TABLES = ("index_docs", "index_word")


def text_to_word_sequence(input_text: str, filters: str = _FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text, between the separators ``split``; the characters of ``filters`` separate as well."""
    text = input_text.lower() if lower else input_text
    separators: dict[str, str | int | None] = dict.fromkeys(filters, split)
    return [word for word in text.translate(str.maketrans(separators)).split(split) if word]


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | str | None = None,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Analyzer | None = None,
) -> list[int]:
    """A number from 1 to below ``n`` for each word; different words may share one.

    Args:
        hash_function: ``"md5"`` gives the same numbers in every process; None is Python's ``hash``, which does not.
        analyzer: splits the text, instead of :func:`text_to_word_sequence`.
    """
    number = _hash_function(hash_function)
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [number(word) % (n - 1) + 1 for word in words]


def _hash_function(given: Callable[[str], int] | str | None) -> Callable[[str], int]:
    if given is None:
        return hash
    if given == "md5":
        return _md5
    if isinstance(given, str):
        raise ArgumentError(f"hash_function={given!r}, expected a function, 'md5' or None")
    return given


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


def one_hot(
    input_text: str,
    n: int,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Analyzer | None = None,
) -> list[int]:
    """:func:`hashing_trick` with Python's ``hash``. Despite the name the result is a list of numbers."""
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


class Tokenizer:
    """Numbers words by how often they come: 1 is the most frequent, 0 no word.

    Call :meth:`fit_on_texts` first, then :meth:`texts_to_sequences` or :meth:`texts_to_matrix`.

    Args:
        num_words: only words with a number below it are kept; None keeps all.
        filters: characters that separate words.
        lower: whether to ignore case.
        split: the separator of words.
        char_level: numbers characters instead of words.
        oov_token: gets number 1 and stands for words that are unknown or not kept; None drops those.
        analyzer: splits texts, instead of :func:`text_to_word_sequence`.
        document_count: how many texts were counted before.
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = _FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Analyzer | None = None,
        document_count: int = 0,
    ) -> None:
        self.num_words = num_words
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.analyzer = analyzer
        self.document_count = document_count
        self.word_counts: Counter[str] = Counter()
        self.word_docs: Counter[str] = Counter()
        self.index_docs: Counter[int] = Counter()
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Text) -> Sequence[str]:
        if isinstance(text, list):
            return [word.lower() for word in text] if self.lower else text
        if self.char_level:
            return text.lower() if self.lower else text
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Text]) -> None:
        """Counts the words of texts, besides those counted before, and numbers them."""
        for text in texts:
            words = self._words(text)
            self.document_count += 1
            self.word_counts.update(words)
            self.word_docs.update(set(words))
        by_count = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        vocabulary = by_count if self.oov_token is None else [self.oov_token, *by_count]
        self.word_index = {word: number for number, word in enumerate(vocabulary, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Sequence[int]]) -> None:
        """Counts in how many sequences each number stands; for ``"tfidf"`` without texts."""
        self.document_count += len(sequences)
        for sequence in sequences:
            self.index_docs.update(set(sequence))

    def texts_to_sequences(self, texts: Iterable[Text]) -> list[list[int]]:
        """The word numbers of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Text]) -> Iterator[list[int]]:
        """As :meth:`texts_to_sequences`, one text at a time."""
        oov = None if self.oov_token is None else self.word_index.get(self.oov_token)
        for text in texts:
            numbers = (self._kept(self.word_index.get(word), oov) for word in self._words(text))
            yield [number for number in numbers if number is not None]

    def _kept(self, number: int | None, oov: int | None) -> int | None:
        if number is None or (self.num_words and number >= self.num_words):
            return oov
        return number

    def sequences_to_texts(self, sequences: Iterable[Sequence[int]]) -> list[str]:
        """The words of each sequence of numbers, joined by blanks."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Sequence[int]]) -> Iterator[str]:
        """As :meth:`sequences_to_texts`, one sequence at a time."""
        oov = None if self.oov_token is None else self.word_index.get(self.oov_token)
        for sequence in sequences:
            numbers = (self._kept(number if number in self.index_word else None, oov) for number in sequence)
            yield " ".join(self.index_word[number] for number in numbers if number is not None)

    def texts_to_matrix(self, texts: Iterable[Text], mode: str = "binary") -> Array:
        """One row per text; see :meth:`sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Sequence[Sequence[int]], mode: str = "binary") -> Array:
        """One row per sequence, one column per number, float64.

        Args:
            mode: ``"binary"`` (1 where the number occurs), ``"count"``, ``"freq"`` (the share of the sequence) or
                ``"tfidf"`` (the weight of rare words is higher).

        Raises:
            ArgumentError: an unknown mode, nothing was fitted, or nothing was counted for ``"tfidf"``.
        """
        if mode not in _MODES:
            raise ArgumentError(f"Unknown vectorization mode: {mode!r}, expected one of {', '.join(_MODES)}")
        columns = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        if not columns:
            raise ArgumentError("Specify a dimension (`num_words` argument), or fit on some text data first")
        if mode == "tfidf" and not self.document_count:
            raise ArgumentError("Fit the Tokenizer on some data before using tfidf mode")
        matrix = np.zeros((len(sequences), columns))
        for row, sequence in zip(matrix, sequences, strict=True):
            for number, count in Counter(sequence).items():
                if number < columns:
                    row[number] = self._weight(number, count, len(sequence), mode)
        return matrix

    def _weight(self, number: int, count: int, length: int, mode: str) -> float:
        if mode == "binary":
            return 1
        if mode == "count":
            return count
        if mode == "freq":
            return count / length
        documents = 1 + self.index_docs.get(number, 0)
        return float((1 + np.log(count)) * np.log(1 + self.document_count / documents))

    def get_config(self) -> dict[str, Any]:
        """The settings and the tables, these as JSON texts."""
        settings = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        config: dict[str, Any] = {name: getattr(self, name) for name in settings}
        return config | {name: json.dumps(getattr(self, name)) for name in (*_WORD_TABLES, *_NUMBER_TABLES)}

    def to_json(self, **kwargs: Any) -> str:
        """The tokenizer as JSON, for :func:`tokenizer_from_json`. ``kwargs`` go to ``json.dumps``."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that :meth:`Tokenizer.to_json` (or Keras's) wrote."""
    config = json.loads(json_string)["config"]
    tables = {name: json.loads(config.pop(name)) for name in (*_WORD_TABLES, *_NUMBER_TABLES)}
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts = Counter(tables["word_counts"])
    tokenizer.word_docs = Counter(tables["word_docs"])
    tokenizer.word_index = tables["word_index"]
    tokenizer.index_docs = Counter({int(number): count for number, count in tables["index_docs"].items()})
    tokenizer.index_word = {int(number): word for number, word in tables["index_word"].items()}
    return tokenizer
