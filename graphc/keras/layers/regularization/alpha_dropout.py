"""Dropout for self-normalising networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from graphc import draws
from graphc.keras.layers.regularization.noise import NoiseLayer, checked_rate
from graphc_ir.ops.base import dtype_of, lift, shape_of
from graphc_ir.ops.elementwise import add, greater_equal, mul, select

__all__ = ["AlphaDropout"]

_SELU_LIMIT: Final = -1.7580993408473766
"""What selu tends to for very negative inputs."""


class AlphaDropout(NoiseLayer):
    """In training, sets a random fraction ``rate`` of the elements to selu's lower limit, then scales and shifts all so
    that mean 0 and variance 1 stay as they are. ``noise_shape`` as in :class:`Dropout`."""

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(checked_rate(rate, "AlphaDropout"), seed, **kwargs)
        self.rate = rate
        self.noise_shape = noise_shape

    def disturb(self, inputs: Any) -> Any:
        kept = 1 - self.rate
        scale = (kept * (1 + self.rate * _SELU_LIMIT**2)) ** -0.5 if kept else 0.0
        keep = greater_equal(self._draw(inputs), self.rate)
        mixed = select(keep, inputs, lift(_SELU_LIMIT, dtype_of(inputs)))
        return add(mul(mixed, scale), -scale * _SELU_LIMIT * self.rate)

    def _draw(self, inputs: Any) -> Any:
        shape = shape_of(inputs)
        given = shape if self.noise_shape is None else self.noise_shape
        sizes = tuple(have if want is None else want for have, want in zip(shape, given, strict=True))
        return draws.uniform(self.seed_generator.next(), sizes, 0, 1, dtype_of(inputs))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}
