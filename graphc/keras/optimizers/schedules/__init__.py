"""``keras.optimizers.schedules``: learning rates that change with the step."""

from __future__ import annotations

from graphc.keras.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from graphc.keras.optimizers.schedules.decay import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from graphc.keras.optimizers.schedules.lookup import deserialize, serialize
from graphc.keras.optimizers.schedules.schedule import LearningRateSchedule
from graphc.keras.registry import publish

__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule",
    "PiecewiseConstantDecay", "PolynomialDecay", "deserialize", "serialize",
]  # fmt: skip

publish("keras.optimizers.schedules", vars(), [name for name in __all__ if name not in ("deserialize", "serialize")])
