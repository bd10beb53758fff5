"""Gaussian noise, multiplied or added."""

from __future__ import annotations

import math
from typing import Any

from graphc import draws
from graphc.keras.layers.regularization.noise import NoiseLayer, checked_rate
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import dtype_of, shape_of
from graphc_ir.ops.elementwise import add, mul

__all__ = ["GaussianDropout", "GaussianNoise"]


class GaussianDropout(NoiseLayer):
    """In training, multiplies by noise of mean 1 and standard deviation ``sqrt(rate / (1 - rate))``, which is that of
    dropout of the same rate. Raises ArgumentError for a rate outside [0, 1)."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(checked_rate(rate, "GaussianDropout"), seed, **kwargs)
        if rate == 1:
            raise ArgumentError("GaussianDropout: rate=1 asks for noise of infinite variance; pass a rate below 1")
        self.rate = rate

    def disturb(self, inputs: Any) -> Any:
        spread = math.sqrt(self.rate / (1 - self.rate))
        return mul(inputs, draws.normal(self.seed_generator.next(), shape_of(inputs), 1.0, spread, dtype_of(inputs)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


class GaussianNoise(NoiseLayer):
    """In training, adds noise of mean 0 and standard deviation ``stddev``. Raises ArgumentError for a negative one."""

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        if not stddev >= 0:
            raise ArgumentError(f"GaussianNoise: got stddev={stddev!r}, expected a standard deviation of 0 or more")
        super().__init__(stddev, seed, **kwargs)
        self.stddev = stddev

    def disturb(self, inputs: Any) -> Any:
        noise = draws.normal(self.seed_generator.next(), shape_of(inputs), 0.0, self.stddev, dtype_of(inputs))
        return add(inputs, noise)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}
