"""``keras.optimizers``: from gradients to updated weights."""

from __future__ import annotations

from graphc.keras.optimizers import legacy, schedules
from graphc.keras.optimizers.adadelta import Adadelta
from graphc.keras.optimizers.adafactor import Adafactor
from graphc.keras.optimizers.adagrad import Adagrad
from graphc.keras.optimizers.adam import Adam, AdamW
from graphc.keras.optimizers.adamax import Adamax
from graphc.keras.optimizers.ftrl import Ftrl
from graphc.keras.optimizers.lamb import Lamb
from graphc.keras.optimizers.lion import Lion
from graphc.keras.optimizers.lookup import deserialize, get, serialize
from graphc.keras.optimizers.loss_scale import LossScaleOptimizer
from graphc.keras.optimizers.muon import Muon
from graphc.keras.optimizers.nadam import Nadam
from graphc.keras.optimizers.optimizer import Optimizer
from graphc.keras.optimizers.rmsprop import RMSprop
from graphc.keras.optimizers.sgd import SGD
from graphc.keras.registry import publish

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
    "Muon", "Nadam", "Optimizer", "RMSprop", "deserialize", "get", "legacy", "schedules", "serialize",
]  # fmt: skip

publish("keras.optimizers", vars(), [name for name in __all__ if name not in ("deserialize", "get", "serialize")])
