"""Softmax as a layer, with masked positions left out."""

from __future__ import annotations

from typing import Any

from graphc.keras import activations
from graphc.keras.engine.layer import Layer
from graphc_ir.dims import Shape, known_equal
from graphc_ir.dtypes import float16, float32
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Operand, dtype_of, lift, shape_of
from graphc_ir.ops.elementwise import cast, greater, select

__all__ = ["Softmax"]


class Softmax(Layer):
    """Softmax along ``axis``, or over several axes together.

    ``mask`` (True, or a number above 0.5, for positions that count) must broadcast to the shape of the inputs; the
    others get a share of 0. Raises ShapeError for another mask.
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return activations.softmax(inputs, self.axis)
        counted = self._counted(mask, inputs)
        low = -3e4 if dtype_of(inputs) is float16 else -1e9
        shares = activations.softmax(select(counted, inputs, low), self.axis)
        # Where nothing counts, all are equally low.
        return select(counted, shares, 0)

    def _counted(self, mask: Any, inputs: Operand) -> Operand:
        operand, shape = lift(mask), shape_of(inputs)
        if not _broadcasts(shape_of(operand), shape):
            raise ShapeError(f"{self.name}: got a mask of shape {tuple(shape_of(operand))}, which does not broadcast "
                             f"to the shape {tuple(shape)} of the inputs")  # fmt: skip
        return operand if dtype_of(operand).is_bool else greater(cast(operand, float32), 0.5)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _broadcasts(mask: Shape, shape: Shape) -> bool:
    pairs = zip(mask[::-1], shape[::-1], strict=False)
    return len(mask) <= len(shape) and all(known_equal(m, 1) or known_equal(m, n) is not False for m, n in pairs)
