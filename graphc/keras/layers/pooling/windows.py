"""Pooling over sliding windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from graphc.keras.config import standardize_data_format
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import axis_sizes, one_of
from graphc_ir.ops.base import Operand
from graphc_ir.ops.pooling import avg_pool, max_pool

__all__ = ["AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D"]


class WindowPooling(Layer):
    """Base: pools windows over the spatial axes of ``[batch, spatial..., channels]`` (channels first with
    ``data_format="channels_first"``).

    ``pool_size`` and ``strides``: an int, or one per spatial axis; strides are the window's sizes if not given.
    ``padding``: ``"valid"``, or ``"same"``, where padding never counts.
    """

    rank: ClassVar[int]

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        kind = type(self).__name__
        self.pool_size = axis_sizes(pool_size, self.rank, f"{kind}: pool_size")
        self.strides = self.pool_size if strides is None else axis_sizes(strides, self.rank, f"{kind}: strides")
        self.padding = one_of(padding, ("valid", "same"), f"{kind}: padding")
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def pool(self, inputs: Any) -> Operand:
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        return self.pool(inputs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


class MaxPooling(WindowPooling):
    """The largest element of each window."""

    def pool(self, inputs: Any) -> Operand:
        return max_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class AveragePooling(WindowPooling):
    """The mean of each window."""

    def pool(self, inputs: Any) -> Operand:
        return avg_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class MaxPooling1D(MaxPooling):
    """Max pooling over time: ``[batch, steps, channels]``."""

    rank = 1


class MaxPooling2D(MaxPooling):
    """Max pooling over images: ``[batch, height, width, channels]``."""

    rank = 2


class MaxPooling3D(MaxPooling):
    """Max pooling over volumes: ``[batch, depth, height, width, channels]``."""

    rank = 3


class AveragePooling1D(AveragePooling):
    """Average pooling over time: ``[batch, steps, channels]``."""

    rank = 1


class AveragePooling2D(AveragePooling):
    """Average pooling over images: ``[batch, height, width, channels]``."""

    rank = 2


class AveragePooling3D(AveragePooling):
    """Average pooling over volumes: ``[batch, depth, height, width, channels]``."""

    rank = 3
