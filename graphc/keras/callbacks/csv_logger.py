"""CSVLogger: one line per epoch in a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from typing import IO, Any

from graphc.keras.callbacks.callback import Callback, Logs

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes ``epoch`` (counted from 0) and all logged values; with ``append``, after what the file holds."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self.keys: list[str] | None = None
        self._file: IO[str] | None = None
        self._writer: csv.DictWriter[str] | None = None
        self._headed = False

    def on_train_begin(self, logs: Logs = None) -> None:
        self._headed = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self._file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")  # noqa: SIM115
        self._writer = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        assert self._file is not None, "on_train_begin opened it"
        values = dict(logs or {})
        if self._writer is None:
            self._writer = self._make_writer(values)
        row = {key: _shown(values.get(key, "NA")) for key in self.keys or ()}
        self._writer.writerow({"epoch": epoch, **row})
        self._file.flush()

    def _make_writer(self, values: dict[str, Any]) -> csv.DictWriter[str]:
        assert self._file is not None, "on_train_begin opened it"
        if self.keys is None:
            # Validation may come in later epochs only: its columns are there from the start.
            plain = sorted(key for key in values if not key.startswith("val_"))
            self.keys = [*plain, *(f"val_{key}" for key in plain if key != "learning_rate")]
        writer = csv.DictWriter(self._file, ["epoch", *self.keys], delimiter=self.separator)
        if not self._headed:
            writer.writeheader()
        return writer

    def on_train_end(self, logs: Logs = None) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._writer = None


def _shown(value: Any) -> Any:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return f'"[{", ".join(map(str, value))}]"'
    return value
