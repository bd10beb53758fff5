"""Layers that the families share, named as Keras names them, since its files of weights go by these names."""

from __future__ import annotations

from typing import Any

from graphc.keras.config import image_data_format
from graphc.keras.layers import Activation, BatchNormalization, GlobalAveragePooling2D, GlobalMaxPooling2D

__all__ = ["channel_axis", "global_pool", "halving_padding", "image_size", "nearest_eighth", "norm", "norm_relu",
           "rounded_to_eighths"]  # fmt: skip


def channel_axis(last: int = 3) -> int:
    """Of a batch of pictures; ``last`` is what the last axis is called: 3 or -1."""
    return 1 if image_data_format() == "channels_first" else last


def image_size(x: Any) -> tuple[int | None, int | None]:
    """Height and width."""
    rows, columns = x.shape[2:4] if channel_axis() == 1 else x.shape[1:3]
    return rows, columns


def global_pool(x: Any, pooling: str | None, name: str | None = None, keepdims: bool = False) -> Any:
    """The mean (``"avg"``) or the maximum (``"max"``) over each map; the maps themselves for another ``pooling``."""
    kinds: dict[str | None, Any] = {"avg": GlobalAveragePooling2D, "max": GlobalMaxPooling2D}
    return kinds[pooling](name=name, keepdims=keepdims)(x) if pooling in kinds else x


def halving_padding(x: Any, kernel_size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The rows and columns of zeros that a convolution of stride 2 without padding wants around ``x``.

    An even size gets one less in front, as TensorFlow's ``"same"`` does it; so does one that is not known.
    """
    after = kernel_size // 2
    rows, columns = (after - (0 if size is not None and size % 2 else 1) for size in image_size(x))
    return (rows, after), (columns, after)


def nearest_eighth(maps: float) -> int:
    """The multiple of 8 nearest to ``maps``, at least 8."""
    return max(8, int(maps + 4) // 8 * 8)


def rounded_to_eighths(maps: float) -> int:
    """The multiple of 8 nearest to ``maps``, at least 8 and not more than a tenth below it."""
    nearest = nearest_eighth(maps)
    return nearest if nearest >= 0.9 * maps else nearest + 8


def norm(x: Any, name: str) -> Any:
    """Batch normalization of residual and dense networks."""
    return BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=name)(x)


def norm_relu(x: Any, prefix: str) -> Any:
    """:func:`norm` and ReLU, the names of which begin with ``prefix``."""
    return Activation("relu", name=f"{prefix}relu")(norm(x, f"{prefix}bn"))
