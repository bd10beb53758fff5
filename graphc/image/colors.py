"""Colours, brightness and contrast of images; how images differ."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from graphc.arrays import saturate_cast
from graphc.image.sizes import images_of
from graphc.keras.ops import image as keras_image
from graphc_ir.dtypes import DType, as_dtype
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import abs_real, clip_by_value, floordiv, floormod
from graphc_ir.ops.arithmetic import pow as power
from graphc_ir.ops.base import Operand, current, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add, cast, div, log, maximum, mul, sqrt, square, sub
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import concat, reshape, slice_axis, tile
from graphc_ir.ops.rearrange import stack, unstack
from graphc_ir.ops.reduction import element_count, reduce_mean, reduce_sum, reduce_variance

__all__ = [
    "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation", "convert_image_dtype",
    "grayscale_to_rgb", "hsv_to_rgb", "image_gradients", "per_image_standardization", "psnr", "rgb_to_grayscale",
    "rgb_to_hsv", "rgb_to_yiq", "rgb_to_yuv", "sobel_edges", "ssim", "total_variation", "yiq_to_rgb", "yuv_to_rgb",
]  # fmt: skip


# --- dtypes ----------------------------------------------------------------------------------------------------------


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Any:
    """Images of another dtype, scaled: floats lie between 0 and 1, integers between 0 and their largest number.

    ``saturate`` clips what lies outside.
    """
    tensor, wanted = lift(image), as_dtype(dtype)
    have = dtype_of(tensor)
    if have is wanted:
        return tensor
    if have.is_floating and wanted.is_floating:
        return cast(tensor, wanted)
    if have.is_integer and wanted.is_integer:
        return _between_integers(tensor, have, wanted, saturate)
    if have.is_integer:
        return mul(cast(tensor, wanted), 1 / int(have.max))
    scaled = mul(tensor, int(wanted.max) + 0.5)
    return saturate_cast(scaled, wanted) if saturate else cast(scaled, wanted)


def _between_integers(x: Operand, have: DType, wanted: DType, saturate: bool) -> Operand:
    source, target = int(have.max) + 1, int(wanted.max) + 1
    if source > target:
        scaled = floordiv(x, source // target)
        return saturate_cast(scaled, wanted) if saturate else cast(scaled, wanted)
    widened = saturate_cast(x, wanted) if saturate else cast(x, wanted)
    return mul(widened, target // source)


def _as_floats(images: Any) -> tuple[Operand, DType]:
    """Images between 0 and 1, and the dtype to go back to."""
    tensor = lift(images)
    dtype = dtype_of(tensor)
    return (tensor if dtype.is_floating else convert_image_dtype(tensor, "float32")), dtype


# --- adjustments -----------------------------------------------------------------------------------------------------


def adjust_brightness(image: Any, delta: Any) -> Any:
    """``delta`` added to images between 0 and 1."""
    values, dtype = _as_floats(image)
    return convert_image_dtype(add(values, cast(delta, dtype_of(values))), dtype, saturate=True)


def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Each channel of each image spread around its mean by a factor."""
    tensor = images_of("adjust_contrast", images)
    values, dtype = _as_floats(tensor)
    mean = reduce_mean(values, (-3, -2), True)
    spread = mul(sub(values, mean), cast(contrast_factor, dtype_of(values)))
    return convert_image_dtype(add(spread, mean), dtype, saturate=True)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """``gain * image**gamma`` of images between 0 and 1. Raises ArgumentError for a negative gamma."""
    if isinstance(gamma, (int, float)) and gamma < 0:
        raise ArgumentError(f"tf.image.adjust_gamma: got gamma={gamma}, expected it not to be negative")
    values, dtype = _as_floats(image)
    kind = dtype_of(values)
    return convert_image_dtype(mul(power(values, cast(gamma, kind)), cast(gain, kind)), dtype, saturate=True)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Any:
    """Colours moved around the hue circle by ``delta``, 1 being the whole circle."""
    return _adjust_hsv(image, 0, lambda hue: floormod(add(hue, cast(delta, dtype_of(hue))), 1))


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Any:
    """Colours with their saturation multiplied by a factor."""
    return _adjust_hsv(
        image, 1, lambda saturation: clip_by_value(mul(saturation, cast(saturation_factor, dtype_of(saturation))), 0, 1)
    )


def _adjust_hsv(image: Any, channel: int, change: Any) -> Operand:
    values, dtype = _as_floats(image)
    parts = unstack(rgb_to_hsv(values), 3, -1)
    parts[channel] = change(parts[channel])
    return convert_image_dtype(hsv_to_rgb(stack(parts, -1)), dtype, saturate=True)


def per_image_standardization(image: Any) -> Any:
    """Each image with mean 0 and variance 1, float32; the deviation counts as 1 / sqrt(elements) at least."""
    values = cast(images_of("per_image_standardization", image), "float32")
    axes = (-3, -2, -1)
    least = div(1.0, sqrt(element_count(values, tuple(a % rank_of(values) for a in axes), dtype_of(values))))
    deviation = maximum(sqrt(reduce_variance(values, axes, True)), least)
    return div(sub(values, reduce_mean(values, axes, True)), deviation)


# --- colour spaces ---------------------------------------------------------------------------------------------------


def rgb_to_grayscale(images: Any, name: str | None = None) -> Any:
    """Images with one channel, how bright the colours look."""
    values, dtype = _as_floats(images)
    return convert_image_dtype(keras_image.rgb_to_grayscale(values, "channels_last"), dtype)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Any:
    """Images with the one channel three times."""
    tensor = lift(images)
    return tile(tensor, (1,) * (rank_of(tensor) - 1) + (3,))


def rgb_to_hsv(images: Any, name: str | None = None) -> Any:
    """Hue, saturation and value of colours between 0 and 1."""
    return _of_any_rank(images, keras_image.rgb_to_hsv)


def hsv_to_rgb(images: Any, name: str | None = None) -> Any:
    """Colours between 0 and 1 of hue, saturation and value."""
    return _of_any_rank(images, keras_image.hsv_to_rgb)


def _of_any_rank(images: Any, function: Any) -> Any:
    """A function of single pixels, for which the axes before the channels do not matter."""
    tensor = lift(images)
    shape = shape_of(tensor)
    return reshape(function(reshape(tensor, (1, -1, shape[-1])), "channels_last"), shape)


# Rows: red, green, blue; columns: luminance and two differences of colours (ITU-R BT.601 and NTSC 1953).
_YUV: Final = np.array([[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512],
                        [0.114, 0.43601035, -0.10001026]])  # fmt: skip
_YIQ: Final = np.array([[0.299, 0.59590059, 0.2115], [0.587, -0.27455667, -0.52273617],
                        [0.114, -0.32134392, 0.31119955]])  # fmt: skip
_FROM_YIQ: Final = np.array([[1.0, 1.0, 1.0], [0.95598634, -0.27201283, -1.10674021],
                             [0.6208248, -0.64720424, 1.70423049]])  # fmt: skip


def _mixed(images: Any, matrix: Any) -> Operand:
    tensor = lift(images)
    return matmul(tensor, current().constant(matrix.astype(dtype_of(tensor).np)))


def rgb_to_yuv(images: Any) -> Any:
    """Luminance and the differences blue and red."""
    return _mixed(images, _YUV)


def yuv_to_rgb(images: Any) -> Any:
    """Colours of luminance and differences."""
    return _mixed(images, np.linalg.inv(_YUV))


def rgb_to_yiq(images: Any) -> Any:
    """Luminance, and colour in phase and in quadrature."""
    return _mixed(images, _YIQ)


def yiq_to_rgb(images: Any) -> Any:
    """Colours of luminance, phase and quadrature."""
    return _mixed(images, _FROM_YIQ)


# --- differences -----------------------------------------------------------------------------------------------------


def _steps(images: Operand, axis: int) -> Operand:
    place = rank_of(images) + axis
    size = shape_of(images)[place]
    return sub(slice_axis(images, place, 1, size), slice_axis(images, place, 0, size - 1))


def image_gradients(image: Any) -> tuple[Any, Any]:
    """The differences to the next row and to the next column of (batch, height, width, channels); 0 at the end."""
    tensor = images_of("image_gradients", image)
    down, right = (
        concat([_steps(tensor, axis), zeros_like(slice_axis(tensor, rank_of(tensor) + axis, 0, 1))], axis)
        for axis in (-3, -2)
    )
    return down, right


def total_variation(images: Any, name: str | None = None) -> Any:
    """The sum of the absolute differences of neighbouring pixels, one number per image."""
    tensor = images_of("total_variation", images)
    return add(*(reduce_sum(abs_real(_steps(tensor, axis)), (-3, -2, -1)) for axis in (-3, -2)))


def sobel_edges(image: Any) -> Any:
    """How steeply images rise downwards and to the right, along a new last axis of size 2."""
    return keras_image.sobel_edges(image, "channels_last")


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Any:
    """The peak signal-to-noise ratio in decibels, one number per image."""
    scale = 1.0 if dtype_of(lift(a)).is_floating else float(as_dtype(dtype_of(lift(a))).max)
    first, second = (convert_image_dtype(x, "float32") for x in (a, b))
    error = reduce_mean(square(sub(first, second)), (-3, -2, -1))
    return mul(log(div((max_val / scale) ** 2, error)), 10 / math.log(10))


def ssim(img1: Any, img2: Any, max_val: float, filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01,
         k2: float = 0.03, return_index_map: bool = False) -> Any:  # fmt: skip
    """The structural similarity (Wang et al., 2004), one number per image. Raises ArgumentError for index maps."""
    if return_index_map:
        raise ArgumentError("tf.image.ssim: graphc gives one number per image; use return_index_map=False")
    scale = 1.0 if dtype_of(lift(img1)).is_floating else float(dtype_of(lift(img1)).max)
    first, second = (convert_image_dtype(x, "float32") for x in (img1, img2))
    return keras_image.ssim(first, second, max_val / scale, filter_size, filter_sigma, k1, k2, "channels_last")
