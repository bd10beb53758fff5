"""Shapes as tuples of ints and Nones, alone or in structures, and the KerasTensors that they describe."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.pytree import map_leaves

__all__ = ["as_shape", "described", "shapes_of"]


def shapes_of(tree: Any) -> Any:
    """The structure with a shape (a tuple of ints and Nones) for each tensor."""
    return map_leaves(lambda leaf: tuple(leaf.shape) if hasattr(leaf, "shape") else None, tree)


def as_shape(shape: Any) -> Any:
    """JSON lists as tuples; dicts and lists of shapes keep their structure."""
    if isinstance(shape, dict):
        return {key: as_shape(value) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)) and any(isinstance(item, (list, tuple, dict)) for item in shape):
        parts = [as_shape(item) for item in shape]
        return tuple(parts) if isinstance(shape, tuple) else parts
    return None if shape is None else tuple(shape)


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
