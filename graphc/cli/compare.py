"""How far results are apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc_ir.ops.base import Array


def difference(have: Array, want: Array) -> float:
    """The largest difference relative to the larger of 1 and the largest element of ``want``; infinite where shapes,
    dtypes, NaNs or infinities differ. For integers, bools and strings 0 or infinite."""
    if have.shape != want.shape or have.dtype != want.dtype:
        return float("inf")
    if not np.issubdtype(_numeric(want.dtype), np.inexact):
        return 0.0 if np.array_equal(have, want) else float("inf")
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    a, b = have.astype(wide), want.astype(wide)
    finite = np.isfinite(b)
    if not np.array_equal(finite, np.isfinite(a)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    scale = max(1.0, float(np.abs(b[finite]).max(initial=0.0)))
    return float(np.abs(a[finite] - b[finite]).max(initial=0.0)) / scale


def _numeric(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """bfloat16 is no NumPy float by its own account."""
    return np.dtype(np.float32) if dtype.name == "bfloat16" else dtype


def largest_difference(have: Sequence[Array], want: Sequence[Array]) -> float:
    """The largest :func:`difference` of any pair. Raises ValueError for lists of different lengths."""
    return max((difference(a, b) for a, b in zip(have, want, strict=True)), default=0.0)
