"""IntegerLookup: integers of a vocabulary as indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.layers.preprocessing.index_lookup import IndexLookup
from graphc.mode import mode
from graphc_ir.dtypes import int64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import clip_by_value, floormod
from graphc_ir.ops.base import Array, Operand, dtype_of, lift, shape_of
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add, cast, equal, select, sub
from graphc_ir.ops.gather import gather
from graphc_ir.ops.logical import logical_or
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.sorting import searchsorted

__all__ = ["IntegerLookup"]


class IntegerLookup(IndexLookup):
    """Integers as indices of a vocabulary, which is given or learnt by :meth:`adapt` (most frequent first).

    ``mask_token`` has index 0; ``num_oov_indices`` indices follow for integers that are not in the vocabulary (with
    none, those are an error), then its terms. ``output_mode``: "int", or vectors as in :class:`CategoryEncoding`:
    "one_hot", "multi_hot", "count", and "tf_idf" (counts times ``idf_weights``). ``invert`` maps indices to terms.
    ``pad_to_max_tokens``: vectors have ``max_tokens`` elements.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.vocabulary_dtype = vocabulary_dtype
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
        return np.asarray(data).astype(np.int64)

    def indices(self, inputs: Any) -> Operand:
        x = cast(lift(inputs), int64)
        order = np.argsort(np.array(self._terms, np.int64))
        ordered = lift(np.array(self._terms, np.int64)[order])
        flat = reshape(x, (-1,))
        place = clip_by_value(searchsorted(ordered, flat, dtype=int64), 0, len(order) - 1)
        known = equal(gather(ordered, place), flat)
        found = select(known, gather(lift(order + len(self.special_tokens)), place), self._of_unknown(flat))
        if self.mask_token is not None:
            masked = equal(flat, self.mask_token)
            known, found = logical_or(known, masked), select(masked, lift(0 if self.mask_size else -1, int64), found)
        self._refuse_unknown(known)
        return reshape(found, shape_of(x))

    def _of_unknown(self, x: Operand) -> Operand:
        if self.num_oov_indices:
            return add(floormod(x, self.num_oov_indices), self.mask_size)
        return sub(zeros_like(x), 1)

    def _refuse_unknown(self, known: Operand) -> None:
        """Where values are at hand: inside graphs, unknown integers get -1."""
        if self.num_oov_indices == 0 and mode.tracer is None and not known.numpy().all():
            raise ArgumentError(f"IntegerLookup {self.name!r} has num_oov_indices=0, but the inputs hold integers that "
                                "are not in the vocabulary")  # fmt: skip

    def terms_of(self, indices: Any) -> Operand:
        x = cast(lift(indices), int64)
        table = np.array(self.get_vocabulary(), np.int64)
        inside = clip_by_value(x, 0, len(table) - 1)
        return select(equal(inside, x), gather(lift(table), inside), lift(self.oov_token, dtype_of(x)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.lookup_config(("vocabulary_dtype", self.vocabulary_dtype))}
