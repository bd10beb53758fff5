"""The blocks of both EfficientNets: wide inside, with a weight for each map, added to what they were given."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphc.keras.applications.application import Options
from graphc.keras.applications.blocks import channel_axis, global_pool, halving_padding
from graphc.keras.initializers import VarianceScaling
from graphc.keras.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Multiply,
    Reshape,
    ZeroPadding2D,
)

__all__ = ["IMAGENET_DEVIATION", "IMAGENET_MEAN", "Stage", "Style", "classifier_after_dropout", "convolution",
           "norm_swish", "stages_of_blocks"]  # fmt: skip

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)
"""Of the red, green and blue of ImageNet's pictures, from 0 to 1."""

_DROP_RATE: Final = 0.2
"""The part of the pictures that the last block leaves out in training; the blocks before it leave out fewer."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of the same kind. ``fused``: a full convolution takes the place of the depthwise one."""

    kernel_size: int
    repeats: int
    maps: int
    expansion: int
    strides: int
    fused: bool = False

    def scaled(self, width: float, depth: float, rounding: Callable[[float], int]) -> Stage:
        """With more maps and more blocks."""
        repeats, maps = math.ceil(depth * self.repeats), rounding(width * self.maps)
        return Stage(self.kernel_size, repeats, maps, self.expansion, self.strides, self.fused)


@dataclass(frozen=True, slots=True)
class Style:
    """What the versions do differently. ``pads``: zeros around a picture are a layer of their own."""

    momentum: float
    depthwise_name: str
    pads: bool


def stages_of_blocks(x: Any, stages: Sequence[Stage], style: Style, total: int) -> Any:
    """All blocks, named ``block1a``, ``block1b`` and so on. Block n of ``total`` drops a share of n / total."""
    done = 0
    for number, stage in enumerate(stages, start=1):
        for i in range(stage.repeats):
            prefix = f"block{number}{chr(ord('a') + i)}_"
            x = _block(x, stage, stage.strides if i == 0 else 1, style, _DROP_RATE * done / total, prefix)
            done += 1
    return x


def _block(x: Any, stage: Stage, strides: int, style: Style, drop_rate: float, prefix: str) -> Any:
    incoming = x.shape[channel_axis()]
    y = (_fused if stage.fused else _depthwise)(x, stage, incoming, strides, style, prefix)
    if strides > 1 or incoming != stage.maps:
        return y
    if drop_rate > 0:
        y = Dropout(drop_rate, noise_shape=(None, 1, 1, 1), name=f"{prefix}drop")(y)
    return Add(name=f"{prefix}add")([y, x])


def _depthwise(x: Any, stage: Stage, incoming: int, strides: int, style: Style, prefix: str) -> Any:
    wide = stage.expansion * incoming
    if stage.expansion > 1:
        x = norm_swish(convolution(x, wide, 1, f"{prefix}expand_conv"), f"{prefix}expand_", style)
    padded = style.pads and strides > 1
    if padded:
        x = ZeroPadding2D(halving_padding(x, stage.kernel_size), name=f"{prefix}{style.depthwise_name}_pad")(x)
    x = DepthwiseConv2D(
        stage.kernel_size, strides, "valid" if padded else "same", use_bias=False,
        depthwise_initializer=_kernel_initializer(), name=f"{prefix}{style.depthwise_name}",
    )(x)  # fmt: skip
    x = _excite(norm_swish(x, prefix, style), wide, max(1, int(incoming * 0.25)), f"{prefix}se_")
    return _norm(convolution(x, stage.maps, 1, f"{prefix}project_conv"), f"{prefix}project_bn", style)


def _fused(x: Any, stage: Stage, incoming: int, strides: int, style: Style, prefix: str) -> Any:
    size = stage.kernel_size
    if stage.expansion == 1:
        x = convolution(x, stage.maps, size, f"{prefix}project_conv", strides)
        return norm_swish(x, f"{prefix}project_", style)
    x = convolution(x, stage.expansion * incoming, size, f"{prefix}expand_conv", strides)
    x = norm_swish(x, f"{prefix}expand_", style)
    return _norm(convolution(x, stage.maps, 1, f"{prefix}project_conv"), f"{prefix}project_bn", style)


def _excite(x: Any, maps: int, squeezed: int, prefix: str) -> Any:
    """Squeeze and excite: a weight for each map, made from the means of all."""
    y = global_pool(x, "avg", name=f"{prefix}squeeze")
    y = Reshape((maps, 1, 1) if channel_axis() == 1 else (1, 1, maps), name=f"{prefix}reshape")(y)
    y = _weighing(y, squeezed, "swish", f"{prefix}reduce")
    return Multiply(name=f"{prefix}excite")([x, _weighing(y, maps, "sigmoid", f"{prefix}expand")])


def _weighing(x: Any, maps: int, activation: str, name: str) -> Any:
    initializer = _kernel_initializer()
    return Conv2D(maps, 1, padding="same", activation=activation, kernel_initializer=initializer, name=name)(x)


# --- layers ------------------------------------------------------------------------------------------------------


def _kernel_initializer() -> VarianceScaling:
    return VarianceScaling(2.0, "fan_out", "truncated_normal")


def convolution(x: Any, maps: int, size: int, name: str, strides: int = 1, padding: str = "same") -> Any:
    """One without bias, since normalization follows."""
    initializer = _kernel_initializer()
    return Conv2D(maps, size, strides, padding, use_bias=False, kernel_initializer=initializer, name=name)(x)


def norm_swish(x: Any, prefix: str, style: Style) -> Any:
    """Normalization and its activation, the names of which begin with ``prefix``."""
    return Activation("swish", name=f"{prefix}activation")(_norm(x, f"{prefix}bn", style))


def _norm(x: Any, name: str, style: Style) -> Any:
    return BatchNormalization(axis=channel_axis(), momentum=style.momentum, name=name)(x)


def classifier_after_dropout(rate: float, bias_initializer: Any = "zeros") -> Callable[[Any, Options], Any]:
    """Means over the pictures, of which the classes are made."""

    def classifier(x: Any, options: Options) -> Any:
        x = Dropout(rate, name="top_dropout")(global_pool(x, "avg", name="avg_pool"))
        return Dense(
            options.classes, activation=options.classifier_activation, bias_initializer=bias_initializer,
            kernel_initializer=VarianceScaling(1 / 3, "fan_out", "uniform"), name="predictions",
        )(x)  # fmt: skip

    return classifier
