"""Resizing and CenterCrop: images of one size."""

from __future__ import annotations

from typing import Any

from graphc.keras.layers.arguments import integer
from graphc.keras.layers.preprocessing.image_layer import ImageLayer
from graphc.keras.ops.image import resize
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Operand, shape_of
from graphc_ir.ops.movement import slice_axis

__all__ = ["CenterCrop", "Resizing"]


class Resizing(ImageLayer):
    """Images of ``height`` times ``width``.

    ``interpolation``: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5"; ``antialias`` averages where images
    get smaller. ``crop_to_aspect_ratio`` cuts, ``pad_to_aspect_ratio`` adds borders of ``fill_value`` to keep the
    proportions. Integer images stay integers.
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height = integer(height, "Resizing: height", least=1)
        self.width = integer(width, "Resizing: width", least=1)
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = antialias

    def converted(self, images: Operand) -> Operand:
        return images

    def transform(self, images: Operand, training: bool) -> Operand:
        return resize(
            images, (self.height, self.width), self.interpolation, self.antialias, self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio, self.fill_mode, self.fill_value, self.data_format,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "antialias": self.antialias,
        }


class CenterCrop(ImageLayer):
    """The middle ``height`` times ``width`` of images. Smaller images are enlarged until they cover that.

    Raises ShapeError for images whose size is open: which of the two to do is not known then.
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.height = integer(height, "CenterCrop: height", least=1)
        self.width = integer(width, "CenterCrop: width", least=1)

    def transform(self, images: Operand, training: bool) -> Operand:
        rows, columns = self.sizes(images)
        wanted = (self.height, self.width)
        if not isinstance(rows, int) or not isinstance(columns, int):
            raise ShapeError(f"CenterCrop {self.name!r} needs images of a known size, got shape "
                             f"[{', '.join(map(str, shape_of(images)))}]; resize them first")  # fmt: skip
        if rows < self.height or columns < self.width:
            return resize(images, wanted, crop_to_aspect_ratio=True, data_format=self.data_format)
        for axis, have, want in zip(self.spatial_axes, (rows, columns), wanted, strict=True):
            start = (have - want) // 2
            images = slice_axis(images, axis, start, start + want)
        return images

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}
