"""Images as all functions of this room take them: single ones or batches, with channels last or first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.config import standardize_data_format
from graphc.keras.ops.promotion import convert
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Operand, rank_of, shape_of
from graphc_ir.ops.movement import expand_dims, reshape, transpose

__all__ = ["as_batch", "on_batches", "spatial_axes"]


def on_batches(what: str, images: Any, data_format: str | None, function: Callable[[Operand], Operand]) -> Any:
    """A function of (batch, height, width, channels), applied to images of either rank and data format.

    The function keeps these axes (it may add some behind them). Raises ShapeError for another rank.
    """
    tensor = convert(images)
    found = function(as_batch(what, tensor, data_format))
    if standardize_data_format(data_format) == "channels_first":
        found = transpose(found, (0, 3, 1, 2, *range(4, rank_of(found))))
    return found if rank_of(tensor) == 4 else reshape(found, shape_of(found)[1:])


def as_batch(what: str, images: Operand, data_format: str | None) -> Operand:
    """Images as (batch, height, width, channels). Raises ShapeError for another rank than 3 and 4."""
    if rank_of(images) not in (3, 4):
        raise ShapeError(f"{what}: got images of shape {tuple(shape_of(images))}, expected (height, width, channels) "
                         "or a batch of them")  # fmt: skip
    batch = expand_dims(images, 0) if rank_of(images) == 3 else images
    return transpose(batch, (0, 2, 3, 1)) if standardize_data_format(data_format) == "channels_first" else batch


def spatial_axes(images: Operand, data_format: str | None) -> tuple[int, int]:
    """The axes of height and width."""
    first = rank_of(images) - 3
    return (first, first + 1) if standardize_data_format(data_format) == "channels_last" else (first + 1, first + 2)
