"""Identity: hands its inputs on."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.layer import Layer

__all__ = ["Identity"]


class Identity(Layer):
    """Gives its inputs (a tensor or a structure of them) back. A place holder where a layer is expected."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs
