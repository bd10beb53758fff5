"""ModelCheckpoint: keeps the model, or its weights, on disk while it is trained."""

from __future__ import annotations

import os
from typing import Any

from graphc.keras.callbacks.callback import Logs
from graphc.keras.callbacks.monitor import MonitorCallback
from graphc.keras.callbacks.save_frequency import SaveFrequency
from graphc.keras.utils.messages import print_message
from graphc_ir.errors import ArgumentError

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(MonitorCallback):
    """Saves after each epoch, or every ``save_freq`` batches. A file is replaced only by one that is whole.

    ``filepath`` may hold ``{epoch}`` (counted from 1) and logged values, e.g. ``"m.{epoch:02d}-{val_loss:.2f}.keras"``.
    With ``save_best_only``, only when ``monitor`` is better than ever (and than ``initial_value_threshold``). Raises
    ArgumentError for a name without ``.keras`` or ``.weights.h5``.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, best=initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._frequency = SaveFrequency(save_freq, "ModelCheckpoint")
        _check_ending(self.filepath, save_weights_only)
        self._current_epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._frequency.is_due(batch):
            self._save(self._current_epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self._frequency.by_epoch:
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        if self.save_best_only and not self._is_best(epoch, logs):
            return
        path = self._path(epoch, batch, logs)
        if self.verbose:
            print_message(f"\nEpoch {epoch + 1}: saving model to {path}")
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _is_best(self, epoch: int, logs: Logs) -> bool:
        """Whether the value is the best so far; one that is not logged (there is a warning) counts as such."""
        current = self._monitored(logs)
        if current is None:
            return True
        if self._is_improvement(current, self.best):
            self.best = current
            return True
        if self.verbose:
            print_message(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {self.best:.5f}")
        return False

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        numbers = {"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1})}
        try:
            return str(self.filepath).format(**numbers, **(logs or {}))
        except KeyError as error:
            raise ArgumentError(f"ModelCheckpoint: the file name {self.filepath!r} uses {error}, which is not logged; "
                                f"there are epoch, {', '.join(logs or {})}") from error  # fmt: skip


def _check_ending(filepath: str, weights_only: bool) -> None:
    endings = (".weights.h5",) if weights_only else (".keras", ".h5")
    if not filepath.endswith(endings):
        raise ArgumentError(f"ModelCheckpoint: the file name must end in {' or '.join(endings)}"
                            f"{' with save_weights_only' if weights_only else ''}, got {filepath!r}")  # fmt: skip
