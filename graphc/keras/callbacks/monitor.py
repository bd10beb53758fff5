"""What callbacks share that follow one of the logged values."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from graphc.keras.callbacks.callback import Callback, Logs
from graphc.keras.ops import greater, less
from graphc_ir.errors import ArgumentError

__all__ = ["MonitorCallback"]

_UP = ("acc", "accuracy", "auc", "precision", "recall", "f1_score", "fbeta_score", "iou", "mean_io_u", "r2_score")


class MonitorCallback(Callback):
    """Follows ``monitor`` and knows when it is better than before by at least ``min_delta``.

    ``mode`` is ``"min"``, ``"max"`` or ``"auto"``: losses and errors should fall, accuracies and the like rise. Another
    mode is taken for ``"auto"``, with a warning. ``monitor_op``, set at the first comparison, is ``keras.ops.less`` or
    ``keras.ops.greater``. Raises ArgumentError then for a name that ``"auto"`` cannot judge.
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", best: float | None = None, min_delta: float = 0.0
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"{type(self).__name__} mode {mode!r} is unknown, so 'auto' is used", stacklevel=3)
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = best
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _set_monitor_op(self) -> Callable[[Any, Any], Any]:
        if self.monitor_op is None:
            self.monitor_op = greater if self._rises() else less
        return self.monitor_op

    def _rises(self) -> bool:
        """Whether larger is better."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return False
        for metric in getattr(self.model, "metrics", ()):
            if metric.name == name or name.endswith(f"_{metric.name}"):
                direction = getattr(metric, "_direction", None)
                if direction is not None:
                    return bool(direction == "up")
        if any(name == word or name.endswith(word) for word in _UP):
            return True
        if any(part in name for part in ("error", "mse", "mae", "crossentropy", "loss")):
            return False
        raise ArgumentError(f"{type(self).__name__} cannot tell whether {self.monitor!r} should rise or fall; pass "
                            "mode='max' or mode='min'")  # fmt: skip

    def _is_improvement(self, value: float, reference: float | None) -> bool:
        operator = self._set_monitor_op()
        if reference is None:
            return True
        margin = self.min_delta if operator is less else -self.min_delta
        return bool(operator(value + margin, reference))  # False for NaN

    def _monitored(self, logs: Logs) -> Any:
        """The current value; None, with a warning, if it is not logged."""
        self._set_monitor_op()
        value = (logs or {}).get(self.monitor)
        if value is None:
            known = ", ".join(logs or {})
            warnings.warn(f"{type(self).__name__} follows {self.monitor!r}, which is not logged; there are: {known}",
                          stacklevel=4)  # fmt: skip
        return value
