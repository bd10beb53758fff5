"""Arguments that many layers share, checked in one place: sizes per spatial axis, and the options of weights."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

from graphc.keras import constraints, initializers, regularizers
from graphc_ir.errors import ArgumentError, ArgumentTypeError

__all__ = [
    "axis_pairs", "axis_sizes", "channel_axis", "integer", "make_weight", "one_of", "refuse_quantization",
    "weight_config",
]  # fmt: skip


def integer(value: Any, what: str, least: int | None = None) -> int:
    """An int, or anything that stands for one. Raises ArgumentError, which names ``what``, for anything else, and for
    True and False."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise ArgumentTypeError(f"{what} must be an integer, got {value!r} ({type(value).__name__})")
    number = operator.index(value)
    if least is not None and number < least:
        raise ArgumentError(f"{what} must be at least {least}, got {value!r}")
    return number


def axis_sizes(value: Any, rank: int, what: str, least: int = 1) -> tuple[int, ...]:
    """One int per spatial axis: of a single int, or of ``rank`` of them. Raises ArgumentError for anything else."""
    listed = list(value) if isinstance(value, (list, tuple)) else [value] * rank
    if len(listed) != rank:
        raise ArgumentError(f"{what} must be an integer or {rank} of them, got {value!r}")
    return tuple(integer(item, what, least) for item in listed)


def axis_pairs(value: Any, rank: int, what: str) -> tuple[tuple[int, int], ...]:
    """How much at both ends of each spatial axis: of one int, one per axis, or a pair per axis.

    One axis takes one int or one pair. Raises ArgumentError for anything else and for negative numbers.
    """
    if rank == 1 or not isinstance(value, (list, tuple)):
        return (_pair(value, what),) * rank
    if len(value) != rank:
        raise ArgumentError(f"{what} must be an integer, or {rank} integers or pairs (before, after), got {value!r}")
    return tuple(_pair(item, what) for item in value)


def _pair(value: Any, what: str) -> tuple[int, int]:
    if isinstance(value, (list, tuple)) and len(value) != 2:
        raise ArgumentError(f"{what} must be an integer or a pair (before, after) for an axis, got {value!r}")
    before, after = axis_sizes(value, 2, what, least=0)
    return before, after


def one_of(value: Any, choices: Sequence[str], what: str) -> str:
    """A word in lower case. Raises ArgumentError when it is none of the choices."""
    found = value.lower() if isinstance(value, str) else value
    if found not in choices:
        raise ArgumentError(f"{what} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return str(found)


def channel_axis(data_format: str, spatial_rank: int) -> int:
    """The axis of the channels in data (batch, spatial..., channels) or (batch, channels, spatial...)."""
    return spatial_rank + 1 if data_format == "channels_last" else 1


def make_weight(layer: Any, prefix: str, shape: Sequence[int], name: str | None = None) -> Any:
    """Adds a weight with the layer's ``<prefix>_initializer``, ``<prefix>_regularizer`` and ``<prefix>_constraint``."""
    return layer.add_weight(
        name=name or prefix,
        shape=tuple(shape),
        initializer=getattr(layer, f"{prefix}_initializer"),
        regularizer=getattr(layer, f"{prefix}_regularizer"),
        constraint=getattr(layer, f"{prefix}_constraint"),
    )


def weight_config(layer: Any, *prefixes: str) -> dict[str, Any]:
    """The options of weights with these prefixes, as configs in the order in which Keras writes them."""
    return {
        **{f"{p}_initializer": initializers.serialize(getattr(layer, f"{p}_initializer")) for p in prefixes},
        **{f"{p}_regularizer": regularizers.serialize(getattr(layer, f"{p}_regularizer")) for p in prefixes},
        "activity_regularizer": regularizers.serialize(layer.activity_regularizer),
        **{f"{p}_constraint": constraints.serialize(getattr(layer, f"{p}_constraint")) for p in prefixes},
    }


def refuse_quantization(layer: Any, **options: Any) -> None:
    """Raises ArgumentError when quantization or LoRA options, which Keras 3 layers take, are anything but None."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ArgumentError(f"{type(layer).__name__} got {', '.join(given)}, but graphc layers have neither quantized "
                            "weights nor low-rank adaptation (LoRA); leave these arguments out")  # fmt: skip
