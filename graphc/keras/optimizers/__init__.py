"""Optimizers."""

from graphc.keras.optimizers.adam import Adam
from graphc.keras.optimizers.optimizer import Optimizer
from graphc.keras.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]
