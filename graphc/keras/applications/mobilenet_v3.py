"""MobileNetV3: blocks found by search, some of which weigh their maps (Howard et al., 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphc.keras.applications.application import Architecture, Options, Shape, make_model
from graphc.keras.applications.blocks import channel_axis, global_pool, halving_padding, rounded_to_eighths
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.pretrained import KERAS_FILES, FilePair, Weights, file_pair
from graphc.keras.applications.scaling import unchanged_input
from graphc.keras.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    Multiply,
    ReLU,
    Rescaling,
    ZeroPadding2D,
)
from graphc_ir.errors import ArgumentError

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

Layer = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Block:
    expansion: float
    maps: int
    kernel_size: int
    strides: int
    weighs: bool
    """Whether it squeezes and excites."""
    hard_swish: bool
    """Whether that is its activation, and not ReLU."""


_SMALL: Final = (
    _Block(1, 16, 3, 2, True, False),
    _Block(72 / 16, 24, 3, 2, False, False),
    _Block(88 / 24, 24, 3, 1, False, False),
    _Block(4, 40, 5, 2, True, True),
    *[_Block(6, 40, 5, 1, True, True)] * 2,
    *[_Block(3, 48, 5, 1, True, True)] * 2,
    _Block(6, 96, 5, 2, True, True),
    *[_Block(6, 96, 5, 1, True, True)] * 2,
)
_LARGE: Final = (
    _Block(1, 16, 3, 1, False, False),
    _Block(4, 24, 3, 2, False, False),
    _Block(3, 24, 3, 1, False, False),
    _Block(3, 40, 5, 2, True, False),
    *[_Block(3, 40, 5, 1, True, False)] * 2,
    _Block(6, 80, 3, 2, False, True),
    _Block(2.5, 80, 3, 1, False, True),
    *[_Block(2.3, 80, 3, 1, False, True)] * 2,
    *[_Block(6, 112, 3, 1, True, True)] * 2,
    _Block(6, 160, 5, 2, True, True),
    *[_Block(6, 160, 5, 1, True, True)] * 2,
)

_HASHES: Final = {
    "large_224_0.75_float": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0_float": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0_float": ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
    "small_224_0.75_float": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0_float": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0_float": ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4"),
}


@dataclass(frozen=True, slots=True)
class _Design:
    """The arguments that make the layers."""

    alpha: float
    minimalistic: bool
    include_preprocessing: bool

    def maps(self, count: float) -> int:
        return rounded_to_eighths(count * self.alpha)

    def activation(self, hard_swish: bool) -> Layer:
        # A new layer at each call, since the names of these layers count up.
        return Activation("hard_silu") if hard_swish and not self.minimalistic else ReLU()


# --- functions ---------------------------------------------------------------------------------------------------

_ARGUMENTS: Final = """
    The model scales pixels of 0 to 255 itself, with ``include_preprocessing``.

    Args:
        input_shape: of one picture, e.g. ``(224, 224, 3)``; by default sizes are open.
        alpha: factor of the number of maps of all layers; there are weights for 0.75 and 1.
        minimalistic: only plain layers: 3x3 kernels, ReLU, and no weighing of maps; weights are for ``alpha=1``.
        include_top: whether the classifier of ImageNet stands on top of the features.
        weights: ``"imagenet"``, the path of a file, or None.
        input_tensor: a KerasTensor to begin with instead of an input of the model's own.
        classes: how many there are, if not those of ImageNet.
        pooling: without the classifier: ``"avg"``, ``"max"`` or None.
        dropout_rate: the part of the features that the classifier misses in training.
        classifier_activation: of the classifier; None gives logits.
        include_preprocessing: whether the model begins with the scaling to -1 to 1.
        name: of the model.

    Raises:
        ArgumentError, ShapeError: arguments do not fit the network or each other.
        DownloadError: the weights are not in the cache and cannot be downloaded; says where to put the file by hand.
    """


def MobileNetV3Small(
    input_shape: Shape | None = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Any = None,
    classes: int = 1000,
    pooling: str | None = None,
    dropout_rate: float = 0.2,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str = "MobileNetV3Small",
) -> Any:
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    design = _Design(alpha, minimalistic, include_preprocessing)
    return _mobilenet_v3(options, design, "small", _SMALL, 1024, dropout_rate)


def MobileNetV3Large(
    input_shape: Shape | None = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Any = None,
    classes: int = 1000,
    pooling: str | None = None,
    dropout_rate: float = 0.2,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str = "MobileNetV3Large",
) -> Any:
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    design = _Design(alpha, minimalistic, include_preprocessing)
    return _mobilenet_v3(options, design, "large", _LARGE, 1280, dropout_rate)


MobileNetV3Small.__doc__ = f"The small MobileNetV3: 2.6 million parameters at ``alpha=1``.\n{_ARGUMENTS}"
MobileNetV3Large.__doc__ = f"The large MobileNetV3: 5.5 million parameters at ``alpha=1``.\n{_ARGUMENTS}"


def _mobilenet_v3(
    options: Options, design: _Design, kind: str, blocks: Sequence[_Block], width: int, dropout_rate: float
) -> Any:
    if options.weights == "imagenet" and design.alpha not in ((1.0,) if design.minimalistic else (0.75, 1.0)):
        raise ArgumentError("If imagenet weights are being loaded, alpha can be one of `0.75`, `1.0` for non "
                            "minimalistic or `1.0` for minimalistic only, got alpha="
                            f"{design.alpha}, minimalistic={design.minimalistic}")  # fmt: skip
    last = design.maps(width) if design.alpha > 1 else width
    top = _classifier(design, last, dropout_rate)
    return make_model(options, Architecture(_features(blocks, design), _files(kind, design), top=top, needs_size=False))


def _files(kind: str, design: _Design) -> FilePair:
    name = f"{kind}{'_minimalistic' if design.minimalistic else ''}_224_{float(design.alpha)}_float"
    stem = f"{KERAS_FILES}mobilenet_v3/weights_mobilenet_v3_{name}"
    return file_pair(stem, _HASHES.get(name, (None, None)), (".h5", "_no_top_v2.h5"))


# --- layers ------------------------------------------------------------------------------------------------------


def _features(blocks: Sequence[_Block], design: _Design) -> Layer:
    def features(x: Any) -> Any:
        if design.include_preprocessing:
            x = Rescaling(1 / 127.5, offset=-1.0)(x)
        x = Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
        x = design.activation(hard_swish=True)(_norm(x, "conv_bn"))
        for number, block in enumerate(blocks):
            x = _block(x, block, design, f"expanded_conv_{number}_" if number else "expanded_conv_")
        last = rounded_to_eighths(6 * x.shape[channel_axis()])
        x = Conv2D(last, 1, padding="same", use_bias=False, name="conv_1")(x)
        return design.activation(hard_swish=True)(_norm(x, "conv_1_bn"))

    return features


def _block(x: Any, block: _Block, design: _Design, prefix: str) -> Any:
    incoming, maps = x.shape[channel_axis()], design.maps(block.maps)
    wide = rounded_to_eighths(incoming * block.expansion)
    y = x if block.expansion == 1 else _expand(x, wide, block, design, prefix)
    y = _depthwise(y, 3 if design.minimalistic else block.kernel_size, block.strides, prefix)
    y = design.activation(block.hard_swish)(y)
    if block.weighs and not design.minimalistic:
        y = _weigh(y, wide, f"{prefix}squeeze_excite_")
    y = Conv2D(maps, 1, padding="same", use_bias=False, name=f"{prefix}project")(y)
    y = _norm(y, f"{prefix}project_bn")
    return Add(name=f"{prefix}add")([x, y]) if block.strides == 1 and incoming == maps else y


def _expand(x: Any, maps: int, block: _Block, design: _Design, prefix: str) -> Any:
    x = Conv2D(maps, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
    return design.activation(block.hard_swish)(_norm(x, f"{prefix}expand_bn"))


def _depthwise(x: Any, kernel_size: int, strides: int, prefix: str) -> Any:
    name = f"{prefix}depthwise"
    if strides > 1:
        x = ZeroPadding2D(halving_padding(x, kernel_size), name=f"{name}_pad")(x)
    padding = "same" if strides == 1 else "valid"
    return _norm(DepthwiseConv2D(kernel_size, strides, padding, use_bias=False, name=name)(x), f"{name}_bn")


def _weigh(x: Any, maps: int, prefix: str) -> Any:
    """Squeeze and excite: a weight for each map, made from the means of all."""
    y = global_pool(x, "avg", name=f"{prefix}avg_pool", keepdims=True)
    y = Conv2D(rounded_to_eighths(maps * 0.25), 1, padding="same", name=f"{prefix}conv")(y)
    y = ReLU(name=f"{prefix}relu")(y)
    y = Conv2D(maps, 1, padding="same", name=f"{prefix}conv_1")(y)
    return Multiply(name=f"{prefix}mul")([x, ReLU(6.0)(y + 3.0) * (1 / 6)])


def _norm(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(last=-1), momentum=0.999, name=name)(x)


def _classifier(design: _Design, width: int, dropout_rate: float) -> Callable[[Any, Options], Any]:
    def classifier(x: Any, options: Options) -> Any:
        x = Conv2D(width, 1, padding="same", name="conv_2")(global_pool(x, "avg", keepdims=True))
        x = design.activation(hard_swish=True)(x)
        if dropout_rate > 0:
            x = Dropout(dropout_rate)(x)
        x = Flatten()(Conv2D(options.classes, 1, padding="same", name="logits")(x))
        return Activation(options.classifier_activation, name="predictions")(x)

    return classifier


preprocess_input = unchanged_input
