"""The Keras-style part of graphc."""

from graphc.keras import activations, constraints, datasets, initializers, optimizers, regularizers

__all__ = ["activations", "constraints", "datasets", "initializers", "optimizers", "regularizers"]
