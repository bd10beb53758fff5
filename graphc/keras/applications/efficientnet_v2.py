"""EfficientNetV2: full convolutions in its first stages, which learn faster (Tan and Le, 2021)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphc.keras.applications.application import Architecture, Options, Shape, described, make_model
from graphc.keras.applications.blocks import channel_axis, nearest_eighth
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.mbconv import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    Stage,
    Style,
    classifier_after_dropout,
    convolution,
    norm_swish,
    stages_of_blocks,
)
from graphc.keras.applications.pretrained import KERAS_FILES, Weights, file_pair
from graphc.keras.applications.scaling import unchanged_input
from graphc.keras.initializers import Constant
from graphc.keras.layers import Normalization, Rescaling

__all__ = ["EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2L",
           "EfficientNetV2M", "EfficientNetV2S", "decode_predictions", "preprocess_input"]  # fmt: skip

_STYLE: Final = Style(momentum=0.9, depthwise_name="dwconv2", pads=False)
_BASE: Final = (
    Stage(3, repeats=1, maps=16, expansion=1, strides=1, fused=True),
    Stage(3, repeats=2, maps=32, expansion=4, strides=2, fused=True),
    Stage(3, repeats=2, maps=48, expansion=4, strides=2, fused=True),
    Stage(3, repeats=3, maps=96, expansion=4, strides=2),
    Stage(3, repeats=5, maps=112, expansion=6, strides=1),
    Stage(3, repeats=8, maps=192, expansion=6, strides=2),
)
_SMALL: Final = (
    Stage(3, repeats=2, maps=24, expansion=1, strides=1, fused=True),
    Stage(3, repeats=4, maps=48, expansion=4, strides=2, fused=True),
    Stage(3, repeats=4, maps=64, expansion=4, strides=2, fused=True),
    Stage(3, repeats=6, maps=128, expansion=4, strides=2),
    Stage(3, repeats=9, maps=160, expansion=6, strides=1),
    Stage(3, repeats=15, maps=256, expansion=6, strides=2),
)
_MEDIUM: Final = (
    Stage(3, repeats=3, maps=24, expansion=1, strides=1, fused=True),
    Stage(3, repeats=5, maps=48, expansion=4, strides=2, fused=True),
    Stage(3, repeats=5, maps=80, expansion=4, strides=2, fused=True),
    Stage(3, repeats=7, maps=160, expansion=4, strides=2),
    Stage(3, repeats=14, maps=176, expansion=6, strides=1),
    Stage(3, repeats=18, maps=304, expansion=6, strides=2),
    Stage(3, repeats=5, maps=512, expansion=6, strides=1),
)
_LARGE: Final = (
    Stage(3, repeats=4, maps=32, expansion=1, strides=1, fused=True),
    Stage(3, repeats=7, maps=64, expansion=4, strides=2, fused=True),
    Stage(3, repeats=7, maps=96, expansion=4, strides=2, fused=True),
    Stage(3, repeats=10, maps=192, expansion=4, strides=2),
    Stage(3, repeats=19, maps=224, expansion=6, strides=1),
    Stage(3, repeats=25, maps=384, expansion=6, strides=2),
    Stage(3, repeats=7, maps=640, expansion=6, strides=1),
)
_HASHES: Final = {
    "B0": ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"),
    "B1": ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"),
    "B2": ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"),
    "B3": ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"),
    "S": ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"),
    "M": ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"),
    "L": ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"),
}
"""Of the files of each variant, with and without the classifier."""


@dataclass(frozen=True, slots=True)
class _Variant:
    """``stem`` maps of the first convolution, then ``stages``; both ``width`` times wider, ``depth`` times deeper."""

    stem: int
    stages: Sequence[Stage]
    size: int
    scaling: Callable[[Any], Any]
    width: float = 1.0
    depth: float = 1.0

    def features(self, x: Any) -> Any:
        x = convolution(x, nearest_eighth(self.stem * self.width), 3, "stem_conv", strides=2)
        x = norm_swish(x, "stem_", _STYLE)
        # The shares that blocks drop are those of the network that is not deepened.
        total = sum(stage.repeats for stage in self.stages)
        stages = [stage.scaled(self.width, self.depth, nearest_eighth) for stage in self.stages]
        x = stages_of_blocks(x, stages, _STYLE, total)
        return norm_swish(convolution(x, nearest_eighth(1280 * self.width), 1, "top_conv"), "top_", _STYLE)

    def scaled_features(self, x: Any) -> Any:
        """From pixels of 0 to 255."""
        return self.features(self.scaling(x))


def _efficientnet_v2(suffix: str, variant: _Variant) -> Callable[..., Any]:
    default_name = f"efficientnetv2-{suffix.lower()}"
    files = file_pair(f"{KERAS_FILES}efficientnet_v2/{default_name}", _HASHES[suffix])
    classifier = classifier_after_dropout(0.2, Constant(0.0))

    def build(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        input_shape: Shape | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
        name: str = default_name,
    ) -> Any:
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        features = variant.scaled_features if include_preprocessing else variant.features
        return make_model(options, Architecture(features, files, variant.size, top=classifier))

    about = (f"EfficientNetV2-{suffix}, for pictures of {variant.size}x{variant.size} pixels of 0 to 255, which it "
             "scales itself (with ``include_preprocessing``).")  # fmt: skip
    return described(build, f"EfficientNetV2{suffix}", about, __name__)


def _normalized(x: Any) -> Any:
    if x.shape[channel_axis()] != len(IMAGENET_MEAN):
        return _from_minus_one(x)
    variance = [deviation**2 for deviation in IMAGENET_DEVIATION]
    return Normalization(axis=channel_axis(), mean=IMAGENET_MEAN, variance=variance)(Rescaling(1 / 255)(x))


def _from_minus_one(x: Any) -> Any:
    return Rescaling(1 / 128, offset=-1)(x)


EfficientNetV2B0 = _efficientnet_v2("B0", _Variant(32, _BASE, 224, _normalized))
EfficientNetV2B1 = _efficientnet_v2("B1", _Variant(32, _BASE, 240, _normalized, depth=1.1))
EfficientNetV2B2 = _efficientnet_v2("B2", _Variant(32, _BASE, 260, _normalized, width=1.1, depth=1.2))
EfficientNetV2B3 = _efficientnet_v2("B3", _Variant(32, _BASE, 300, _normalized, width=1.2, depth=1.4))
EfficientNetV2S = _efficientnet_v2("S", _Variant(24, _SMALL, 384, _from_minus_one))
EfficientNetV2M = _efficientnet_v2("M", _Variant(24, _MEDIUM, 480, _from_minus_one))
EfficientNetV2L = _efficientnet_v2("L", _Variant(32, _LARGE, 480, _from_minus_one))

preprocess_input = unchanged_input
