"""LambdaCallback and TerminateOnNaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphc.keras.callbacks.callback import Callback, Logs
from graphc.keras.utils.messages import print_message
from graphc_ir.errors import ArgumentError

__all__ = ["LambdaCallback", "TerminateOnNaN"]


class LambdaCallback(Callback):
    """A callback of functions given by hook: ``LambdaCallback(on_epoch_end=lambda epoch, logs: ...)``. Functions of
    other names become methods of the callback.

    Raises ArgumentError for ``on_...`` that is no hook.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any],
    ) -> None:
        super().__init__()
        named = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin,
            "on_train_end": on_train_end, "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end, **kwargs,
        }  # fmt: skip
        for hook, function in named.items():
            if hook.startswith("on_") and not hasattr(Callback, hook):
                hooks = ", ".join(name for name in vars(Callback) if name.startswith("on_"))
                raise ArgumentError(f"LambdaCallback: {hook!r} is no hook; there are {hooks}")
            if function is not None:
                setattr(self, hook, function)


class TerminateOnNaN(Callback):
    """Stops training when the loss is not finite: in good order, or with ``raise_error`` by a RuntimeError, so that
    ``on_train_end`` is not called and e.g. BackupAndRestore keeps its backup."""

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            if self.raise_error:
                raise RuntimeError(f"NaN or Inf loss encountered at batch {batch}: the loss is {loss}")
            print_message(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True
