"""Larger data: rows, columns and layers repeated or interpolated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from graphc.keras.config import standardize_data_format
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import axis_sizes, integer, one_of
from graphc.keras.ops.promotion import floats
from graphc_ir.ops.base import Operand, lift, shape_of
from graphc_ir.ops.resize import resize

__all__ = ["UpSampling1D", "UpSampling2D", "UpSampling3D"]

_METHODS: Final = {
    "nearest": "nearest",
    "bilinear": "linear",
    "bicubic": "cubic",
    "lanczos3": "lanczos3",
    "lanczos5": "lanczos5",
}


def _enlarged(inputs: Any, factors: Sequence[int], first: int, method: str = "nearest") -> Operand:
    operand, axes = lift(inputs), range(first, first + len(factors))
    if method != "nearest":
        operand = floats(operand)
    sizes = [shape_of(operand)[axis] * factor for axis, factor in zip(axes, factors, strict=True)]
    return resize(operand, sizes, axes, method)


class UpSampling1D(Layer):
    """Every step ``size`` times: ``[batch, steps, channels]`` to ``[batch, size * steps, channels]``."""

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = integer(size, "UpSampling1D: size", least=1)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        return _enlarged(inputs, [self.size], 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


class SpatialUpSampling(Layer):
    """Base: ``size`` is an int or one factor per spatial axis of ``[batch, spatial..., channels]`` (channels first
    with ``data_format="channels_first"``)."""

    rank: ClassVar[int]

    def __init__(self, size: int | Sequence[int] = 2, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = axis_sizes(size, self.rank, f"{type(self).__name__}: size")
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def method(self) -> str:
        return "nearest"

    def call(self, inputs: Any) -> Any:
        return _enlarged(inputs, self.size, 1 if self.data_format == "channels_last" else 2, self.method)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


class UpSampling2D(SpatialUpSampling):
    """Larger images: ``[batch, height, width, channels]``.

    ``interpolation``: ``"nearest"`` repeats rows and columns; ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` and
    ``"lanczos5"`` interpolate between them.
    """

    rank = 2

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self.interpolation = one_of(interpolation, tuple(_METHODS), "UpSampling2D: interpolation")

    @property
    def method(self) -> str:
        return _METHODS[self.interpolation]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(SpatialUpSampling):
    """Larger volumes: the layers, rows and columns of ``[batch, depth, height, width, channels]`` repeated."""

    rank = 3
