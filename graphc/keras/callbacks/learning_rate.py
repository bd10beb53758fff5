"""Callbacks that change the learning rate."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from graphc.keras.callbacks.callback import Callback, Logs
from graphc.keras.callbacks.monitor import MonitorCallback
from graphc.keras.utils.messages import print_message
from graphc_ir.errors import ArgumentError

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


def _rate_of(model: Any) -> float:
    if not hasattr(model.optimizer, "learning_rate"):
        raise ArgumentError("the optimizer has no learning_rate to change")
    return float(model.optimizer.learning_rate)


def _log_rate(logs: Logs, model: Any) -> None:
    if isinstance(logs, MutableMapping):
        logs["learning_rate"] = _rate_of(model)


class LearningRateScheduler(Callback):
    """Sets the rate at the start of each epoch to ``schedule(epoch, rate)`` (or ``schedule(epoch)``).

    Raises ArgumentError when that is no number.
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        try:
            rate = self.schedule(epoch, _rate_of(self.model))
        except TypeError:
            rate = self.schedule(epoch)
        try:
            number = float(rate)
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"LearningRateScheduler: the schedule must return a number, got {rate!r}") from error
        self.model.optimizer.learning_rate = number
        if self.verbose:
            print_message(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {number}.")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        _log_rate(logs, self.model)


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the rate by ``factor`` after ``patience`` epochs without an improvement of ``min_delta``.

    Then waits ``cooldown`` epochs; the rate never falls below ``min_lr``. Raises ArgumentError for a factor of 1 or
    more.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ArgumentError(f"ReduceLROnPlateau: factor must be below 1, got {factor}")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        _log_rate(logs, self.model)
        current = self._monitored(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best, self.wait = current, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        old = _rate_of(self.model)
        if old <= self.min_lr:
            return
        rate = max(old * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = rate
        self.cooldown_counter, self.wait = self.cooldown, 0
        if self.verbose:
            print_message(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.")
