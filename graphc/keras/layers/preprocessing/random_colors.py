"""Images with other contrast or brightness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras.layers.preprocessing.image_layer import RandomImageLayer, bounds_of, value_range_of
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import clip_by_value
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, mul, sub
from graphc_ir.ops.reduction import reduce_mean

__all__ = ["RandomBrightness", "RandomContrast"]


class RandomContrast(RandomImageLayer):
    """In training, moves the pixels of each channel away from their mean or towards it: ``(x - mean) * f + mean``.

    ``f`` is drawn from 1 - lower to 1 + upper, where ``factor`` is the pair (lower, upper); a number is the upper one,
    with a lower one of 0, as Keras does it. The result stays within ``value_range``.
    """

    def __init__(
        self, factor: Any, value_range: Sequence[float] = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        pair = isinstance(factor, (list, tuple))
        self.factor = tuple(factor) if pair else (0, factor)
        if len(self.factor) != 2 or not all(0 <= f <= 1 for f in self.factor):
            raise ArgumentError("RandomContrast: factor must be a number, or a pair of numbers, in the range [0, 1]; "
                                f"got {factor!r}")  # fmt: skip
        self.value_range = value_range_of(value_range, "RandomContrast")

    def disturb(self, images: Operand) -> Operand:
        lower, upper = self.factor
        mean = reduce_mean(images, self.spatial_axes, keepdims=True)
        changed = add(mul(sub(images, mean), self.drawn(images, 1 - lower, 1 + upper)), mean)
        return clip_by_value(changed, *self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range, "seed": self.seed}


class RandomBrightness(RandomImageLayer):
    """In training, adds a number to all pixels of an image: a share of ``value_range`` drawn from the pair ``factor``,
    or from -factor to factor. The result stays within the range."""

    def __init__(
        self, factor: Any, value_range: Sequence[float] = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.factor = bounds_of(factor, "RandomBrightness: factor", -1.0, 1.0)
        self.value_range = value_range_of(value_range, "RandomBrightness")

    def disturb(self, images: Operand) -> Operand:
        low, high = self.value_range
        moved = add(images, mul(self.drawn(images, *self.factor), high - low))
        return clip_by_value(moved, low, high)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range, "seed": self.seed}
