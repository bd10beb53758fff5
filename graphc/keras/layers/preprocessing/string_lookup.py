"""StringLookup: strings of a vocabulary as indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.engine.inference import infer_outputs
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.layers.preprocessing.fingerprints import farm_hash
from graphc.keras.layers.preprocessing.index_lookup import IndexLookup
from graphc.keras.layers.preprocessing.strings import StringLayer, as_strings
from graphc.tensor import SymbolicTensor, Tensor
from graphc_ir.dtypes import int64
from graphc_ir.errors import ArgumentError, TracingError
from graphc_ir.ops.base import Array, Operand, lift

__all__ = ["StringLookup"]


class StringLookup(IndexLookup, StringLayer):
    """Strings as indices of a vocabulary; or indices as strings with ``invert``. All arguments are as in
    :class:`IntegerLookup`; unknown strings are spread over several indices by their hash.

    Strings are no part of graphs: apply the layer to data before the model, e.g. in ``Dataset.map``.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        self._places: dict[str, int] = {}
        super().__init__(
            {
                "max_tokens": max_tokens, "num_oov_indices": num_oov_indices, "mask_token": mask_token,
                "oov_token": oov_token, "vocabulary": vocabulary, "idf_weights": idf_weights, "invert": invert,
                "output_mode": output_mode, "sparse": sparse, "pad_to_max_tokens": pad_to_max_tokens,
            },
            name=name,
            **kwargs,
        )  # fmt: skip

    def as_terms(self, data: Any) -> Array:
        return as_strings(data, "StringLookup", self.encoding)

    def _renew(self) -> None:
        first = len(self.special_tokens)
        self._places = {term: first + i for i, term in enumerate(self._terms)}
        if self.mask_token is not None:
            self._places[self.mask_token] = 0 if self.mask_size else -1

    def indices(self, inputs: Any) -> Operand:
        return lift(self.places(self.as_terms(inputs)))

    def places(self, terms: Array) -> Array:
        """The indices of an array of strings."""
        distinct, which = np.unique(terms, return_inverse=True)
        found = np.array([self._place(term) for term in distinct.tolist()], np.int64)
        return found[which].reshape(terms.shape)

    def _place(self, term: str) -> int:
        found = self._places.get(term)
        if found is not None:
            return found
        if not self.num_oov_indices:
            raise ArgumentError(f"StringLookup {self.name!r} has num_oov_indices=0, but {term!r} is not in the "
                                "vocabulary")  # fmt: skip
        spread = farm_hash(term.encode(self.encoding)) % self.num_oov_indices if self.num_oov_indices > 1 else 0
        return self.mask_size + spread

    def terms_of(self, indices: Any) -> Operand:
        if isinstance(indices, SymbolicTensor):
            raise TracingError("StringLookup(invert=True) makes strings, which graphs do not hold; apply it to the "
                               "model's results")  # fmt: skip
        places = np.asarray(indices.numpy() if isinstance(indices, Tensor) else indices)
        table = np.array([*self.get_vocabulary(), self.oov_token])
        inside = (places >= 0) & (places < len(table) - 1)
        return lift(table[np.where(inside, places, len(table) - 1)])

    def compute_output_spec(self, inputs: Any) -> Any:
        """A description of the result for described strings."""
        if self.invert:
            return KerasTensor(tuple(inputs.shape), "string")
        return infer_outputs(self.encoded, (KerasTensor.of_type(inputs.type.with_dtype(int64)),), {})

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.lookup_config(), "encoding": self.encoding}
