"""Integers as one-hot, multi-hot and count vectors."""

from __future__ import annotations

from typing import Any, Final

from graphc_ir.dtypes import int32
from graphc_ir.ops.base import Operand, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.creation import one_hot
from graphc_ir.ops.elementwise import cast, mul
from graphc_ir.ops.movement import expand_dims, squeeze
from graphc_ir.ops.reduction import reduce_max, reduce_sum

__all__ = ["MODES", "encode"]

MODES: Final = ("one_hot", "multi_hot", "count")


def encode(indices: Any, mode: str, size: int, dtype: str, weights: Any = None) -> Operand:
    """Vectors of ``size`` elements for integers; those outside 0 to ``size - 1`` count for nothing.

    ``"one_hot"``: one vector per integer (a last axis of size 1 is dropped before). ``"multi_hot"``: one per row of
    integers, with 1 for those that occur. ``"count"``: one per row, with how often each occurs, or with the sum of its
    ``weights``.
    """
    places = lift(indices)
    if dtype_of(places).kind not in "iu":
        places = cast(places, int32)
    shape = shape_of(places)
    if mode == "one_hot":
        flat = squeeze(places, -1) if len(shape) > 1 and shape[-1] == 1 else places
        return one_hot(flat, size, dtype=dtype)
    row = places if rank_of(places) else expand_dims(places, 0)
    vectors = one_hot(row, size, dtype=dtype)
    if mode == "multi_hot":
        return reduce_max(vectors, -2)
    return reduce_sum(vectors if weights is None else mul(vectors, expand_dims(cast(lift(weights), dtype), -1)), -2)
