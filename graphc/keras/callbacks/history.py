"""History: what ``fit`` returns."""

from __future__ import annotations

from typing import Any

from graphc.keras.callbacks.callback import Callback, Logs

__all__ = ["History"]


class History(Callback):
    """Keeps each epoch's logs: ``history`` maps names to a list of Python floats, ``epoch`` lists the epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self
