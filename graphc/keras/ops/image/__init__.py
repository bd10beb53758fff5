"""``keras.ops.image``: functions of images, single ones or batches, with channels last or first."""

from __future__ import annotations

from graphc.keras.ops.image.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from graphc.keras.ops.image.filters import gaussian_blur, sobel_edges, ssim
from graphc.keras.ops.image.patches import extract_patches, extract_patches_3d
from graphc.keras.ops.image.resizing import crop_images, pad_images, resize
from graphc.keras.ops.image.sampling import affine_transform, map_coordinates, perspective_transform

__all__ = [
    "affine_transform", "crop_images", "extract_patches", "extract_patches_3d", "gaussian_blur", "hsv_to_rgb",
    "map_coordinates", "pad_images", "perspective_transform", "resize", "rgb_to_grayscale", "rgb_to_hsv", "sobel_edges",
    "ssim",
]  # fmt: skip
