"""Xception: Inception with separable convolutions alone (Chollet, 2016)."""

from __future__ import annotations

from typing import Any, Final

from graphc.keras.applications.application import Architecture, application, pooled_unnamed
from graphc.keras.applications.blocks import channel_axis
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.pretrained import KERAS_FILES, file_pair
from graphc.keras.applications.scaling import preprocessing
from graphc.keras.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, SeparableConv2D

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

_MIDDLE_BLOCKS: Final = range(5, 13)


def _features(x: Any) -> Any:
    x = Conv2D(32, 3, strides=2, use_bias=False, name="block1_conv1")(x)
    x = _relu(_norm(x, "block1_conv1_bn"), "block1_conv1_act")
    x = Conv2D(64, 3, use_bias=False, name="block1_conv2")(x)
    x = _relu(_norm(x, "block1_conv2_bn"), "block1_conv2_act")
    for block, maps in ((2, 128), (3, 256), (4, 728)):
        x = _halving_block(x, block, (maps, maps), starts_with_relu=block > 2)
    for block in _MIDDLE_BLOCKS:
        x = _middle_block(x, block)
    x = _halving_block(x, 13, (728, 1024))
    for i, maps in ((1, 1536), (2, 2048)):
        x = _relu(_separable(x, maps, f"block14_sepconv{i}"), f"block14_sepconv{i}_act")
    return x


def _halving_block(x: Any, block: int, maps: tuple[int, int], starts_with_relu: bool = True) -> Any:
    residual = _norm(Conv2D(maps[1], 1, strides=2, padding="same", use_bias=False)(x))
    name = f"block{block}"
    y = _relu(x, f"{name}_sepconv1_act") if starts_with_relu else x
    y = _relu(_separable(y, maps[0], f"{name}_sepconv1"), f"{name}_sepconv2_act")
    y = _separable(y, maps[1], f"{name}_sepconv2")
    return Add()([MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(y), residual])


def _middle_block(x: Any, block: int) -> Any:
    y = x
    for i in (1, 2, 3):
        name = f"block{block}_sepconv{i}"
        y = _separable(_relu(y, f"{name}_act"), 728, name)
    return Add()([y, x])


def _separable(x: Any, maps: int, name: str) -> Any:
    return _norm(SeparableConv2D(maps, 3, padding="same", use_bias=False, name=name)(x), f"{name}_bn")


def _norm(x: Any, name: str | None = None) -> Any:
    return BatchNormalization(axis=channel_axis(last=-1), name=name)(x)


def _relu(x: Any, name: str) -> Any:
    return Activation("relu", name=name)(x)


_FILES: Final = file_pair(f"{KERAS_FILES}xception/xception_weights_tf_dim_ordering_tf_kernels",
                          ("0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97"))  # fmt: skip
_ARCHITECTURE: Final = Architecture(_features, _FILES, default_size=299, min_size=71, no_top=pooled_unnamed)

Xception = application(
    "Xception", "Xception: 22.9 million parameters.", __name__, lambda options: _ARCHITECTURE, "xception"
)
preprocess_input = preprocessing("tf", "Pixels for Xception: from -1 to 1")
