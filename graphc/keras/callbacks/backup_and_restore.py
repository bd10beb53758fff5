"""BackupAndRestore: training that was interrupted goes on where it stopped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from graphc.generator import get_global_generator
from graphc.keras.callbacks.callback import Callback, Logs
from graphc.keras.saving.archive import read_archive_weights
from graphc.keras.saving.files import replacing
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError

__all__ = ["BackupAndRestore"]


class BackupAndRestore(Callback):
    """Keeps model, optimizer state and epoch in ``backup_dir`` after each epoch (or every ``save_freq`` batches).

    When ``fit`` starts and finds a backup, it goes on from there; when training ends well, the backup is removed
    (``delete_checkpoint``). Raises ArgumentError for a bad ``save_freq`` or an empty folder name.
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
        save_before_preemption: bool = False,
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ArgumentError("BackupAndRestore needs a folder: backup_dir='...'")
        if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
            raise ArgumentError(f"BackupAndRestore: save_freq={save_freq!r} is neither 'epoch' nor a number of batches")
        self.backup_dir = Path(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._batches = 0
        self._epoch = 0

    @property
    def _model_path(self) -> Path:
        return self.backup_dir / "latest.keras"

    @property
    def _state_path(self) -> Path:
        return self.backup_dir / "training_metadata.json"

    def on_train_begin(self, logs: Logs = None) -> None:
        if not (self._model_path.exists() and self._state_path.exists()):
            return
        if self.model.built and self.model.optimizer is not None:
            self.model.optimizer.build(self.model.trainable_variables)
        read_archive_weights(self.model, self._model_path, skip_mismatch=False)
        state = json.loads(self._state_path.read_text("utf-8"))
        for generator, value in zip(self._generators(), state["random_states"], strict=True):
            generator.assign(value)
        self.model.resume_epoch = state["epoch"]

    def _generators(self) -> list[Variable]:
        """The random state of the model and the global one: with them, a resumed run draws the same numbers."""
        weights = {id(v) for v in (*self.model.weights, *self.model.metrics_variables)}
        own = [v for v in self.model.variables if id(v) not in weights]
        return [*own, get_global_generator().state]

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches % int(self.save_freq) == 0:
            self._back_up(self._epoch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch" or self.double_checkpoint:
            self._back_up(epoch + 1)

    def _back_up(self, epoch: int) -> None:
        # The number is written last: a backup without it does not count.
        self.model.save(self._model_path, overwrite=True)
        with replacing(self._state_path) as temporary:
            states = [v.numpy().tolist() for v in self._generators()]
            temporary.write_text(json.dumps({"epoch": epoch, "random_states": states}), "utf-8")

    def on_train_end(self, logs: Logs = None) -> None:
        if self.delete_checkpoint and self.backup_dir.exists():
            shutil.rmtree(self.backup_dir)
