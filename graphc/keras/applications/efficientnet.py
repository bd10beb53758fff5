"""EfficientNet: one network, made wider, deeper and for larger pictures step by step (Tan and Le, 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from graphc.keras.applications.application import Application, Architecture, Options, application
from graphc.keras.applications.blocks import channel_axis, halving_padding, rounded_to_eighths
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.mbconv import (
    IMAGENET_DEVIATION,
    Stage,
    Style,
    classifier_after_dropout,
    convolution,
    norm_swish,
    stages_of_blocks,
)
from graphc.keras.applications.pretrained import file_pair
from graphc.keras.applications.scaling import unchanged_input
from graphc.keras.layers import Normalization, Rescaling, ZeroPadding2D

__all__ = ["EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5",
           "EfficientNetB6", "EfficientNetB7", "decode_predictions", "preprocess_input"]  # fmt: skip

_SERVER: Final = "https://storage.googleapis.com/keras-applications/"
_STYLE: Final = Style(momentum=0.99, depthwise_name="dwconv", pads=True)
_STAGES: Final = (
    Stage(kernel_size=3, repeats=1, maps=16, expansion=1, strides=1),
    Stage(kernel_size=3, repeats=2, maps=24, expansion=6, strides=2),
    Stage(kernel_size=5, repeats=2, maps=40, expansion=6, strides=2),
    Stage(kernel_size=3, repeats=3, maps=80, expansion=6, strides=2),
    Stage(kernel_size=5, repeats=3, maps=112, expansion=6, strides=1),
    Stage(kernel_size=5, repeats=4, maps=192, expansion=6, strides=2),
    Stage(kernel_size=3, repeats=1, maps=320, expansion=6, strides=1),
)
_HASHES: Final = (
    ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
)
"""Of the files of each step, with and without the classifier."""


def _efficientnet(step: int, width: float, depth: float, size: int, dropout_rate: float) -> Application:
    name = f"efficientnetb{step}"
    files = file_pair(_SERVER + name, _HASHES[step])
    top = classifier_after_dropout(dropout_rate)

    def architecture(options: Options) -> Architecture:
        features = _features(width, depth, rescales=options.weights == "imagenet")
        return Architecture(features, files, size, top=top)

    about = f"EfficientNet, step {step}, for pictures of {size}x{size} pixels of 0 to 255."
    return application(f"EfficientNetB{step}", about, __name__, architecture, name)


def _features(width: float, depth: float, rescales: bool) -> Callable[[Any], Any]:
    def features(x: Any) -> Any:
        x = _scaled(x, rescales)
        x = ZeroPadding2D(halving_padding(x, 3), name="stem_conv_pad")(x)
        x = convolution(x, rounded_to_eighths(32 * width), 3, "stem_conv", strides=2, padding="valid")
        x = norm_swish(x, "stem_", _STYLE)
        stages = [stage.scaled(width, depth, rounded_to_eighths) for stage in _STAGES]
        x = stages_of_blocks(x, stages, _STYLE, sum(stage.repeats for stage in stages))
        return norm_swish(convolution(x, rounded_to_eighths(1280 * width), 1, "top_conv"), "top_", _STYLE)

    return features


def _scaled(x: Any, rescales: bool) -> Any:
    x = Normalization(axis=channel_axis())(Rescaling(1 / 255)(x))
    if not rescales:
        return x
    # The weights of ImageNet were trained on pixels divided by the variance, not by the deviation.
    return Rescaling([1 / math.sqrt(deviation) for deviation in IMAGENET_DEVIATION])(x)


EfficientNetB0 = _efficientnet(0, 1.0, 1.0, 224, 0.2)
EfficientNetB1 = _efficientnet(1, 1.0, 1.1, 240, 0.2)
EfficientNetB2 = _efficientnet(2, 1.1, 1.2, 260, 0.3)
EfficientNetB3 = _efficientnet(3, 1.2, 1.4, 300, 0.3)
EfficientNetB4 = _efficientnet(4, 1.4, 1.8, 380, 0.4)
EfficientNetB5 = _efficientnet(5, 1.6, 2.2, 456, 0.4)
EfficientNetB6 = _efficientnet(6, 1.8, 2.6, 528, 0.5)
EfficientNetB7 = _efficientnet(7, 2.0, 3.1, 600, 0.5)

preprocess_input = unchanged_input
