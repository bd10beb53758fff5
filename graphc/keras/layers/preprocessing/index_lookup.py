"""What lookups of strings and of integers have in common: a vocabulary and how its indices are given out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import integer, one_of
from graphc.keras.layers.preprocessing.adapting import batches_of
from graphc.keras.layers.preprocessing.encoding import encode
from graphc.keras.layers.preprocessing.term_counts import TermCounts
from graphc.tensor import Tensor
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Array, Operand, lift
from graphc_ir.ops.elementwise import mul

__all__ = ["OUTPUT_MODES", "IndexLookup", "LookupOptions"]

OUTPUT_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_VOCABULARY_FILE = "vocabulary.txt"


class LookupOptions(TypedDict):
    """The arguments of lookups."""

    max_tokens: int | None
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    vocabulary: Any
    idf_weights: Any
    invert: bool
    output_mode: str
    sparse: bool
    pad_to_max_tokens: bool


class IndexLookup(Layer):
    """Base: terms as indices. The vocabulary begins with the mask token (if there is one and the output is indices),
    goes on with ``num_oov_indices`` places for terms that are not in it, and then lists its terms."""

    def __init__(self, options: LookupOptions, **kwargs: Any) -> None:
        for derived in ("vocabulary_size", "oov_method", "salt"):  # what configs of Keras hold as well
            kwargs.pop(derived, None)
        super().__init__(**kwargs)
        name = type(self).__name__
        if options["sparse"]:
            raise ArgumentError(f"{name}: sparse tensors do not exist in graphc; leave sparse=False")
        self.output_mode = one_of(options["output_mode"], OUTPUT_MODES, f"{name}: `output_mode`")
        self.invert = options["invert"]
        self.max_tokens = options["max_tokens"]
        self.num_oov_indices = integer(options["num_oov_indices"], f"{name}: num_oov_indices", least=0)
        self.mask_token = options["mask_token"]
        self.oov_token = options["oov_token"]
        self.pad_to_max_tokens = options["pad_to_max_tokens"]
        self._check_options(name)
        self._terms: list[Any] = []
        self._idf: Array | None = None
        self._counts = TermCounts()
        if options["vocabulary"] is not None:
            self.set_vocabulary(options["vocabulary"], options["idf_weights"])

    def _check_options(self, name: str) -> None:
        if self.max_tokens is not None and self.max_tokens <= 1:
            raise ArgumentError(f"{name}: `max_tokens` must be greater than 1, got {self.max_tokens}")
        if self.invert and self.output_mode != "int":
            raise ArgumentError(f"{name}: `output_mode` must be 'int' when `invert` is true, got {self.output_mode!r}")
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ArgumentError(f"{name}: pad_to_max_tokens needs max_tokens")

    # --- to be defined -------------------------------------------------------------------------------------------

    def as_terms(self, data: Any) -> Array:
        """Data as an array of terms."""
        raise NotImplementedError

    def indices(self, inputs: Any) -> Operand:
        """The index of each term; -1 for those that encodings leave out."""
        raise NotImplementedError

    def terms_of(self, indices: Any) -> Operand:
        """The term of each index; the token for unknown ones elsewhere."""
        raise NotImplementedError

    # --- vocabulary ----------------------------------------------------------------------------------------------

    @property
    def special_tokens(self) -> list[Any]:
        """What stands before the terms."""
        mask = [self.mask_token] if self.mask_token is not None and self.output_mode == "int" else []
        return [*mask, *[self.oov_token] * self.num_oov_indices]

    @property
    def mask_size(self) -> int:
        """How many places the mask token takes."""
        return len(self.special_tokens) - self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The terms in the order of their indices."""
        return [*self.special_tokens, *self._terms] if include_special_tokens else list(self._terms)

    def vocabulary_size(self) -> int:
        """The number of indices, those of mask and unknown terms included."""
        return len(self.special_tokens) + len(self._terms)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the terms (a sequence, or the path of a file with one per line), and their weights for "tf_idf".

        The special tokens may stand before them. Raises ArgumentError for repeated terms, more than ``max_tokens``, or
        weights that do not fit.
        """
        listed = _listed(vocabulary, self.as_terms)
        special = self.special_tokens
        terms = listed[len(special) :] if special and listed[: len(special)] == special else listed
        repeated = [term for term, count in Counter(terms).items() if count > 1 or term in special]
        if repeated:
            raise ArgumentError(f"{type(self).__name__}: the vocabulary holds {repeated[0]!r} at least twice; each "
                                "term may stand in it once")  # fmt: skip
        size = len(terms) + len(special)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ArgumentError(f"{type(self).__name__}: the vocabulary has {size} terms with the special ones, more "
                                f"than max_tokens={self.max_tokens}")  # fmt: skip
        self._idf = self._checked_weights(idf_weights, len(terms), len(listed))
        self._terms = terms
        self._renew()

    def _checked_weights(self, weights: Any, terms: int, listed: int) -> Array | None:
        if (weights is not None) is not (self.output_mode == "tf_idf"):
            raise ArgumentError(f"{type(self).__name__}: idf_weights go with output_mode='tf_idf' and a vocabulary, "
                                f"got output_mode={self.output_mode!r} and idf_weights={weights}")  # fmt: skip
        if weights is None:
            return None
        array = np.asarray(weights, np.float64)
        if len(array) != listed:
            raise ArgumentError(f"{type(self).__name__}: got {len(array)} idf_weights for a vocabulary of {listed} "
                                "terms")  # fmt: skip
        return array[listed - terms :]

    def _renew(self) -> None:
        """Called when the terms have changed."""

    # --- learning ------------------------------------------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Makes the vocabulary of the most frequent terms of an array, or of (the first ``steps``) batches of a data
        set; what was learnt before is forgotten."""
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the terms of one more batch; each row is a document, as is an array of one axis."""
        terms = self.as_terms(data)
        self._counts.add(terms.reshape(-1, terms.shape[-1] if terms.ndim else 1).tolist())

    def count(self, documents: Sequence[Sequence[Any]]) -> None:
        """Counts the terms of documents."""
        self._counts.add(documents)

    def finalize_state(self) -> None:
        """Makes the vocabulary from what was counted so far."""
        special = self.special_tokens
        limit = None if self.max_tokens is None else self.max_tokens - len(special)
        self._terms = self._counts.most_common(limit, without=(*special, self.mask_token))
        self._idf = self._counts.inverse_frequencies(self._terms) if self.output_mode == "tf_idf" else None
        self._renew()

    def reset_state(self) -> None:
        """Forgets what was counted so far."""
        self._counts = TermCounts()

    # --- computing -----------------------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        if not self._terms:
            raise ArgumentError(f"{type(self).__name__} {self.name!r} has no vocabulary yet; call adapt with data, or "
                                "pass vocabulary=")  # fmt: skip
        return self.terms_of(inputs) if self.invert else self.encoded(self.indices(inputs))

    def encoded(self, indices: Any) -> Operand:
        """Indices in the layer's output mode."""
        if self.output_mode == "int":
            return lift(indices)
        size = self.max_tokens if self.pad_to_max_tokens and self.max_tokens is not None else self.vocabulary_size()
        if self.output_mode != "tf_idf":
            return encode(indices, self.output_mode, size, "int64")
        return mul(encode(indices, "count", size, self.compute_dtype), lift(self._weights(size)))

    def _weights(self, size: int) -> Array:
        """The weight of each index: unknown terms have the mean one."""
        assert self._idf is not None
        known = np.concatenate([np.full(self.num_oov_indices, self._idf.mean()), self._idf])
        return np.pad(known, (0, size - known.size)).astype(as_dtype(self.compute_dtype).np)

    # --- configuration -------------------------------------------------------------------------------------------

    def lookup_config(self, *between: tuple[str, Any]) -> dict[str, Any]:
        """The arguments in Keras's order, with ``between`` after ``pad_to_max_tokens``."""
        return {
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": False,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            **dict(between),
            "idf_weights": None if self._idf is None else self._idf.tolist(),
            "vocabulary": self._terms or None,
            "vocabulary_size": self.vocabulary_size() if self._terms else None,
            "oov_method": "floormod",
            "salt": None,
        }

    def save_assets(self, dir_path: str) -> None:
        """Writes the vocabulary into a folder, one term per line."""
        lines = [str(term) for term in self.get_vocabulary()]
        Path(dir_path, _VOCABULARY_FILE).write_text("\n".join(lines), "utf-8")

    def load_assets(self, dir_path: str) -> None:
        """Reads what :meth:`save_assets` wrote, unless the configuration held a vocabulary."""
        if not self._terms:
            self.set_vocabulary(str(Path(dir_path, _VOCABULARY_FILE)))


def _listed(vocabulary: Any, as_terms: Any) -> list[Any]:
    if isinstance(vocabulary, (str, Path)):
        vocabulary = Path(vocabulary).read_text("utf-8").split("\n")
    data = vocabulary.numpy() if isinstance(vocabulary, Tensor) else vocabulary
    terms: list[Any] = as_terms(np.asarray(data)).reshape(-1).tolist()
    return terms
