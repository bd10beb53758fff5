"""Images of another size, and turned or mirrored."""

from __future__ import annotations

from typing import Any, Final

from graphc.keras.ops import image as keras_image
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Operand, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.elementwise import cast
from graphc_ir.ops.movement import reverse, slice_axis
from graphc_ir.ops.movement import transpose as permuted
from graphc_ir.ops.resize import resize as resampled

__all__ = [
    "ResizeMethod", "central_crop", "crop_to_bounding_box", "extract_patches", "flip_left_right", "flip_up_down",
    "pad_to_bounding_box", "resize", "resize_with_crop_or_pad", "resize_with_pad", "rot90", "transpose",
]  # fmt: skip


class ResizeMethod:
    """The words for ``method`` of :func:`resize`."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"


_METHODS: Final = {"bilinear": "linear", "nearest": "nearest", "bicubic": "cubic", "lanczos3": "lanczos3",
                   "lanczos5": "lanczos5"}  # fmt: skip


def images_of(what: str, images: Any) -> Operand:
    """Images as a tensor. Raises ShapeError for another rank than 3 and 4."""
    tensor = lift(images)
    if rank_of(tensor) not in (3, 4):
        raise ShapeError(f"tf.image.{what}: got shape {tuple(shape_of(tensor))}, expected (height, width, channels) or "
                         "a batch of them")  # fmt: skip
    return tensor


def _sizes(what: str, images: Operand) -> tuple[int, int]:
    """Height and width. Raises ShapeError when they are not known."""
    height, width = shape_of(images)[-3:-1]
    if not isinstance(height, int) or not isinstance(width, int):
        raise ShapeError(f"tf.image.{what} needs known height and width, got {tuple(map(str, shape_of(images)))}")
    return height, width


# --- resampling ------------------------------------------------------------------------------------------------------


def resize(images: Any, size: Any, method: str = "bilinear", preserve_aspect_ratio: bool = False,
           antialias: bool = False, name: str | None = None) -> Any:  # fmt: skip
    """Images with ``size`` (height, width), float32 (of their own dtype for "nearest").

    ``method``: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5"; ``antialias`` averages where images get
    smaller. ``preserve_aspect_ratio`` takes the largest size within ``size`` of the same proportions.
    Raises ArgumentError for another method.
    """
    tensor = images_of("resize", images)
    word = str(method).lower()
    if word not in _METHODS:
        raise ArgumentError(f"tf.image.resize: got method={method!r}, expected one of {', '.join(_METHODS)}")
    height, width = (int(length) for length in size)
    if preserve_aspect_ratio:
        height, width = _within(_sizes("resize", tensor), (height, width))
    axes = (rank_of(tensor) - 3, rank_of(tensor) - 2)
    values = tensor if word == "nearest" or dtype_of(tensor).is_floating else cast(tensor, "float32")
    return resampled(values, (height, width), axes, _METHODS[word], antialias)


def _within(have: tuple[int, int], limit: tuple[int, int]) -> tuple[int, int]:
    scale = min(limit[0] / have[0], limit[1] / have[1])
    return max(round(have[0] * scale), 1), max(round(have[1] * scale), 1)


def resize_with_pad(image: Any, target_height: int, target_width: int, method: str = "bilinear",
                    antialias: bool = False) -> Any:  # fmt: skip
    """Images resized within the target size in their own proportions, zeros around them."""
    tensor = images_of("resize_with_pad", image)
    height, width = _sizes("resize_with_pad", tensor)
    ratio = max(width / target_width, height / target_height)
    inner = (max(int(height / ratio), 1), max(int(width / ratio), 1))
    resized = resize(tensor, inner, method, antialias=antialias)
    top, left = int((target_height - height / ratio) / 2), int((target_width - width / ratio) / 2)
    return pad_to_bounding_box(resized, top, left, target_height, target_width)


# --- cutting and padding ---------------------------------------------------------------------------------------------


def crop_to_bounding_box(image: Any, offset_height: int, offset_width: int, target_height: int,
                         target_width: int) -> Any:  # fmt: skip
    """The part of ``target_height`` by ``target_width`` whose upper left corner is at the offsets.

    Raises ArgumentError when it reaches beyond the image.
    """
    tensor = images_of("crop_to_bounding_box", image)
    axis = rank_of(tensor) - 3
    parts = ((offset_height, target_height), (offset_width, target_width))
    for place, (offset, length) in enumerate(parts, start=axis):
        size = shape_of(tensor)[place]
        if offset < 0 or length < 1 or (isinstance(size, int) and offset + length > size):
            raise ArgumentError(f"tf.image.crop_to_bounding_box: offset {offset} and length {length} do not lie within "
                                f"an axis of size {size}")  # fmt: skip
        tensor = slice_axis(tensor, place, offset, offset + length)
    return tensor


def pad_to_bounding_box(image: Any, offset_height: int, offset_width: int, target_height: int,
                        target_width: int) -> Any:  # fmt: skip
    """Zeros around images, so that these lie at the offsets within the target size.

    Raises ArgumentError when they do not fit.
    """
    tensor = images_of("pad_to_bounding_box", image)
    return keras_image.pad_images(
        tensor, offset_height, offset_width, target_height=target_height, target_width=target_width,
        data_format="channels_last",
    )  # fmt: skip


def central_crop(image: Any, central_fraction: float) -> Any:
    """The middle of images: ``central_fraction`` of their height and width. Raises ArgumentError outside (0, 1]."""
    if not 0 < central_fraction <= 1:
        raise ArgumentError(f"tf.image.central_crop: got central_fraction={central_fraction}, expected it in (0, 1]")
    tensor = images_of("central_crop", image)
    height, width = _sizes("central_crop", tensor)
    top, left = int((height - height * central_fraction) / 2), int((width - width * central_fraction) / 2)
    return crop_to_bounding_box(tensor, top, left, height - 2 * top, width - 2 * left)


def resize_with_crop_or_pad(image: Any, target_height: int, target_width: int) -> Any:
    """Images cut off or filled up with zeros, evenly on both sides, to the target size."""
    tensor = images_of("resize_with_crop_or_pad", image)
    height, width = _sizes("resize_with_crop_or_pad", tensor)
    kept = min(height, target_height), min(width, target_width)
    inner = crop_to_bounding_box(tensor, (height - kept[0]) // 2, (width - kept[1]) // 2, *kept)
    top, left = (target_height - kept[0]) // 2, (target_width - kept[1]) // 2
    return pad_to_bounding_box(inner, top, left, target_height, target_width)


def extract_patches(images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None) -> Any:
    """The patches of images (batch, height, width, channels) as channels; sizes, strides and rates have four entries,
    the first and last of them 1."""
    size, step, rate = (tuple(option)[1:3] for option in (sizes, strides, rates))
    return keras_image.extract_patches(images, size, step, rate, padding.lower(), "channels_last")


# --- turning ---------------------------------------------------------------------------------------------------------


def flip_left_right(image: Any) -> Any:
    """Images mirrored from left to right."""
    return reverse(images_of("flip_left_right", image), -2)


def flip_up_down(image: Any) -> Any:
    """Images mirrored from top to bottom."""
    return reverse(images_of("flip_up_down", image), -3)


def transpose(image: Any, name: str | None = None) -> Any:
    """Height and width exchanged."""
    tensor = images_of("transpose", image)
    return permuted(tensor, (1, 0, 2) if rank_of(tensor) == 3 else (0, 2, 1, 3))


def rot90(image: Any, k: int = 1, name: str | None = None) -> Any:
    """Images turned ``k`` times by a quarter, against the clock."""
    tensor = images_of("rot90", image)
    turns = {
        0: lambda x: x,
        1: lambda x: flip_up_down(transpose(x)),
        2: lambda x: flip_up_down(flip_left_right(x)),
        3: lambda x: transpose(flip_up_down(x)),
    }
    return turns[k % 4](tensor)
