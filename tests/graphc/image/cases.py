"""Calls of ``tf.image``, one per line, that are compared with what TensorFlow gives (``goldens/image.json``)."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["LINES", "evaluate"]

LINES = """
resize(f, (3, 5))
resize(f, (3, 5), method="nearest")
resize(b, (3, 5))
resize(f, (3, 5), preserve_aspect_ratio=True)
resize(f, (2, 2), antialias=True)
resize(f, (8, 6), method="bicubic")
resize(f[0], (5, 4), method="lanczos5")
resize_with_pad(f, 6, 3)
resize_with_pad(f, 3, 6)
resize_with_crop_or_pad(f, 3, 6)
resize_with_crop_or_pad(f, 7, 2)
central_crop(f, 0.5)
central_crop(f, 0.7)
crop_to_bounding_box(f, 1, 1, 3, 2)
pad_to_bounding_box(f, 1, 2, 6, 6)
extract_patches(f, [1, 2, 2, 1], [1, 2, 1, 1], [1, 1, 1, 1], "VALID")
flip_left_right(f)
flip_up_down(f[0])
transpose(f)
rot90(f)
rot90(f, 2)
rot90(f[0], 3)
convert_image_dtype(b, "float32")
convert_image_dtype(f, "uint8")
convert_image_dtype(f * 2 - 0.5, "uint8", saturate=True)
convert_image_dtype(f, "int16")
convert_image_dtype(b, "int16")
convert_image_dtype(convert_image_dtype(b, "int16"), "uint8")
adjust_brightness(f, 0.3)
adjust_brightness(b, 0.3)
adjust_contrast(f, 1.7)
adjust_contrast(b, 1.7)
adjust_gamma(f, 2.0, 0.5)
adjust_gamma(b, 0.5)
adjust_hue(f, 0.2)
adjust_hue(b, -0.3)
adjust_saturation(f, 1.5)
adjust_saturation(b, 0.5)
per_image_standardization(f)
per_image_standardization(b)
per_image_standardization(f * 0)
rgb_to_grayscale(f)
rgb_to_grayscale(b)
grayscale_to_rgb(f[..., :1])
rgb_to_hsv(f)
hsv_to_rgb(f)
rgb_to_yuv(f)
yuv_to_rgb(f)
rgb_to_yiq(f)
yiq_to_rgb(f)
image_gradients(f)
total_variation(f)
total_variation(f[0])
sobel_edges(f)
psnr(f, g, 1.0)
psnr(b, b // 2, 255)
ssim(f, g, 1.0, filter_size=3)
ssim(b, b // 2, 255, filter_size=3)
""".strip().splitlines()

_RNG = np.random.default_rng(0)
_F, _G = (_RNG.uniform(0, 1, (2, 4, 3, 3)).round(3).astype(np.float32) for _ in range(2))
_B = _RNG.integers(0, 256, (2, 4, 3, 3)).astype(np.uint8)


def evaluate(line: str, tf: Any) -> list[Any]:
    """The results of a line as arrays. ``tf``: the module."""
    functions = {name: getattr(tf.image, name) for name in dir(tf.image) if not name.startswith("_")}
    found = eval(line, {**functions, "f": tf.constant(_F), "g": tf.constant(_G), "b": tf.constant(_B)})
    return [np.asarray(part) for part in (found if isinstance(found, tuple) else (found,))]
