"""CallbackList: calls the hooks of several callbacks, and of those only that do something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphc.keras.callbacks.callback import Callback, Logs
from graphc.keras.callbacks.history import History
from graphc.keras.callbacks.progbar_logger import ProgbarLogger
from graphc.pytree import leaves_of
from graphc_ir.errors import ArgumentError

__all__ = ["CallbackList"]

_BATCH_HOOKS = {
    "on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end",
    "on_test_batch_begin": None, "on_test_batch_end": None,
    "on_predict_batch_begin": None, "on_predict_batch_end": None,
}  # fmt: skip


class CallbackList:
    """A container with every hook of :class:`Callback`. Raises ArgumentError for what is no callback."""

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks: list[Callback] = list(_checked(callbacks))
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        if add_history and not any(isinstance(c, History) for c in self.callbacks):
            self.callbacks.append(History())
        self._active: dict[str, list[Callback]] = {}
        self._find_active()
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def _find_active(self) -> None:
        """Batch hooks run often: those that are not overridden are never called."""
        for hook, older in _BATCH_HOOKS.items():
            names = [hook] if older is None else [hook, older]
            self._active[hook] = [c for c in self.callbacks if any(_overrides(c, name) for name in names)]

    @property
    def history(self) -> History:
        """The History among the callbacks."""
        return next(c for c in self.callbacks if isinstance(c, History))

    def wants(self, hook: str) -> bool:
        """Whether anybody overrides a batch hook."""
        return bool(self._active[hook])

    def append(self, callback: Callback) -> None:
        self.callbacks.append(callback)
        self._find_active()

    def set_model(self, model: Any) -> None:
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def call(self, hook: str, *args: Any) -> None:
        """Calls one hook of all callbacks. Their last argument, the logs, is a dict even where there are none."""
        *numbers, logs = args
        for callback in self._active.get(hook, self.callbacks):
            getattr(callback, hook)(*numbers, {} if logs is None else logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.call("on_epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.call("on_epoch_end", epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self.call("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.call("on_train_batch_end", batch, logs)

    on_batch_begin, on_batch_end = on_train_batch_begin, on_train_batch_end

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self.call("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.call("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self.call("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.call("on_predict_batch_end", batch, logs)

    def on_train_begin(self, logs: Logs = None) -> None:
        self.call("on_train_begin", logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self.call("on_train_end", logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        self.call("on_test_begin", logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self.call("on_test_end", logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self.call("on_predict_begin", logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self.call("on_predict_end", logs)


def _overrides(callback: Any, hook: str) -> bool:
    own = getattr(type(callback), hook, None)
    return hook in vars(callback) or own is not getattr(Callback, hook)


def _checked(callbacks: Any) -> Iterable[Callback]:
    for callback in leaves_of(callbacks):
        is_callback = all(hasattr(callback, name) for name in ("set_model", "set_params", "on_epoch_end"))
        if isinstance(callback, type) or not is_callback:
            raise ArgumentError(f"callbacks must be keras.callbacks.Callback objects, got {callback!r}"
                                + ("; make an instance: add ()" if isinstance(callback, type) else ""))  # fmt: skip
        yield callback
