"""A batch as ``fit`` takes it: inputs, and if given targets and weights of the samples."""

from __future__ import annotations

from typing import Any

from graphc_ir.errors import ArgumentError

__all__ = ["pack_x_y_sample_weight", "unpack_x_y_sample_weight"]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """``x`` alone (a tuple or list of inputs as ``(x,)``), ``(x, y)`` or ``(x, y, sample_weight)``."""
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """``(x, y, sample_weight)`` of a batch, None for what it lacks.

    Args:
        data: ``x``, ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``; a list counts as a tuple.

    Raises:
        ArgumentError: a tuple of another length.
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ArgumentError(
            f"a batch is x, (x,), (x, y) or (x, y, sample_weight), received a {type(data).__name__} of {len(data)}; "
            "put several inputs into a tuple of their own: ((a, b), y)"
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight
