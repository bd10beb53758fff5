"""Resizing and CenterCrop: images of any size as images of one size."""

from __future__ import annotations

from typing import Any

from graphc.keras.config import standardize_data_format
from graphc.keras.engine.layer import Layer
from graphc.keras.ops.image.resizing import crop_images, resize
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import lift, shape_of
from graphc_ir.ops.elementwise import cast

__all__ = ["CenterCrop", "Resizing"]


class Resizing(Layer):
    """Images with ``height`` and ``width``, by ``interpolation``: see :func:`graphc.keras.ops.image.resize`.

    Images are [height, width, channels] or batches of them (channels first with that ``data_format``).
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
        super().__init__(**kwargs)
        self.height = height
        self.width = width
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = antialias
        self.data_format = standardize_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        return resize(
            cast(inputs, self.compute_dtype),
            (self.height, self.width),
            interpolation=self.interpolation,
            antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def get_config(self) -> dict[str, Any]:
        names = ("data_format", "height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio",
                 "fill_mode", "fill_value", "antialias")  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class CenterCrop(Layer):
    """The middle of images, ``height`` by ``width``; smaller images are first enlarged until it fits.

    Raises ShapeError for images whose size is open: which of the two to do is not known then.
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height = height
        self.width = width
        self.data_format = standardize_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        images = cast(lift(inputs), self.compute_dtype)
        rows, columns = self._sizes(shape_of(images))
        if rows < self.height or columns < self.width:
            return resize(images, (self.height, self.width), crop_to_aspect_ratio=True, data_format=self.data_format)
        return crop_images(
            images,
            top_cropping=(rows - self.height) // 2,
            left_cropping=(columns - self.width) // 2,
            target_height=self.height,
            target_width=self.width,
            data_format=self.data_format,
        )

    def _sizes(self, shape: Any) -> tuple[int, int]:
        rows, columns = shape[-3:-1] if self.data_format == "channels_last" else shape[-2:]
        if not isinstance(rows, int) or not isinstance(columns, int):
            raise ShapeError(f"CenterCrop {self.name!r} needs images of a known size, got shape "
                             f"[{', '.join(map(str, shape))}]; resize them first")  # fmt: skip
        return rows, columns

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "data_format": self.data_format,
            "height": self.height,
            "width": self.width,
        }
