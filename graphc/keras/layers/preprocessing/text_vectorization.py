"""TextVectorization: texts as sequences of indices, or as vectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.layers.arguments import integer, one_of
from graphc.keras.layers.preprocessing.adapting import batches_of
from graphc.keras.layers.preprocessing.index_lookup import OUTPUT_MODES
from graphc.keras.layers.preprocessing.string_lookup import StringLookup
from graphc.keras.layers.preprocessing.strings import StringLayer, as_strings
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Array, lift

__all__ = ["TextVectorization"]

_PUNCTUATION: Final = re.compile(r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']""")
_STANDARDIZE: Final = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
_SPLIT: Final = ("whitespace", "character")


class TextVectorization(StringLayer):
    """Cleans texts, splits them into tokens and looks those up in a vocabulary, which is given or learnt by
    :meth:`adapt` (most frequent first).

    ``standardize``: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a function of an array of
    strings. ``split``: "whitespace", "character", None (a text is one token), or a function of an array of strings that
    gives a list of lists. ``ngrams``: up to how many tokens in a row, or which numbers of them, count as tokens of
    their own. ``output_mode``: "int" (indices, 0 behind the end, 1 for unknown tokens, ``output_sequence_length`` of
    them if given, else as many as the longest text has), or vectors as in :class:`IntegerLookup`.

    Strings are no part of graphs: apply the layer to data before the model, e.g. in ``Dataset.map``.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable[..., Any] | None = "lower_and_strip_punctuation",
        split: str | Callable[..., Any] | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("vocabulary_size", None)
        super().__init__(name=name, **kwargs)
        if sparse or ragged:
            raise ArgumentError("TextVectorization: sparse and ragged tensors do not exist in graphc; rows are padded")
        self._standardize = standardize if callable(standardize) else _checked(standardize, _STANDARDIZE, "standardize")
        self._split = split if callable(split) else _checked(split, _SPLIT, "split")
        self._ngrams_arg = ngrams
        self._ngrams = _ngram_sizes(ngrams)
        self._output_mode = one_of(output_mode, OUTPUT_MODES, "TextVectorization: `output_mode`")
        self._output_sequence_length = _checked_length(output_sequence_length, self._output_mode)
        self._encoding = encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, output_mode=self._output_mode,
            pad_to_max_tokens=pad_to_max_tokens, mask_token="", encoding=encoding, dtype=self.dtype_policy,
        )  # fmt: skip

    # --- vocabulary ----------------------------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Makes the vocabulary of the tokens of texts: an array, or (the first ``steps``) batches of a data set."""
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of one more batch of texts."""
        self._lookup_layer.count(self._tokens(as_strings(data, "TextVectorization", self._encoding)))

    def finalize_state(self) -> None:
        """Makes the vocabulary from what was counted so far."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forgets what was counted so far."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens in the order of their indices."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """The number of indices, those of padding and unknown tokens included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the vocabulary, see :meth:`StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    # --- computing -----------------------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        texts = as_strings(inputs, "TextVectorization", self._encoding)
        if texts.ndim > 1 and texts.shape[-1] != 1:
            raise ShapeError(f"TextVectorization {self.name!r} takes texts of shape [batch] or [batch, 1], got "
                             f"{list(texts.shape)}")  # fmt: skip
        lookup = self._lookup_layer
        if self._split is None:
            return lookup(self._standardized(texts.reshape(-1) if texts.ndim > 1 else texts))
        rows = [lookup.places(np.array(tokens, np.str_)) for tokens in self._tokens(texts)]
        table = _table(rows, self._output_sequence_length, 0 if self._output_mode == "int" else -1)
        return lookup.encoded(lift(table if texts.ndim else table[0]))

    def _tokens(self, texts: Array) -> list[list[str]]:
        """The tokens of each text."""
        cleaned = self._standardized(texts.reshape(-1))
        return [_with_ngrams(tokens, self._ngrams) for tokens in self._split_texts(cleaned)]

    def _standardized(self, texts: Array) -> Array:
        if callable(self._standardize):
            return as_strings(self._standardize(texts), "the result of standardize", self._encoding)
        result: Array = texts
        if self._standardize in ("lower", "lower_and_strip_punctuation"):
            result = np.char.lower(result)
        if self._standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
            stripped = [_PUNCTUATION.sub("", text) for text in result.reshape(-1).tolist()]
            result = np.array(stripped, np.str_).reshape(result.shape)
        return result

    def _split_texts(self, texts: Array) -> Iterable[list[str]]:
        if callable(self._split):
            return [list(tokens) for tokens in self._split(texts)]
        return [_separated(text, self._split) for text in texts.tolist()]

    def compute_output_spec(self, inputs: Any) -> Any:
        """A description of the result for described texts."""
        batch = inputs.shape[0]
        if self._output_mode == "int":
            shape = (batch,) if self._split is None else (batch, self._output_sequence_length)
            return KerasTensor(shape, "int64")
        return self._lookup_layer.compute_output_spec(KerasTensor((batch, None), "string"))

    # --- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        lookup = self._lookup_layer.get_config()
        return {
            **super().get_config(),
            "max_tokens": lookup["max_tokens"],
            "standardize": serialize_keras_object(self._standardize),
            "split": serialize_keras_object(self._split),
            "ngrams": self._ngrams_arg,
            "output_mode": self._output_mode,
            "output_sequence_length": self._output_sequence_length,
            "pad_to_max_tokens": lookup["pad_to_max_tokens"],
            "sparse": False,
            "ragged": False,
            "vocabulary": lookup["vocabulary"],
            "idf_weights": lookup["idf_weights"],
            "encoding": self._encoding,
            "vocabulary_size": self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from what :meth:`get_config` returned."""
        arguments = dict(config)
        for key in ("standardize", "split"):
            if key in arguments:
                arguments[key] = deserialize_keras_object(arguments[key])
        return cls(**arguments)

    def save_assets(self, dir_path: str) -> None:
        """Writes the vocabulary into a folder."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Reads what :meth:`save_assets` wrote."""
        self._lookup_layer.load_assets(dir_path)


def _checked(value: Any, choices: Sequence[str], what: str) -> str | None:
    return None if value is None else one_of(value, choices, f"TextVectorization: `{what}`")


def _checked_length(length: Any, output_mode: str) -> int | None:
    if length is None:
        return None
    if output_mode != "int":
        raise ArgumentError("TextVectorization: `output_sequence_length` must not be set if `output_mode` is not "
                            f"'int'; got {length} and {output_mode!r}")  # fmt: skip
    return integer(length, "TextVectorization: `output_sequence_length`", least=1)


def _ngram_sizes(ngrams: Any) -> tuple[int, ...]:
    if ngrams is None:
        return (1,)
    if isinstance(ngrams, int):
        return tuple(range(1, ngrams + 1))
    if isinstance(ngrams, (list, tuple)) and all(isinstance(n, int) for n in ngrams):
        return tuple(ngrams)
    raise ArgumentError(f"TextVectorization: `ngrams` must be None, an integer, or a tuple of integers, got {ngrams!r}")


def _with_ngrams(tokens: list[str], sizes: Sequence[int]) -> list[str]:
    """Runs of tokens, joined by blanks, of each size in turn."""
    if tuple(sizes) == (1,):
        return tokens
    return [" ".join(tokens[i : i + n]) for n in sizes for i in range(len(tokens) - n + 1)]


def _separated(text: str, split: str | None) -> list[str]:
    if split == "whitespace":
        return text.split()
    return list(text) if split == "character" else [text]


def _table(rows: list[Array], length: int | None, padding: int) -> Array:
    """Rows of different lengths as one array."""
    width = max((len(row) for row in rows), default=0) if length is None else length
    table = np.full((len(rows), width), padding, np.int64)
    for into, row in zip(table, rows, strict=True):
        into[: len(row)] = row[:width]
    return table
