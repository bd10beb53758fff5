"""``keras.constraints``: what weights are brought back to after each update."""

from __future__ import annotations

from typing import Any

from graphc.keras.constraints.base import Constraint
from graphc.keras.constraints.norms import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from graphc.keras.registry import CustomObjectScope, publish
from graphc.keras.serialization import resolve, serialize_keras_object

max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

__all__ = [
    "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "max_norm", "min_max_norm",
    "non_neg", "serialize", "unit_norm",
]  # fmt: skip


def get(identifier: Any) -> Any:
    """The constraint of a name, a config, a class or a callable; None stays None. Raises ArgumentError for others."""
    return resolve(identifier, "keras.constraints")


def serialize(constraint: Any) -> Any:
    """The config of a constraint."""
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint of what :func:`serialize` gave, or of a name."""
    with CustomObjectScope(custom_objects or {}):
        return get(config)


publish("keras.constraints", vars(), [name for name in __all__ if name not in ("deserialize", "get", "serialize")])
