"""Pooling over all positions."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.keras.config import standardize_data_format
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc_ir.ops.base import Operand, dtype_of, lift
from graphc_ir.ops.elementwise import cast, div, mul
from graphc_ir.ops.movement import expand_dims
from graphc_ir.ops.reduction import reduce_max, reduce_mean, reduce_sum

__all__ = [
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D",
    "GlobalMaxPooling2D", "GlobalMaxPooling3D",
]  # fmt: skip


class GlobalPooling(Layer):
    """Base: one value per channel of ``[batch, spatial..., channels]`` (channels first with
    ``data_format="channels_first"``). ``keepdims`` keeps the spatial axes with size 1."""

    rank: ClassVar[int]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def spatial_axes(self) -> list[int]:
        first = 1 if self.data_format == "channels_last" else 2
        return list(range(first, first + self.rank))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class GlobalMaxPooling(GlobalPooling):
    """The largest value of each channel."""

    def call(self, inputs: Any) -> Any:
        return reduce_max(inputs, self.spatial_axes, self.keepdims)


class GlobalAveragePooling(GlobalPooling):
    """The mean of each channel."""

    def call(self, inputs: Any) -> Any:
        return reduce_mean(inputs, self.spatial_axes, self.keepdims)


class GlobalMaxPooling1D(GlobalMaxPooling):
    """Max over time: ``[batch, steps, channels]`` to ``[batch, channels]``."""

    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """Max over images: ``[batch, height, width, channels]`` to ``[batch, channels]``."""

    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """Max over volumes: ``[batch, depth, height, width, channels]`` to ``[batch, channels]``."""

    rank = 3


class GlobalAveragePooling1D(GlobalAveragePooling):
    """Mean over time: ``[batch, steps, channels]`` to ``[batch, channels]``; of the steps that ``mask`` marks, if it
    is given (``[batch, steps]``)."""

    rank = 1

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return super().call(inputs) if mask is None else self._masked_mean(lift(inputs), mask)

    def _masked_mean(self, inputs: Operand, mask: Any) -> Operand:
        features = 2 if self.data_format == "channels_last" else 1
        weights = expand_dims(cast(mask, dtype_of(inputs)), features)
        total = reduce_sum(mul(inputs, weights), self.spatial_axes, self.keepdims)
        return div(total, reduce_sum(weights, self.spatial_axes, self.keepdims))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: the steps are gone."""
        return None


class GlobalAveragePooling2D(GlobalAveragePooling):
    """Mean over images: ``[batch, height, width, channels]`` to ``[batch, channels]``."""

    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """Mean over volumes: ``[batch, depth, height, width, channels]`` to ``[batch, channels]``."""

    rank = 3
