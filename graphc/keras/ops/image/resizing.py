"""Images of another size: resampled, cropped, padded."""

from __future__ import annotations

from typing import Any, Final

from graphc.arrays import saturate_cast
from graphc.keras.engine.operation import operation
from graphc.keras.ops.image.layout import spatial_axes
from graphc.keras.ops.promotion import convert
from graphc_ir.dims import Dim
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.arithmetic import round
from graphc_ir.ops.base import Operand, dtype_of, rank_of, shape_of
from graphc_ir.ops.elementwise import cast
from graphc_ir.ops.movement import pad_with, slice_axis
from graphc_ir.ops.resize import resize as resampled

__all__ = ["crop_images", "pad_images", "resize"]

_METHODS: Final = {
    "nearest": "nearest",
    "bilinear": "linear",
    "bicubic": "cubic",
    "lanczos3": "lanczos3",
    "lanczos5": "lanczos5",
}


@operation("image", "images")
def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Any:
    """Images with ``size`` (height, width).

    ``interpolation``: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5"; ``antialias`` averages where images
    get smaller. Proportions change, unless images are first cropped or padded (with ``fill_value``) around the middle.
    Raises ArgumentError for other words, or when both are asked for.
    """
    if interpolation not in _METHODS:
        raise ArgumentError(f"resize: got interpolation={interpolation!r}, expected one of {', '.join(_METHODS)}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError("resize: got crop_to_aspect_ratio=True and pad_to_aspect_ratio=True, expected one of them")
    if fill_mode != "constant":
        raise ArgumentError(f"resize: got fill_mode={fill_mode!r}, expected 'constant'")
    tensor = _images("resize", images)
    axes = spatial_axes(tensor, data_format)
    height, width = (int(length) for length in size)
    if crop_to_aspect_ratio or pad_to_aspect_ratio:
        sizes = _proportional("resize", tensor, axes, (height, width), crop_to_aspect_ratio)
        tensor = _around_the_middle(tensor, axes, sizes, fill_value)
    return _resampled(tensor, (height, width), axes, _METHODS[interpolation], antialias)


def _images(what: str, images: Any) -> Operand:
    tensor = convert(images)
    if rank_of(tensor) not in (3, 4):
        raise ShapeError(f"{what}: got images of shape {tuple(shape_of(tensor))}, expected (height, width, channels) "
                         "or a batch of them")  # fmt: skip
    return tensor


def _resampled(x: Operand, size: tuple[int, int], axes: tuple[int, int], method: str, antialias: bool) -> Operand:
    dtype = dtype_of(x)
    if method == "nearest" or dtype.is_floating:
        return resampled(x, size, axes, method, antialias)
    # Integers are resampled as floats, and rounded within their range.
    return saturate_cast(round(resampled(cast(x, "float32"), size, axes, method, antialias)), dtype)


def _proportional(what: str, x: Operand, axes: tuple[int, int], target: tuple[int, int], crop: bool) -> tuple[int, int]:
    """The largest size within the images (or the smallest around them) that has the proportions of the target."""
    height, width = (shape_of(x)[axis] for axis in axes)
    if not isinstance(height, int) or not isinstance(width, int):
        raise ShapeError(f"{what}: keeping proportions needs known sizes, got {tuple(shape_of(x))}")
    by_height, by_width = int(height * target[1] / target[0]), int(width * target[0] / target[1])
    if crop:
        return max(min(height, by_width), 1), max(min(width, by_height), 1)
    return max(height, by_width), max(width, by_height)


def _around_the_middle(x: Operand, axes: tuple[int, int], sizes: tuple[int, int], fill: float) -> Operand:
    for axis, size in zip(axes, sizes, strict=True):
        have = shape_of(x)[axis]
        assert isinstance(have, int)
        if size <= have:
            start = int((have - size) / 2)
            x = slice_axis(x, axis, start, start + size)
        else:
            before = int((size - have) / 2)
            x = _bordered(x, axis, before, size - have - before, fill)
    return x


def _bordered(x: Operand, axis: int, before: Dim, after: Dim, fill: float = 0) -> Operand:
    margins = [tuple(amount if i == axis else 0 for i in range(rank_of(x))) for amount in (before, after)]
    return pad_with(x, margins[0], margins[1], cast(fill, dtype_of(x)))


# --- borders ---------------------------------------------------------------------------------------------------------


@operation("image", "images")
def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Images with zeros around them. Of top, bottom and target height two are given, the third follows; likewise of
    left, right and target width.

    Raises ArgumentError unless exactly two of three are given, and for negative amounts.
    """
    tensor = _images("pad_images", images)
    rows, columns = spatial_axes(tensor, data_format)
    for axis, before, after, target in (
        (rows, top_padding, bottom_padding, target_height),
        (columns, left_padding, right_padding, target_width),
    ):
        first, last = _completed("pad_images", before, after, target, shape_of(tensor)[axis], 1)
        tensor = _bordered(tensor, axis, first, last)
    return tensor


@operation("image", "images")
def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Images without some border. Of top, bottom and target height two are given, the third follows; likewise of left,
    right and target width.

    Raises ArgumentError unless exactly two of three are given, and for negative amounts.
    """
    tensor = _images("crop_images", images)
    rows, columns = spatial_axes(tensor, data_format)
    for axis, before, after, target in (
        (rows, top_cropping, bottom_cropping, target_height),
        (columns, left_cropping, right_cropping, target_width),
    ):
        size = shape_of(tensor)[axis]
        first, last = _completed("crop_images", before, after, target, size, -1)
        tensor = slice_axis(tensor, axis, first, size - last)
    return tensor


def _completed(
    what: str, before: int | None, after: int | None, target: int | None, size: Dim, sign: int
) -> tuple[Dim, Dim]:
    """What is added (sign 1) or taken away (-1) on both sides of an axis, of which one may follow from the target."""
    given = [name for name, value in (("before", before), ("after", after), ("target", target)) if value is not None]
    if len(given) != 2:
        raise ArgumentError(f"{what}: got {' and '.join(given) or 'nothing'} of the amounts before and after an axis "
                            "and its target size; expected exactly two, the third follows")  # fmt: skip
    first = before if before is not None else _rest(target, after, size, sign)
    last = after if after is not None else _rest(target, before, size, sign)
    if any(isinstance(amount, int) and amount < 0 for amount in (first, last)):
        raise ArgumentError(f"{what}: an axis of size {size} would change by {first} before and {last} after it; "
                            "expected no negative amounts")  # fmt: skip
    return first, last


def _rest(target: Any, other: Any, size: Dim, sign: int) -> Dim:
    return (target - size) * sign - other  # type: ignore[no-any-return]
