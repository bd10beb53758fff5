"""Masking: marks the steps of a sequence that hold nothing."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.ops.comparison import not_equal
from graphc_ir.ops.base import Operand, dtype_of
from graphc_ir.ops.elementwise import cast, mul
from graphc_ir.ops.reduction import reduce_any

__all__ = ["Masking"]


class Masking(Layer):
    """Masks the steps of ``[batch, time, features]`` in which every feature equals ``mask_value``, and sets them to 0.

    The layers that follow and support masks skip these steps.
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True

    def _kept(self, inputs: Any, keepdims: bool) -> Operand:
        return reduce_any(not_equal(inputs, self.mask_value), -1, keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True for the steps that count: ``[batch, time]``."""
        return self._kept(inputs, keepdims=False)

    def call(self, inputs: Any) -> Any:
        return mul(inputs, cast(self._kept(inputs, keepdims=True), dtype_of(inputs)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
