"""ResNet, version 2: normalization and ReLU stand before the convolutions (He et al., 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.keras.applications.application import Application
from graphc.keras.applications.blocks import norm_relu
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.residual import STAGE_FILTERS, residual_network, stem_convolution, stem_pool
from graphc.keras.applications.scaling import preprocessing
from graphc.keras.layers import Add, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]


def _resnet_v2(depth: int, blocks: Sequence[int], hashes: tuple[str, str]) -> Application:
    about = f"ResNet, version 2, with {depth} layers of weights."
    return residual_network(f"ResNet{depth}V2", _features(blocks), hashes, __name__, about)


def _features(blocks: Sequence[int]) -> Callable[[Any], Any]:
    def features(x: Any) -> Any:
        x = stem_pool(stem_convolution(x))
        for stage, (filters, count) in enumerate(zip(STAGE_FILTERS, blocks, strict=True), start=2):
            x = _stage(x, filters, count, strides=1 if stage == 5 else 2, name=f"conv{stage}")
        return norm_relu(x, "post_")

    return features


def _stage(x: Any, filters: int, blocks: int, strides: int, name: str) -> Any:
    """The first block widens, the last one halves the size."""
    for i in range(1, blocks + 1):
        x = _block(x, filters, f"{name}_block{i}", strides if i == blocks else 1, widens=i == 1)
    return x


def _block(x: Any, filters: int, name: str, strides: int, widens: bool) -> Any:
    active = norm_relu(x, f"{name}_preact_")
    y = norm_relu(Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(active), f"{name}_1_")
    y = ZeroPadding2D(1, name=f"{name}_2_pad")(y)
    y = norm_relu(Conv2D(filters, 3, strides=strides, use_bias=False, name=f"{name}_2_conv")(y), f"{name}_2_")
    y = Conv2D(4 * filters, 1, name=f"{name}_3_conv")(y)
    if widens:
        x = Conv2D(4 * filters, 1, strides=strides, name=f"{name}_0_conv")(active)
    elif strides > 1:
        x = MaxPooling2D(1, strides=strides)(x)
    return Add(name=f"{name}_out")([x, y])


ResNet50V2 = _resnet_v2(50, (3, 4, 6, 3), ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"))
ResNet101V2 = _resnet_v2(101, (3, 4, 23, 3), ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"))
ResNet152V2 = _resnet_v2(152, (3, 8, 36, 3), ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"))

preprocess_input = preprocessing("tf", "Pixels for ResNet, version 2: from -1 to 1")
