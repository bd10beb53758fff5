"""DenseNet: each layer reads what all layers of its block have found so far (Huang et al., 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.keras.applications.application import (
    Application,
    Architecture,
    Options,
    application,
    refuse_channels_first,
)
from graphc.keras.applications.blocks import channel_axis, norm_relu
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.pretrained import KERAS_FILES, file_pair
from graphc.keras.applications.scaling import preprocessing
from graphc.keras.layers import AveragePooling2D, Concatenate, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

_GROWTH = 32
"""Maps that a layer adds to its block."""


def _densenet(depth: int, blocks: Sequence[int], hashes: tuple[str, str]) -> Application:
    name = f"densenet{depth}"
    files = file_pair(f"{KERAS_FILES}densenet/{name}_weights_tf_dim_ordering_tf_kernels", hashes)

    def architecture(options: Options) -> Architecture:
        refuse_channels_first("DenseNet")
        return Architecture(_features(blocks), files)

    return application(f"DenseNet{depth}", f"DenseNet with {depth} layers of weights.", __name__, architecture, name)


def _features(blocks: Sequence[int]) -> Callable[[Any], Any]:
    def features(x: Any) -> Any:
        x = _stem(x)
        for stage, layers in enumerate(blocks, start=2):
            for i in range(1, layers + 1):
                x = _layer(x, f"conv{stage}_block{i}")
            if stage <= len(blocks):
                x = _transition(x, f"pool{stage}")
        return norm_relu(x, "")

    return features


def _stem(x: Any) -> Any:
    x = Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(ZeroPadding2D(3)(x))
    return MaxPooling2D(3, strides=2, name="pool1")(ZeroPadding2D(1)(norm_relu(x, "conv1_")))


def _layer(x: Any, name: str) -> Any:
    y = norm_relu(x, f"{name}_0_")
    y = norm_relu(Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(y), f"{name}_1_")
    y = Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    return Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, y])


def _transition(x: Any, name: str) -> Any:
    """Half the maps, a quarter of the pixels."""
    maps = x.shape[channel_axis()]
    x = Conv2D(maps // 2, 1, use_bias=False, name=f"{name}_conv")(norm_relu(x, f"{name}_"))
    return AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


DenseNet121 = _densenet(121, (6, 12, 24, 16), ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"))
DenseNet169 = _densenet(169, (6, 12, 32, 32), ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"))
DenseNet201 = _densenet(201, (6, 12, 48, 32), ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"))

preprocess_input = preprocessing("torch", "Pixels for DenseNet: less the mean of ImageNet, by its deviation")
