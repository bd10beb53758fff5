"""``tf.image``: images (height, width, channels), single ones or batches. Files are read by ``keras.utils``."""

from __future__ import annotations

from typing import Any

from graphc.image.colors import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    convert_image_dtype,
    grayscale_to_rgb,
    hsv_to_rgb,
    image_gradients,
    per_image_standardization,
    psnr,
    rgb_to_grayscale,
    rgb_to_hsv,
    rgb_to_yiq,
    rgb_to_yuv,
    sobel_edges,
    ssim,
    total_variation,
    yiq_to_rgb,
    yuv_to_rgb,
)
from graphc.image.distortions import (
    random_brightness,
    random_contrast,
    random_crop,
    random_flip_left_right,
    random_flip_up_down,
    random_hue,
    random_saturation,
    stateless_random_brightness,
    stateless_random_contrast,
    stateless_random_crop,
    stateless_random_flip_left_right,
    stateless_random_flip_up_down,
    stateless_random_hue,
    stateless_random_saturation,
)
from graphc.image.sizes import (
    ResizeMethod,
    central_crop,
    crop_to_bounding_box,
    extract_patches,
    flip_left_right,
    flip_up_down,
    pad_to_bounding_box,
    resize,
    resize_with_crop_or_pad,
    resize_with_pad,
    rot90,
    transpose,
)

__all__ = [
    "ResizeMethod", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation",
    "central_crop", "convert_image_dtype", "crop_to_bounding_box", "extract_patches", "flip_left_right", "flip_up_down",
    "grayscale_to_rgb", "hsv_to_rgb", "image_gradients", "pad_to_bounding_box", "per_image_standardization", "psnr",
    "random_brightness", "random_contrast", "random_crop", "random_flip_left_right", "random_flip_up_down",
    "random_hue", "random_saturation", "resize", "resize_with_crop_or_pad", "resize_with_pad", "rgb_to_grayscale",
    "rgb_to_hsv", "rgb_to_yiq", "rgb_to_yuv", "rot90", "sobel_edges", "ssim", "stateless_random_brightness",
    "stateless_random_contrast", "stateless_random_crop", "stateless_random_flip_left_right",
    "stateless_random_flip_up_down", "stateless_random_hue", "stateless_random_saturation", "total_variation",
    "transpose", "yiq_to_rgb", "yuv_to_rgb",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name.startswith(("decode_", "encode_")):
        raise AttributeError(f"graphc has no tf.image.{name}: its tensors hold numbers, no file contents; read and "
                             "write image files with keras.utils.load_img, img_to_array and save_img")  # fmt: skip
    raise AttributeError(f"module 'graphc.image' has no attribute {name!r}")
