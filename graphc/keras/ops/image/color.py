"""Colours: grey, and hue, saturation and value."""

from __future__ import annotations

from typing import Any

from graphc.keras.config import standardize_data_format
from graphc.keras.engine.operation import operation
from graphc.keras.ops.image.layout import on_batches
from graphc.keras.ops.promotion import convert
from graphc_ir.errors import DTypeError, ShapeError
from graphc_ir.ops.arithmetic import abs_real, clip_by_value, divide_no_nan, floormod
from graphc_ir.ops.base import Operand, dtype_of, shape_of
from graphc_ir.ops.elementwise import add, cast, div, equal, mul, select, sub
from graphc_ir.ops.rearrange import stack, unstack
from graphc_ir.ops.reduction import reduce_max, reduce_min

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]

_SHARES = (0.2989, 0.5870, 0.1140)
"""How bright red, green and blue look (ITU-R BT.601)."""


def _three_channels(what: str, images: Operand) -> list[Operand]:
    channels = shape_of(images)[-1]
    if isinstance(channels, int) and channels != 3:
        raise ShapeError(f"{what}: got {channels} channels in shape {tuple(shape_of(images))}, expected 3")
    return unstack(images, 3, -1)


@operation("image", "images", class_name="RGBToGrayscale")
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Any:
    """Images with one channel: the brightness of red, green and blue. Grey ones stay as they are."""
    standardize_data_format(data_format)
    return on_batches("rgb_to_grayscale", images, data_format, _brightness)


def _brightness(images: Operand) -> Operand:
    if shape_of(images)[-1] == 1:
        return images
    wide = images if dtype_of(images).is_floating else cast(images, "float32")
    parts = [mul(c, share) for c, share in zip(_three_channels("rgb_to_grayscale", wide), _SHARES, strict=True)]
    return cast(stack([add(add(parts[0], parts[1]), parts[2])], -1), dtype_of(images))


def _floats(what: str, images: Any) -> Operand:
    tensor = convert(images)
    if not dtype_of(tensor).is_floating:
        raise DTypeError(f"{what}: got images of dtype {dtype_of(tensor).name}, expected floats between 0 and 1; "
                         "divide by 255")  # fmt: skip
    return tensor


@operation("image", "images", class_name="RGBToHSV")
def rgb_to_hsv(images: Any, data_format: str | None = None) -> Any:
    """Hue, saturation and value, each between 0 and 1, of colours between 0 and 1.

    Raises DTypeError for integers, ShapeError for another number of channels than 3.
    """
    return on_batches("rgb_to_hsv", _floats("rgb_to_hsv", images), data_format, _hsv)


def _hsv(images: Operand) -> Operand:
    red, green, blue = _three_channels("rgb_to_hsv", images)
    value, darkest = reduce_max(images, -1), reduce_min(images, -1)
    spread = sub(value, darkest)
    of_blue = add(divide_no_nan(sub(red, green), spread), 4)
    of_green = add(divide_no_nan(sub(blue, red), spread), 2)
    of_red = divide_no_nan(sub(green, blue), spread)
    sixths = select(equal(red, value), of_red, select(equal(green, value), of_green, of_blue))
    hue = select(equal(spread, 0), cast(0.0, dtype_of(images)), floormod(div(sixths, 6), 1))
    return stack([hue, divide_no_nan(spread, value), value], -1)


@operation("image", "images", class_name="HSVToRGB")
def hsv_to_rgb(images: Any, data_format: str | None = None) -> Any:
    """Colours between 0 and 1 of hue, saturation and value: the inverse of :func:`rgb_to_hsv`.

    Raises DTypeError for integers, ShapeError for another number of channels than 3.
    """
    return on_batches("hsv_to_rgb", _floats("hsv_to_rgb", images), data_format, _rgb)


def _rgb(images: Operand) -> Operand:
    hue, saturation, value = _three_channels("hsv_to_rgb", images)
    sixths = mul(floormod(hue, 1), 6)
    # Each colour is a trapezoid over the hue circle.
    shares = [
        sub(abs_real(sub(sixths, 3)), 1),
        sub(2, abs_real(sub(sixths, 2))),
        sub(2, abs_real(sub(sixths, 4))),
    ]
    return stack([mul(value, add(sub(1, saturation), mul(saturation, clip_by_value(s, 0, 1)))) for s in shares], -1)
