"""Dropout: element by element, or whole feature maps at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import draws
from graphc.keras.config import standardize_data_format
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.regularization.noise import NoiseLayer, checked_rate
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.creation import zeros_like

__all__ = ["Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"]


class Dropout(NoiseLayer):
    """In training, sets a random fraction ``rate`` of the elements to 0 and scales the others by ``1 / (1 - rate)``.

    ``noise_shape`` says which elements share their fate: 1 for an axis along which all do, None for the input's size.
    Raises ArgumentError for a rate outside [0, 1] or a noise shape that is none.
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(checked_rate(rate, type(self).__name__), seed, **kwargs)
        self.rate = rate
        self.noise_shape = _checked_noise_shape(noise_shape)

    def disturb(self, inputs: Any) -> Any:
        if self.rate == 1:
            return zeros_like(inputs)
        return draws.dropout(self.seed_generator.next, inputs, self.rate, self.noise_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


def _checked_noise_shape(shape: Any) -> tuple[int | None, ...] | None:
    if shape is None:
        return None
    sizes = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    if not isinstance(shape, Sequence) or any(d is not None and (not isinstance(d, int) or d < 1) for d in sizes):
        raise ArgumentError(f"Dropout: noise_shape must be a sequence of positive integers or Nones, got {shape!r}")
    return sizes


class _SpatialDropout(Dropout):
    """Drops whole feature maps: ``spatial`` axes share their fate."""

    spatial: int

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, None, seed, name=name, dtype=dtype, **kwargs)
        self.data_format = standardize_data_format(data_format)
        channel_first = self.data_format == "channels_first"
        self.noise_shape = (None, None, *_ones(self)) if channel_first else (None, *_ones(self), None)
        self.input_spec = InputSpec(ndim=self.spatial + 2)

    def get_config(self) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "seed": self.seed,
            "name": self.name,
            "dtype": self.dtype,
            "data_format": self.data_format,
        }


def _ones(layer: _SpatialDropout) -> tuple[int, ...]:
    return (1,) * layer.spatial


class SpatialDropout1D(_SpatialDropout):
    """In training, drops whole channels of ``[batch, steps, channels]``: neighbouring steps resemble each other."""

    spatial = 1

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(rate, "channels_last", seed, name, dtype, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {key: value for key, value in super().get_config().items() if key != "data_format"}


class SpatialDropout2D(_SpatialDropout):
    """In training, drops whole channels of images ``[batch, height, width, channels]`` (or channels first)."""

    spatial = 2


class SpatialDropout3D(_SpatialDropout):
    """In training, drops whole channels of volumes ``[batch, depth, height, width, channels]`` (or channels first)."""

    spatial = 3
