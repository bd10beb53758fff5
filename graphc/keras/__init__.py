"""The Keras-shaped part of the front end."""

from graphc.keras import datasets

__all__ = ["datasets"]
