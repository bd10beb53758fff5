"""Sequences of different lengths in one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc_ir.errors import ArgumentError, ShapeError

__all__ = ["pad_sequences"]

Array: TypeAlias = NDArray[Any]

_SIDES = ("pre", "post")


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """One array of sequences, the short ones padded and the long ones cut.

    Args:
        sequences: sequences of numbers, or of arrays of one shape.
        maxlen: length of the rows; None takes that of the longest sequence.
        dtype: of the result. Strings of any length need ``object``.
        padding: ``"pre"`` puts ``value`` before a short sequence, ``"post"`` behind it.
        truncating: ``"pre"`` drops the beginning of a long sequence, ``"post"`` its end.
        value: what is filled in.

    Returns:
        An array of shape ``[len(sequences), maxlen, ...]``.

    Raises:
        ArgumentError: ``sequences`` does not hold sequences, an unknown side, or a string to pad numbers with.
        ShapeError: entries of different shapes.
    """
    _check_side("padding", padding)
    _check_side("truncating", truncating)
    _check_value(value, dtype)
    lengths = _lengths(sequences)
    width = max(lengths, default=0) if maxlen is None else maxlen
    entry_shape = next((np.asarray(s).shape[1:] for s, n in zip(sequences, lengths, strict=True) if n), ())
    padded = np.full((len(lengths), width, *entry_shape), value, dtype)
    for index, (row, sequence, length) in enumerate(zip(padded, sequences, lengths, strict=True)):
        kept = min(length, width)
        if kept:
            entries = np.asarray(sequence[length - kept :] if truncating == "pre" else sequence[:kept], dtype)
            _check_entries(index, entries.shape[1:], entry_shape)
            row[slice(kept) if padding == "post" else slice(width - kept, None)] = entries
    return padded


def _lengths(sequences: Any) -> list[int]:
    if not hasattr(sequences, "__len__"):
        raise ArgumentError(f"pad_sequences: received {sequences!r:.80}, expected a list of sequences")
    for index, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__") or isinstance(sequence, (str, bytes)):
            raise ArgumentError(
                f"pad_sequences: entry {index} is {sequence!r:.80}, expected a sequence; wrap a single one: [sequence]"
            )
    return [len(sequence) for sequence in sequences]


def _check_entries(index: int, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise ShapeError(
            f"pad_sequences: the entries of sequence {index} have shape {shape}, those before have {expected}; "
            "all entries need one shape"
        )


def _check_side(name: str, side: str) -> None:
    if side not in _SIDES:
        raise ArgumentError(f"pad_sequences: {name}={side!r}, expected 'pre' or 'post'")


def _check_value(value: Any, dtype: Any) -> None:
    if isinstance(value, str) and np.dtype(dtype).kind not in "OUS":
        raise ArgumentError(
            f"pad_sequences: `dtype` {dtype} is not compatible with `value`'s type: value={value!r} is a string; "
            "pass dtype=object to pad sequences of strings"
        )
