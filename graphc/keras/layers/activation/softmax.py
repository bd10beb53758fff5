"""Softmax as a layer, with masked positions left out."""

from __future__ import annotations

from typing import Any

from graphc.keras import activations
from graphc.keras.engine.layer import Layer
from graphc_ir.dtypes import float16, float32
from graphc_ir.ops.base import dtype_of, lift
from graphc_ir.ops.elementwise import cast, greater, select

__all__ = ["Softmax"]


class Softmax(Layer):
    """Softmax along ``axis``, or over several axes together.

    ``mask`` (True, or a number above 0.5, for positions that count) must broadcast against the inputs; the others get
    a share of 0.
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            inputs = select(_counted(mask), inputs, -3e4 if dtype_of(inputs) is float16 else -1e9)
        return activations.softmax(inputs, self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _counted(mask: Any) -> Any:
    operand = lift(mask)
    return operand if dtype_of(operand).is_bool else greater(cast(operand, float32), 0.5)
