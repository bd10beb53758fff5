"""Images that are mirrored, turned, zoomed, moved or cut at random."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc import draws
from graphc.keras.layers.arguments import integer, one_of
from graphc.keras.layers.preprocessing.image_layer import RandomImageLayer, bounds_of
from graphc.keras.ops.image import affine_transform, resize
from graphc_ir.dtypes import int64
from graphc_ir.ops.base import Operand, dtype_of, lift, shape_of
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import add, cast, cos, greater, mul, neg, select, sin, sub
from graphc_ir.ops.gather import gather
from graphc_ir.ops.movement import broadcast_to, concat, reshape, reverse
from graphc_ir.ops.shape import size_operand

__all__ = ["RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"]

_FILL_MODES = ("reflect", "wrap", "constant", "nearest")
_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomFlip(RandomImageLayer):
    """In training, mirrors half of the images. ``mode``: "horizontal" (left and right), "vertical" or
    "horizontal_and_vertical" (each for itself)."""

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.mode = one_of(mode, _MODES, "RandomFlip: mode")

    def disturb(self, images: Operand) -> Operand:
        vertical, horizontal = self.spatial_axes
        for direction, axis in (("horizontal", horizontal), ("vertical", vertical)):
            if direction in self.mode.split("_and_"):
                images = select(greater(self.drawn(images, 0, 1), 0.5), reverse(images, axis), images)
        return images

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed, "mode": self.mode}


class _RandomAffine(RandomImageLayer):
    """Base of layers whose pixels (x, y) show the pixels ``a @ (x, y, 1)`` of the image."""

    def __init__(
        self,
        fill_mode: str,
        interpolation: str,
        seed: int | None,
        fill_value: float,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        name = type(self).__name__
        self.fill_mode = one_of(fill_mode, _FILL_MODES, f"{name}: fill_mode")
        self.interpolation = one_of(interpolation, ("nearest", "bilinear"), f"{name}: interpolation")
        self.fill_value = fill_value

    def matrix(self, images: Operand) -> Sequence[Any]:
        """The six coefficients, row by row: numbers, or one [batch, 1, 1, 1] each. Subclasses define it."""
        raise NotImplementedError

    def disturb(self, images: Operand) -> Operand:
        batch = shape_of(images)[0]
        columns = [broadcast_to(reshape(lift(c, dtype_of(images)), (-1, 1)), (batch, 1))
                   for c in (*self.matrix(images), 0.0, 0.0)]  # fmt: skip
        return affine_transform(
            images, concat(columns, 1), self.interpolation, self.fill_mode, self.fill_value, self.data_format
        )

    def last_places(self, images: Operand) -> tuple[Operand, Operand]:
        """The y of the last row and the x of the last column, as numbers."""
        height, width = (sub(size_operand(size, dtype_of(images)), 1) for size in self.sizes(images))
        return height, width


class RandomRotation(_RandomAffine):
    """In training, turns images around their middle, counterclockwise by a share of a full turn drawn from ``factor``:
    a pair, or -factor to factor.

    ``fill_mode`` says what stands beyond the borders: "reflect", "wrap", "constant" (``fill_value``) or "nearest".
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = bounds_of(factor, "RandomRotation: factor", -math.inf, math.inf)

    def matrix(self, images: Operand) -> Sequence[Any]:
        angle = mul(self.drawn(images, *self.factor), 2 * math.pi)
        across, down = cos(angle), sin(angle)
        bottom, right = self.last_places(images)
        x = mul(sub(right, sub(mul(across, right), mul(down, bottom))), 0.5)
        y = mul(sub(bottom, add(mul(down, right), mul(across, bottom))), 0.5)
        return across, neg(down), x, down, across, y

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "interpolation": self.interpolation,
            "seed": self.seed,
        }


class _RandomBoth(_RandomAffine):
    """Base of layers with a factor for the height and one for the width."""

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        name = type(self).__name__
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._height = bounds_of(height_factor, f"{name}: height_factor", -1.0, 1.0)
        self._width = None if width_factor is None else bounds_of(width_factor, f"{name}: width_factor", -1.0, 1.0)

    def factors(self, images: Operand) -> tuple[Operand, Operand]:
        """The factors of height and width; without a range of its own, the width has the height's."""
        height = self.drawn(images, *self._height)
        return height, height if self._width is None else self.drawn(images, *self._width)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "seed": self.seed,
            "fill_value": self.fill_value,
        }


class RandomTranslation(_RandomBoth):
    """In training, moves images down and to the right by shares of their size drawn from ``height_factor`` and
    ``width_factor``: pairs, or -factor to factor. The rest is as in :class:`RandomRotation`."""

    def matrix(self, images: Operand) -> Sequence[Any]:
        height, width = (size_operand(size, dtype_of(images)) for size in self.sizes(images))
        down, right = self.factors(images)
        return 1.0, 0.0, neg(mul(right, width)), 0.0, 1.0, neg(mul(down, height))


class RandomZoom(_RandomBoth):
    """In training, zooms out (positive) or in (negative) by shares drawn from ``height_factor`` and ``width_factor``:
    pairs, or -factor to factor. Without ``width_factor``, proportions stay. The rest is as in
    :class:`RandomRotation`."""

    def matrix(self, images: Operand) -> Sequence[Any]:
        bottom, right = self.last_places(images)
        down, across = self.factors(images)
        x, y = mul(mul(right, across), -0.5), mul(mul(bottom, down), -0.5)
        return add(across, 1), 0.0, x, 0.0, add(down, 1), y


class RandomCrop(RandomImageLayer):
    """In training, cuts ``height`` times ``width`` out of images, at the same random place for a whole batch.

    Else, and for smaller images, the largest part of the same proportions around the middle is resized to it.
    """

    def __init__(
        self, height: int, width: int, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.height = integer(height, "RandomCrop: height", least=1)
        self.width = integer(width, "RandomCrop: width", least=1)

    def transform(self, images: Operand, training: bool) -> Operand:
        wanted, sizes = (self.height, self.width), self.sizes(images)
        small = any(isinstance(have, int) and have < want for have, want in zip(sizes, wanted, strict=True))
        if not training or small:
            return resize(images, wanted, crop_to_aspect_ratio=True, data_format=self.data_format)
        return self.disturb(images)

    def disturb(self, images: Operand) -> Operand:
        for axis, have, want in zip(self.spatial_axes, self.sizes(images), (self.height, self.width), strict=True):
            places = add(size_operand(have, int64), 1 - want)
            share = draws.uniform(self.generator.next(), (), 0, 1, "float32")
            start = cast(mul(share, cast(places, "float32")), int64)
            images = gather(images, add(iota(want, int64), start), axis)
        return images

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width, "seed": self.seed}
