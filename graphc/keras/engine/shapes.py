"""Shapes as tuples of ints and Nones, alone or in structures, and the KerasTensors that they describe."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.pytree import map_leaves
from graphc_ir.errors import ArgumentError

__all__ = ["as_shape", "described", "shapes_of"]


def shapes_of(tree: Any) -> Any:
    """The structure with a shape (a tuple of ints and Nones) for each tensor."""
    return map_leaves(lambda leaf: tuple(leaf.shape) if hasattr(leaf, "shape") else None, tree)


def as_shape(shape: Any) -> Any:
    """JSON lists as tuples; dicts and lists of shapes keep their structure. Raises ArgumentError for a number."""
    if isinstance(shape, dict):
        return {key: as_shape(value) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)) and any(isinstance(item, (list, tuple, dict)) for item in shape):
        parts = [as_shape(item) for item in shape]
        return tuple(parts) if isinstance(shape, tuple) else parts
    if shape is None:
        return None
    try:
        return tuple(shape)
    except TypeError:
        raise ArgumentError(
            f"expected a shape, a tuple of sizes and Nones such as (None, 28), got {shape!r}; for one axis write (n,)"
        ) from None


def described(shape: Any, dtype: Any) -> Any:
    """KerasTensors for a shape or a structure of shapes; None stays None."""
    found = as_shape(shape)
    if found is None:
        return None
    if isinstance(found, dict):
        return {key: described(value, dtype) for key, value in found.items()}
    if isinstance(found, list) or (isinstance(found, tuple) and any(isinstance(d, (list, tuple, dict)) for d in found)):
        return type(found)(described(item, dtype) for item in found)
    return KerasTensor(found, dtype)
