"""Schedules as configs and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.keras.optimizers.schedules.schedule import LearningRateSchedule
from graphc.keras.registry import CustomObjectScope
from graphc.keras.serialization import resolve, serialize_keras_object
from graphc_ir.errors import ArgumentError

__all__ = ["deserialize", "serialize"]


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """The config of a schedule."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The schedule of what :func:`serialize` gave. Raises ArgumentError for anything else."""
    with CustomObjectScope(custom_objects or {}):
        found = resolve(config, "keras.optimizers.schedules") if isinstance(config, dict) else None
    if not isinstance(found, LearningRateSchedule):
        raise ArgumentError(f"expected the config of a LearningRateSchedule, got {config!r}")
    return found
