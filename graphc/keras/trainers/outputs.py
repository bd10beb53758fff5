"""Pairing what ``compile`` was given per output with the outputs of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphc_ir.errors import ArgumentError

__all__ = ["Output", "outputs_of", "per_output"]


class Output(NamedTuple):
    """One output: its name (None for the only one), target, prediction and sample weight."""

    name: str | None
    y_true: Any
    y_pred: Any
    sample_weight: Any


def outputs_of(y_true: Any, y_pred: Any, sample_weight: Any, names: Sequence[str] | None) -> list[Output]:
    """The outputs of a model in order. Raises ArgumentError when targets or weights do not have their structure."""
    if not isinstance(y_pred, (dict, list, tuple)):
        return [Output(None, _only(y_true), y_pred, _only(sample_weight))]
    keys = list(y_pred) if isinstance(y_pred, dict) else output_names(len(y_pred), names)
    predictions = list(y_pred.values()) if isinstance(y_pred, dict) else list(y_pred)
    targets = per_output(y_true, keys, "the targets y")
    weights = _weights(sample_weight, keys)
    return [Output(*parts) for parts in zip(keys, targets, predictions, weights, strict=True)]


def output_names(count: int, names: Sequence[str] | None) -> list[str]:
    """The names of ``count`` outputs: the model's, or ``output_0``, ``output_1``, ..."""
    return list(names) if names and len(names) == count else [f"output_{i}" for i in range(count)]


def _only(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and len(value) == 1:
        return value[0]
    return next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value


def _weights(sample_weight: Any, keys: Sequence[str]) -> list[Any]:
    if isinstance(sample_weight, (dict, list, tuple)):
        return per_output(sample_weight, keys, "sample_weight", partial=True)
    return [sample_weight] * len(keys)


def per_output(value: Any, keys: Sequence[str], what: str, partial: bool = False) -> list[Any]:
    """One entry per output from a dict (by name) or a list (by position); None stands for all None.

    Raises ArgumentError for unknown names, missing entries (unless ``partial``) or a wrong length.
    """
    if value is None:
        return [None] * len(keys)
    if isinstance(value, dict):
        unknown = [key for key in value if key not in keys]
        if unknown or (not partial and len(value) < len(keys) and what == "the targets y"):
            raise ArgumentError(f"{what} has the keys {list(value)}, but the outputs of the model are {list(keys)}")
        return [value.get(key) for key in keys]
    if isinstance(value, (list, tuple)):
        if len(value) != len(keys):
            raise ArgumentError(f"{what} has {len(value)} entries, but the model has the {len(keys)} outputs "
                                f"{list(keys)}")  # fmt: skip
        return list(value)
    raise ArgumentError(f"the model has the outputs {list(keys)}; give {what} as a list or dict with one entry each")
