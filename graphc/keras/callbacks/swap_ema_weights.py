"""SwapEMAWeights: evaluates and saves with the averaged weights of an optimizer with ``use_ema``."""

from __future__ import annotations

from graphc.keras.callbacks.callback import Callback, Logs
from graphc_ir.errors import ArgumentError

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Swaps weights and their moving averages around each evaluation, and with ``swap_on_epoch`` around what other
    callbacks do at the end of an epoch.

    Raises ArgumentError when the optimizer keeps no averages.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _swap(self) -> None:
        optimizer = self.model.optimizer
        averages = getattr(optimizer, "moving_averages", None)
        if not averages:
            raise ArgumentError("SwapEMAWeights needs an optimizer with use_ema=True")
        for variable, average in zip(self.model.trainable_variables, averages, strict=True):
            weight, mean = variable.numpy().copy(), average.numpy().copy()
            variable.assign(mean)
            average.assign(weight)
        self._swapped = not self._swapped

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self._swapped:
            self._swap()

    def on_test_begin(self, logs: Logs = None) -> None:
        self._swap()

    def on_test_end(self, logs: Logs = None) -> None:
        self._swap()

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._swap()

    def on_predict_end(self, logs: Logs = None) -> None:
        self._swap()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._swap()

    def on_train_end(self, logs: Logs = None) -> None:
        if self._swapped:
            self._swap()
