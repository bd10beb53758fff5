"""The Keras-style part of graphc."""

from graphc.keras import activations, constraints, datasets, initializers, losses, optimizers, regularizers
from graphc.keras.variable import Variable

__all__ = ["Variable", "activations", "constraints", "datasets", "initializers", "losses", "optimizers", "regularizers"]
