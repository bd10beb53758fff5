"""ActivityRegularization: a penalty on what passes through."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.regularizers import L1L2

__all__ = ["ActivityRegularization"]


class ActivityRegularization(Layer):
    """Hands its inputs on and adds ``(l1 * sum(|x|) + l2 * sum(x**2)) / batch size`` to the losses."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=L1L2(l1, l2), **kwargs)
        self.l1 = l1
        self.l2 = l2
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer")
        return {**config, "l1": self.l1, "l2": self.l2}
