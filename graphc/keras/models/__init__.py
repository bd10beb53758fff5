"""Models: layers that are trained, saved and exported."""

from graphc.keras.models.cloning import clone_model, model_from_json
from graphc.keras.models.model import Functional, Model
from graphc.keras.models.sequential import Sequential
from graphc.keras.saving import load_model, save_model

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
