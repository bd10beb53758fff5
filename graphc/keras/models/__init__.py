"""Models."""

from graphc.keras.models.model import Functional, Model
from graphc.keras.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
