"""Images cut into patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.keras.config import standardize_data_format
from graphc.keras.engine.operation import operation
from graphc.keras.ops.promotion import floats
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Operand, current, dtype_of, rank_of, shape_of
from graphc_ir.ops.conv import conv
from graphc_ir.ops.movement import expand_dims, reshape, transpose

__all__ = ["extract_patches", "extract_patches_3d"]


@operation("image", "images", settings="data_format")
def extract_patches(images: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid",
                    data_format: str | None = None) -> Any:  # fmt: skip
    """The patches of images as channels: (batch, rows, columns, height * width * channels).

    ``size`` is one number or (height, width); three numbers make it :func:`extract_patches_3d`. Patches lie side by
    side unless ``strides`` says otherwise. Raises ShapeError for images of another rank.
    """
    return _patches(images, _each(size, 2), strides, dilation_rate, padding, data_format)


def extract_patches_3d(volumes: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid",
                       data_format: str | None = None) -> Any:  # fmt: skip
    """The patches of volumes (depth, height, width, channels) as channels, like :func:`extract_patches`."""
    return extract_patches(volumes, _each(size, 3), strides, dilation_rate, padding, data_format)


def _each(value: Any, rank: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,) * rank


def _patches(
    images: Any, size: Sequence[int], strides: Any, dilation: Any, padding: str, data_format: str | None
) -> Operand:
    rank = len(size)
    tensor = floats(images)
    if rank_of(tensor) not in (rank + 1, rank + 2):
        raise ShapeError(f"extract_patches: got shape {tuple(shape_of(tensor))} and size {tuple(size)}, expected {rank}"
                         " spatial axes and channels, or a batch of them")  # fmt: skip
    batch = expand_dims(tensor, 0) if rank_of(tensor) == rank + 1 else tensor
    first = standardize_data_format(data_format) == "channels_first"
    last = transpose(batch, (0, *range(2, rank + 2), 1)) if first else batch
    steps = tuple(size) if strides is None else _each(strides, rank)
    found = conv(last, _pickers(size, last), steps, padding, _each(dilation, rank))
    found = transpose(found, (0, rank + 1, *range(1, rank + 1))) if first else found
    return found if rank_of(tensor) == rank + 2 else reshape(found, shape_of(found)[1:])


def _pickers(size: Sequence[int], images: Operand) -> Operand:
    """Filters of which each picks one number of a patch."""
    channels = shape_of(images)[-1]
    if not isinstance(channels, int):
        raise ShapeError(f"extracting patches needs a known number of channels, got {tuple(shape_of(images))}")
    count = int(np.prod(size)) * channels
    identity = np.eye(count, dtype=dtype_of(images).np)
    return current().constant(identity.reshape(*size, channels, count))
