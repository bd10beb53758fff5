"""Resizing images without changing their proportions: by cropping, or by padding with black."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc.data.boundary import to_array
from graphc.framework import is_tensor
from graphc.keras import config
from graphc.keras.utils.resampling import check_method, resize
from graphc.tensor import wrap
from graphc_ir.errors import ArgumentError, ShapeError

__all__ = ["crop_and_resize", "pad_and_resize", "smart_resize"]

Array: TypeAlias = NDArray[Any]


def smart_resize(
    x: Any, size: tuple[int, int], interpolation: str = "bilinear", data_format: str = "channels_last"
) -> Any:
    """The largest part around the middle of an image that has the proportions of ``size``, resized to it.

    Args:
        x: an image or a batch of images: an array (which gives an array) or a tensor.
        size: the new ``(height, width)``.
        interpolation: as :func:`image_dataset_from_directory`.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Returns:
        float32, of the rank of ``x``.

    Raises:
        ArgumentError: ``size`` is no pair, or an unknown ``interpolation`` or ``data_format``.
        ShapeError: ``x`` has neither three nor four axes.
    """
    if len(size) != 2:
        raise ArgumentError(f"smart_resize: size={size!r}, expected a tuple of 2 integers: (height, width)")
    images = to_array(x)
    if images.ndim not in (3, 4):
        raise ShapeError(
            f"smart_resize: received shape {images.shape}, expected an image (height, width, channels) or a batch of "
            "them; add the axis that is missing"
        )
    first_axis = images.ndim - (3 if config.standardize_data_format(data_format) == "channels_last" else 2)
    resized = crop_and_resize(images, size, check_method("smart_resize", interpolation), first_axis)
    return wrap(resized) if is_tensor(x) else resized


def crop_and_resize(images: Array, size: tuple[int, int], method: str, first_axis: int) -> Array:
    """Cuts what has other proportions than ``size`` off both sides. Arguments as for :func:`resize`."""
    height, width = images.shape[first_axis : first_axis + 2]
    target_height, target_width = size
    kept_height = max(min(height, int(width * target_height / target_width)), 1)
    kept_width = max(min(width, int(height * target_width / target_height)), 1)
    top, left = (height - kept_height) // 2, (width - kept_width) // 2
    around = (slice(None),) * first_axis
    window = images[(*around, slice(top, top + kept_height), slice(left, left + kept_width))]
    return resize(window, size, method, first_axis)


def pad_and_resize(images: Array, size: tuple[int, int], method: str, first_axis: int) -> Array:
    """Fits the whole image into ``size``, with zeros on both sides. Arguments as for :func:`resize`."""
    height, width = images.shape[first_axis : first_axis + 2]
    ratio = max(height / size[0], width / size[1])
    margins = [(0, 0)] * images.ndim
    inner = []
    for axis, target in enumerate(size, first_axis):
        exact = images.shape[axis] / ratio
        kept, before = max(int(exact), 1), int((target - exact) / 2)
        inner.append(kept)
        margins[axis] = (before, target - kept - before)
    return np.pad(resize(images, (inner[0], inner[1]), method, first_axis), margins)
