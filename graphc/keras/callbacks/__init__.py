"""Callbacks: hooks into training, evaluation and prediction."""

from graphc.keras.callbacks.callback import Callback
from graphc.keras.callbacks.callback_list import CallbackList
from graphc.keras.callbacks.history import History
from graphc.keras.callbacks.progbar_logger import ProgbarLogger

__all__ = ["Callback", "CallbackList", "History", "ProgbarLogger"]
