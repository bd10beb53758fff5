"""What both versions of ResNet begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.applications.application import Application, Architecture, application
from graphc.keras.applications.pretrained import KERAS_FILES, file_pair
from graphc.keras.layers import Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["STAGE_FILTERS", "residual_network", "stem_convolution", "stem_pool"]

STAGE_FILTERS = (64, 128, 256, 512)
"""Of the inner convolutions of each stage; a stage gives four times as many maps."""


def residual_network(
    title: str, features: Callable[[Any], Any], hashes: tuple[str, str], module: str, about: str
) -> Application:
    """The function ``title``, of a network with these features and sums of its files."""
    name = title.lower()
    files = file_pair(f"{KERAS_FILES}resnet/{name}_weights_tf_dim_ordering_tf_kernels", hashes)
    architecture = Architecture(features, files)
    return application(title, about, module, lambda options: architecture, name)


def stem_convolution(x: Any) -> Any:
    """A quarter of the pixels, 64 maps."""
    return Conv2D(64, 7, strides=2, name="conv1_conv")(ZeroPadding2D(3, name="conv1_pad")(x))


def stem_pool(x: Any) -> Any:
    """A quarter of the pixels, by their maxima."""
    return MaxPooling2D(3, strides=2, name="pool1_pool")(ZeroPadding2D(1, name="pool1_pad")(x))
