"""Rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.engine.layer import Layer
from graphc_ir.dtypes import as_dtype
from graphc_ir.ops.base import Operand, lift
from graphc_ir.ops.elementwise import add, cast, mul

__all__ = ["Rescaling"]


class Rescaling(Layer):
    """``inputs * scale + offset``. Both are numbers, or arrays that broadcast against the inputs.

    Images of 0 to 255 become 0 to 1 with ``scale=1 / 255``, and -1 to 1 with ``scale=1 / 127.5, offset=-1``.
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return add(mul(cast(inputs, self.compute_dtype), self._number(self.scale)), self._number(self.offset))

    def _number(self, value: Any) -> Operand:
        return lift(np.asarray(value, as_dtype(self.compute_dtype).np))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": _plain(self.scale), "offset": _plain(self.offset)}


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else np.asarray(value).tolist()
