"""ResNet: blocks that add to what they were given (He et al., 2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.keras.applications.application import Application
from graphc.keras.applications.blocks import norm, norm_relu
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.residual import STAGE_FILTERS, residual_network, stem_convolution, stem_pool
from graphc.keras.applications.scaling import preprocessing
from graphc.keras.layers import Activation, Add, Conv2D

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]


def _resnet(depth: int, blocks: Sequence[int], hashes: tuple[str, str]) -> Application:
    about = f"ResNet with {depth} layers of weights."
    return residual_network(f"ResNet{depth}", _features(blocks), hashes, __name__, about)


def _features(blocks: Sequence[int]) -> Callable[[Any], Any]:
    def features(x: Any) -> Any:
        x = stem_pool(norm_relu(stem_convolution(x), "conv1_"))
        for stage, (filters, count) in enumerate(zip(STAGE_FILTERS, blocks, strict=True), start=2):
            x = _stage(x, filters, count, strides=1 if stage == 2 else 2, name=f"conv{stage}")
        return x

    return features


def _stage(x: Any, filters: int, blocks: int, strides: int, name: str) -> Any:
    x = _block(x, filters, f"{name}_block1", strides, widens=True)
    for i in range(2, blocks + 1):
        x = _block(x, filters, f"{name}_block{i}")
    return x


def _block(x: Any, filters: int, name: str, strides: int = 1, widens: bool = False) -> Any:
    """Narrow, look around, widen again; added to ``x``, which a convolution widens where it must."""
    y = norm_relu(Conv2D(filters, 1, strides=strides, name=f"{name}_1_conv")(x), f"{name}_1_")
    y = norm_relu(Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(y), f"{name}_2_")
    y = norm(Conv2D(4 * filters, 1, name=f"{name}_3_conv")(y), f"{name}_3_bn")
    if widens:
        x = norm(Conv2D(4 * filters, 1, strides=strides, name=f"{name}_0_conv")(x), f"{name}_0_bn")
    return Activation("relu", name=f"{name}_out")(Add(name=f"{name}_add")([x, y]))


ResNet50 = _resnet(50, (3, 4, 6, 3), ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"))
ResNet101 = _resnet(101, (3, 4, 23, 3), ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"))
ResNet152 = _resnet(152, (3, 8, 36, 3), ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"))

preprocess_input = preprocessing("caffe", "Pixels for ResNet: blue first, less the mean colour of ImageNet")
