"""What layers that draw random numbers in training have in common."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.random.seed_generator import SeedGenerator
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.elementwise import cast

__all__ = ["NoiseLayer", "checked_rate"]


class NoiseLayer(Layer):
    """Base of layers that are the identity outside training, or when their ``strength`` is 0.

    Subclasses define ``disturb``. The seed generator exists only if it is needed.
    """

    def __init__(self, strength: float, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.supports_masking = True
        self._strength = strength
        if strength > 0:
            self.seed_generator = SeedGenerator(seed)
        self.built = type(self).build is Layer.build

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        if not training or self._strength == 0:
            return inputs
        return self.disturb(cast(inputs, self.compute_dtype))

    def disturb(self, inputs: Any) -> Any:
        """The inputs with noise. Subclasses define it."""
        raise NotImplementedError


def checked_rate(rate: Any, what: str) -> float:
    """A fraction of elements to drop. Raises ArgumentError unless it lies between 0 and 1."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise ArgumentError(f"{what}: got rate={rate!r}, expected a number between 0 and 1, the fraction of elements "
                            "to drop")  # fmt: skip
    return rate
