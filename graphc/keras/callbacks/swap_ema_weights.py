"""SwapEMAWeights: evaluates and saves with the averaged weights of an optimizer with ``use_ema``."""

from __future__ import annotations

from typing import Any

from graphc.keras.callbacks.callback import Callback, Logs
from graphc_ir.errors import ArgumentError

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Gives the model the moving averages of its weights for each evaluation and prediction, and with
    ``swap_on_epoch`` for what the callbacks after it do at the end of an epoch. Then training goes on with its own.

    Raises ArgumentError when the optimizer keeps no averages.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._own: list[Any] | None = None
        """The weights of training while the model has the averages."""

    def _averages(self) -> list[Any]:
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        if not getattr(optimizer, "use_ema", False):
            raise ArgumentError("SwapEMAWeights must be used when `use_ema=True` is set for the optimizer, which then "
                                f"keeps averages; got {optimizer!r}")  # fmt: skip
        averages: list[Any] = optimizer.moving_averages
        return averages

    def _show_averages(self) -> None:
        averages = self._averages()
        if self._own is None and averages:  # before the first step there are none
            self._own = self._set([average.numpy() for average in averages])

    def _show_own(self) -> None:
        if self._own is not None:
            self._set(self._own)
            self._own = None

    def _set(self, values: list[Any]) -> list[Any]:
        """Sets the weights; returns their old values."""
        before = []
        for variable, value in zip(self.model.trainable_variables, values, strict=True):
            before.append(variable.numpy().copy())
            variable.assign(value)
        return before

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._show_own()

    def on_test_begin(self, logs: Logs = None) -> None:
        self._show_averages()

    def on_test_end(self, logs: Logs = None) -> None:
        self._show_own()

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._show_averages()

    def on_predict_end(self, logs: Logs = None) -> None:
        self._show_own()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._show_averages()

    def on_train_end(self, logs: Logs = None) -> None:
        self._own = None  # the optimizer has given the model the averages for good
