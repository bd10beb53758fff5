"""``keras.regularizers``: penalties on weights and activations, which are added to the loss."""

from __future__ import annotations

from typing import Any

from graphc.keras.registry import CustomObjectScope, publish
from graphc.keras.regularizers.base import Regularizer
from graphc.keras.regularizers.norms import L1, L1L2, L2
from graphc.keras.regularizers.orthogonal import OrthogonalRegularizer
from graphc.keras.serialization import resolve, serialize_keras_object

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

__all__ = [
    "L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "l1", "l1_l2", "l2",
    "orthogonal_regularizer", "serialize",
]  # fmt: skip


def get(identifier: Any) -> Any:
    """The regularizer of a name, a config, a class or a callable; None stays None. Raises ArgumentError for others."""
    return resolve(identifier, "keras.regularizers")


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer."""
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer of what :func:`serialize` gave, or of a name."""
    with CustomObjectScope(custom_objects or {}):
        return get(config)


publish("keras.regularizers", vars(), [name for name in __all__ if name not in ("deserialize", "get", "serialize")])
