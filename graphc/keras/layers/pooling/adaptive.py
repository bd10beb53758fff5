"""Pooling to a given number of positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from graphc.keras.config import standardize_data_format
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import axis_sizes
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Operand, lift, shape_of
from graphc_ir.ops.movement import concat, slice_axis
from graphc_ir.ops.pooling import avg_pool, max_pool
from graphc_ir.ops.reduction import reduce_max, reduce_mean

__all__ = [
    "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D",
]  # fmt: skip


class AdaptivePooling(Layer):
    """Base: pools the spatial axes of ``[batch, spatial..., channels]`` (channels first with
    ``data_format="channels_first"``) to ``output_size`` positions: an int, or one per axis.

    Position ``i`` of ``n`` sees the elements from ``floor(i * size / n)`` up to ``ceil((i + 1) * size / n)``. The
    spatial sizes must be known.
    """

    rank: ClassVar[int]
    window_pool: ClassVar[Callable[..., Operand]]
    reduce: ClassVar[Callable[..., Operand]]

    def __init__(self, output_size: int | Sequence[int], data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = axis_sizes(output_size, self.rank, f"{type(self).__name__}: output_size")
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        pooled = lift(inputs)
        first = 1 if self.data_format == "channels_last" else 2
        sizes = self._known_sizes(shape_of(pooled)[first : first + self.rank])
        if all(size % count == 0 for size, count in zip(sizes, self.output_size, strict=True)):
            window = [size // count for size, count in zip(sizes, self.output_size, strict=True)]
            return type(self).window_pool(pooled, window, data_format=self.data_format)
        for axis, (size, count) in enumerate(zip(sizes, self.output_size, strict=True), start=first):
            pooled = self._pool_axis(pooled, axis, size, count)
        return pooled

    def _known_sizes(self, sizes: Sequence[Any]) -> list[int]:
        if not all(isinstance(size, int) for size in sizes):
            raise ShapeError(f"{type(self).__name__} {self.name!r} needs known spatial sizes, got "
                             f"[{', '.join(map(str, sizes))}]; give them in the Input")  # fmt: skip
        return list(sizes)

    def _pool_axis(self, x: Operand, axis: int, size: int, count: int) -> Operand:
        bounds = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
        parts = [type(self).reduce(slice_axis(x, axis, low, high), axis, True) for low, high in bounds]
        return concat(parts, axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class AdaptiveAveragePooling(AdaptivePooling):
    """The mean of each part."""

    window_pool = staticmethod(avg_pool)
    reduce = staticmethod(reduce_mean)


class AdaptiveMaxPooling(AdaptivePooling):
    """The largest element of each part."""

    window_pool = staticmethod(max_pool)
    reduce = staticmethod(reduce_max)


class AdaptiveAveragePooling1D(AdaptiveAveragePooling):
    """Means over time: ``[batch, steps, channels]`` to ``[batch, output_size, channels]``."""

    rank = 1


class AdaptiveAveragePooling2D(AdaptiveAveragePooling):
    """Means over images: ``[batch, height, width, channels]`` to ``[batch, *output_size, channels]``."""

    rank = 2


class AdaptiveAveragePooling3D(AdaptiveAveragePooling):
    """Means over volumes: ``[batch, depth, height, width, channels]`` to ``[batch, *output_size, channels]``."""

    rank = 3


class AdaptiveMaxPooling1D(AdaptiveMaxPooling):
    """Maxima over time: ``[batch, steps, channels]`` to ``[batch, output_size, channels]``."""

    rank = 1


class AdaptiveMaxPooling2D(AdaptiveMaxPooling):
    """Maxima over images: ``[batch, height, width, channels]`` to ``[batch, *output_size, channels]``."""

    rank = 2


class AdaptiveMaxPooling3D(AdaptiveMaxPooling):
    """Maxima over volumes: ``[batch, depth, height, width, channels]`` to ``[batch, *output_size, channels]``."""

    rank = 3
