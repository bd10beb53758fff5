"""The Keras-style part of graphc."""

from graphc.keras import datasets, optimizers

__all__ = ["datasets", "optimizers"]
