"""What the Inception networks share: convolutions described by tables, branches side by side, the first layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from graphc.keras.applications.blocks import channel_axis
from graphc.keras.layers import Activation, AveragePooling2D, BatchNormalization, Concatenate, Conv2D, MaxPooling2D

__all__ = ["Branch", "Conv", "averaged", "branches", "concatenated", "conv_norm_relu", "halved", "inception_stem"]


class Conv(NamedTuple):
    """A convolution with normalization and ReLU. One of stride 2 has no padding."""

    maps: int
    size: tuple[int, int] = (1, 1)
    strides: int = 1


Branch: TypeAlias = Sequence[Conv]


def conv_norm_relu(x: Any, conv: Conv, padding: str | None = None, name: str | None = None) -> Any:
    """The layers of one convolution."""
    padding = padding or ("same" if conv.strides == 1 else "valid")
    x = Conv2D(conv.maps, conv.size, strides=conv.strides, padding=padding, use_bias=False, name=name)(x)
    x = BatchNormalization(axis=channel_axis(), scale=False, name=name and f"{name}_bn")(x)
    return Activation("relu", name=name and f"{name}_ac")(x)


def branches(x: Any, *tables: Branch) -> list[Any]:
    """The results of several chains of convolutions, each of which begins at ``x``."""
    results = []
    for table in tables:
        y = x
        for conv in table:
            y = conv_norm_relu(y, conv)
        results.append(y)
    return results


def averaged(x: Any, maps: int) -> Any:
    """Means of 3x3 pixels, and a convolution of those."""
    return conv_norm_relu(AveragePooling2D(3, strides=1, padding="same")(x), Conv(maps))


def halved(x: Any) -> Any:
    """Maxima of 3x3 pixels, for every second row and column."""
    return MaxPooling2D(3, strides=2)(x)


def concatenated(results: list[Any], name: str | None = None) -> Any:
    """All maps in one tensor."""
    return Concatenate(axis=channel_axis(), name=name)(results)


def inception_stem(x: Any) -> Any:
    """An eighth of the rows and columns, 192 maps."""
    x = conv_norm_relu(x, Conv(32, (3, 3), strides=2))
    x = conv_norm_relu(x, Conv(32, (3, 3)), padding="valid")
    x = halved(conv_norm_relu(x, Conv(64, (3, 3))))
    x = conv_norm_relu(x, Conv(80), padding="valid")
    return halved(conv_norm_relu(x, Conv(192, (3, 3)), padding="valid"))
