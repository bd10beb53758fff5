"""Images as Pillow has them, and as arrays. Pillow comes with ``pip install 'graphc[images]'``."""

from __future__ import annotations

import io
import os
import warnings
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc.keras import config
from graphc.keras.utils.errors import PillowMissingError
from graphc_ir.errors import ArgumentError, ShapeError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["CHANNELS", "array_to_img", "img_to_array", "load_img", "pillow", "save_img", "with_channels"]

Array: TypeAlias = NDArray[Any]

CHANNELS: Final = {"grayscale": 1, "rgb": 3, "rgba": 4}
"""The color modes and how many channels they have."""

_PILLOW_MODES: Final = {"rgb": "RGB", "rgba": "RGBA"}
_GRAY_MODES: Final = ("L", "I;16", "I")
_INTERPOLATIONS: Final = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow(where: str) -> ModuleType:
    """The module ``PIL.Image``. Raises PillowMissingError if Pillow is not installed."""
    try:
        from PIL import Image
    except ImportError as error:
        raise PillowMissingError(
            f"{where}: Could not import PIL.Image; install Pillow: pip install 'graphc[images]'"
        ) from error
    return Image


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Image:
    """A Pillow image of an array.

    Args:
        x: shape (height, width, channels), or (channels, height, width) under ``"channels_first"``; 1, 3 or 4
            channels: grey, RGB or RGBA.
        data_format: where the channels are; None means ``keras.config.image_data_format()``.
        scale: moves and scales the values so that they reach from 0 to 255. Otherwise they are cut to integers;
            grey values above 255 give an image of 32-bit integers.
        dtype: to compute with; None means ``keras.config.floatx()``.

    Raises:
        ShapeError: ``x`` has another rank or number of channels.
        PillowMissingError: Pillow is not installed.
    """
    image = pillow("array_to_img")
    pixels = np.asarray(x, config.standardize_dtype(dtype))
    if pixels.ndim != 3:
        raise ShapeError(f"array_to_img: Expected image array to have rank 3 (single image), got shape {pixels.shape}")
    if config.standardize_data_format(data_format) == "channels_first":
        pixels = pixels.transpose(1, 2, 0)
    if pixels.shape[2] not in CHANNELS.values():
        raise ShapeError(f"array_to_img: Unsupported channel number: {pixels.shape[2]}; expected 1, 3 or 4 channels")
    if scale:
        pixels = _stretched(pixels)
    if pixels.shape[2] > 1:
        return image.fromarray(pixels.astype(np.uint8))  # type: ignore[no-any-return]
    gray = pixels[:, :, 0]
    return image.fromarray(gray.astype(np.int32 if gray.max() > 255 else np.uint8))  # type: ignore[no-any-return]


def _stretched(pixels: Array) -> Array:
    pixels = pixels - pixels.min()
    top = pixels.max()
    return pixels / top * 255 if top else pixels


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> Array:
    """A Pillow image as an array (height, width, channels), or (channels, height, width).

    Args:
        data_format: where to put the channels; None means ``keras.config.image_data_format()``.
        dtype: of the array; None means ``keras.config.floatx()``.

    Raises:
        ShapeError: ``img`` has neither two nor three axes.
    """
    pixels = np.asarray(img, config.standardize_dtype(dtype))
    if pixels.ndim not in (2, 3):
        raise ShapeError(f"img_to_array: Unsupported image shape: {pixels.shape}; expected two or three axes")
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    return pixels.transpose(2, 0, 1) if config.standardize_data_format(data_format) == "channels_first" else pixels


def save_img(
    path: str | os.PathLike[str] | IO[bytes],
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array as an image file.

    Args:
        path: the file, or a binary file object.
        x, data_format, scale: as for :func:`array_to_img`.
        file_format: e.g. ``"png"``; None tells it by the ending of ``path``. A file object needs it.
        **kwargs: for Pillow's ``Image.save``, e.g. ``quality``.

    Warns:
        UserWarning: a JPEG file cannot hold transparency, so RGBA became RGB.
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = os.path.splitext(os.fspath(path))[1].removeprefix(".")
    name = "jpeg" if file_format and file_format.lower() == "jpg" else file_format
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and name and name.lower() == "jpeg":
        warnings.warn("The JPEG format does not support RGBA images, converting to RGB.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, name or None, **kwargs)


def load_img(
    path: str | bytes | os.PathLike[str] | io.BytesIO,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image:
    """Reads an image file as a Pillow image.

    Args:
        path: the file, or its content as BytesIO.
        color_mode: ``"grayscale"`` (8, 16 or 32 bits stay), ``"rgb"`` or ``"rgba"``.
        target_size: ``(height, width)`` to resize to.
        interpolation: how to resize: nearest, bilinear, bicubic, hamming, box or lanczos; Pillow's, which
            average when they make an image smaller.
        keep_aspect_ratio: first cuts the image around its middle to the proportions of ``target_size``.

    Raises:
        ArgumentError: an unknown ``color_mode`` or ``interpolation``, or a ``path`` of another kind.
        PillowMissingError: Pillow is not installed.
    """
    opened = _open(path)
    image = with_channels(opened, color_mode)
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    if interpolation not in _INTERPOLATIONS:
        raise ArgumentError(
            f"load_img: Invalid interpolation method {interpolation!r}, expected one of {', '.join(_INTERPOLATIONS)}"
        )
    resampling = pillow("load_img").Resampling[interpolation.upper()]
    box = _middle(image.size, target_size) if keep_aspect_ratio else None
    return image.resize((target_size[1], target_size[0]), resampling, box)


def _open(path: Any) -> Image:
    if isinstance(path, io.BytesIO):
        content = path
    elif isinstance(path, (str, bytes, os.PathLike)):
        with open(path, "rb") as file:
            content = io.BytesIO(file.read())
    else:
        raise ArgumentError(f"load_img: path should be path-like or io.BytesIO, not {type(path).__name__}")
    return pillow("load_img").open(content)  # type: ignore[no-any-return]


def with_channels(image: Image, color_mode: str) -> Image:
    """The image in one of the color modes. Raises ArgumentError for an unknown one."""
    if color_mode not in CHANNELS:
        raise ArgumentError(f'color_mode must be "grayscale", "rgb", or "rgba", received {color_mode!r}')
    if color_mode == "grayscale":
        return image if image.mode in _GRAY_MODES else image.convert("L")
    mode = _PILLOW_MODES[color_mode]
    return image if image.mode == mode else image.convert(mode)


def _middle(size: tuple[int, int], target_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest box (left, top, right, bottom) around the middle with the proportions of the target."""
    width, height = size
    target_height, target_width = target_size
    kept_height = min(height, width * target_height // target_width)
    kept_width = min(width, height * target_width // target_height)
    top, left = (height - kept_height) // 2, (width - kept_width) // 2
    return left, top, left + kept_width, top + kept_height
