"""UnitNormalization."""

from __future__ import annotations

from typing import Any, Final

from graphc.keras.engine.layer import Layer
from graphc.keras.layers.normalization.affine import normalized_axes
from graphc_ir.ops.elementwise import cast
from graphc_ir.ops.normalization import l2_normalize

__all__ = ["UnitNormalization"]

_SMALLEST_SQUARE: Final = 1e-24


class UnitNormalization(Layer):
    """Divides by the L2 norm over ``axis`` (one or several), so that the norm becomes 1; zeros stay zeros."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = normalized_axes(axis, "UnitNormalization")
        self.supports_masking = True
        self.built = type(self).build is Layer.build

    def call(self, inputs: Any) -> Any:
        return l2_normalize(cast(inputs, self.compute_dtype), self.axis, _SMALLEST_SQUARE)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
