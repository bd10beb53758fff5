"""BackupAndRestore: training that was interrupted goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from graphc.generator import get_global_generator
from graphc.keras.callbacks.callback import Callback, Logs
from graphc.keras.callbacks.save_frequency import SaveFrequency
from graphc.keras.saving.archive import read_archive_weights
from graphc.keras.saving.errors import ModelFileError
from graphc.keras.saving.files import replacing
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError

__all__ = ["BackupAndRestore"]

_INDEX: Final = "training_metadata.json"


class BackupAndRestore(Callback):
    """Keeps model, optimizer state, random state and epoch in ``backup_dir`` after each epoch (or every ``save_freq``
    batches; a run that stopped within an epoch begins that epoch again).

    When ``fit`` starts and finds a backup, it goes on from there: to the same weights, bit for bit, as if it had never
    stopped. When training ends well, the backup is removed (``delete_checkpoint``). With ``double_checkpoint`` the last
    two are kept, for the case that the file system damages one. Raises ArgumentError for a bad ``save_freq`` or an
    empty folder name, ModelFileError when no backup can be read.
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
            raise ArgumentError("BackupAndRestore needs a folder. Empty `backup_dir` argument passed")
        self.backup_dir = Path(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._frequency = SaveFrequency(save_freq, "BackupAndRestore")
        self._current_epoch = 0
        self._last_batch_seen = 0

    # --- going on ------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs = None) -> None:
        entries = self._entries()
        problems = []
        for entry in entries:
            try:
                self._restore(entry)
            except ModelFileError as error:
                problems.append(str(error))
            else:
                return
        if problems:
            raise ModelFileError(f"BackupAndRestore cannot read its backup: {'; '.join(problems)}. Delete "
                                 f"{self.backup_dir} to train from the beginning")  # fmt: skip

    def _entries(self) -> list[dict[str, Any]]:
        """The backups, newest first. The index is written after the files that it names, and decides."""
        path = self.backup_dir / _INDEX
        if not path.exists():
            return []
        entries: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
        return entries

    def _restore(self, entry: dict[str, Any]) -> None:
        model = self.model
        if model.built and model.optimizer is not None:
            model.optimizer.build(model.trainable_variables)
        read_archive_weights(model, self.backup_dir / entry["model"])
        for generator, value in zip(self._generators(), entry["random_states"], strict=True):
            generator.assign(value)
        model.data_seed = entry["data_seed"]
        self._current_epoch = model.resume_epoch = entry["epoch"]

    def _generators(self) -> Iterator[Variable]:
        """The random state of the model and the global one: with them, a resumed run draws the same numbers."""
        weights = {id(v) for v in self.model.weights}
        yield from (v for v in self.model.variables if id(v) not in weights)
        yield get_global_generator().state

    # --- keeping -------------------------------------------------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._last_batch_seen = batch
        if self._frequency.is_due(batch):
            self._back_up()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch + 1
        if self._frequency.by_epoch:
            self._back_up()

    def _back_up(self) -> None:
        before = self._entries()
        number = before[0]["number"] + 1 if before else 0
        entry = {
            "number": number,
            "model": f"backup_{number}.keras",
            "epoch": self._current_epoch,
            "data_seed": self.model.data_seed,
            "random_states": [v.numpy().tolist() for v in self._generators()],
        }
        self.model.save(self.backup_dir / str(entry["model"]), overwrite=True)
        kept = [entry, *before][: 2 if self.double_checkpoint else 1]
        with replacing(self.backup_dir / _INDEX) as temporary:
            temporary.write_text(json.dumps(kept), "utf-8")
        self._remove(before[len(kept) - 1 :])

    def _remove(self, entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            (self.backup_dir / entry["model"]).unlink(missing_ok=True)

    def on_train_end(self, logs: Logs = None) -> None:
        if not self.delete_checkpoint or not self.backup_dir.exists():
            return
        entries = self._entries()
        (self.backup_dir / _INDEX).unlink(missing_ok=True)
        self._remove(entries)
        if not any(self.backup_dir.iterdir()):  # whatever else is in it is not ours to remove
            self.backup_dir.rmdir()
