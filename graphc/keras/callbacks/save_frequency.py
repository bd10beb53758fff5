"""How often callbacks save: after each epoch, or every so many batches."""

from __future__ import annotations

from graphc_ir.errors import ArgumentError

__all__ = ["SaveFrequency"]


class SaveFrequency:
    """Counts batches. ``every`` is ``"epoch"`` or a number of batches; raises ArgumentError for anything else."""

    def __init__(self, every: str | int, owner: str) -> None:
        if every != "epoch" and (not isinstance(every, int) or every < 1):
            raise ArgumentError(f"{owner}: Unrecognized save_freq: {every!r}. Invalid value; expected 'epoch' or a "
                                "number of batches")  # fmt: skip
        self.by_epoch = every == "epoch"
        self._every = every
        self._last_batch = -1
        self._since_last = 0

    def is_due(self, batch: int) -> bool:
        """Whether to save after this batch, counted within its epoch; several may have passed since the last call."""
        passed = batch - self._last_batch if batch > self._last_batch else batch + 1
        self._last_batch = batch
        self._since_last += passed
        if self.by_epoch or self._since_last < int(self._every):
            return False
        self._since_last = 0
        return True
