"""MobileNet: convolutions of each map by itself, then of each pixel by itself (Howard et al., 2017)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from graphc.keras.applications.application import (
    Architecture,
    Options,
    Shape,
    input_shape_of,
    make_model,
    pooled_unnamed,
    pretrained_size,
    square_size,
)
from graphc.keras.applications.blocks import channel_axis, global_pool
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.pretrained import KERAS_FILES, FilePair, Weights, file_pair
from graphc.keras.applications.scaling import preprocessing
from graphc.keras.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from graphc_ir.errors import ArgumentError

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

_SIZES: Final = (128, 160, 192, 224)
_ALPHAS: Final = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}
"""The widths that there are weights for, and how the files call them."""

_BLOCKS: Final = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""Maps and stride of each block."""


def MobileNet(
    input_shape: Shape | None = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 0.001,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Any:
    """MobileNet: 4.3 million parameters at ``alpha=1``.

    Args:
        input_shape: of one picture, e.g. ``(224, 224, 3)``.
        alpha: factor of the number of maps of all layers; there are weights for 0.25, 0.5, 0.75 and 1.
        depth_multiplier: maps that the convolution of one map gives; weights are for 1.
        dropout: the part of the features that the classifier misses in training.
        include_top: whether the classifier of ImageNet stands on top of the features.
        weights: ``"imagenet"``, the path of a file, or None.
        input_tensor: a KerasTensor to begin with instead of an input of the model's own.
        pooling: without the classifier: ``"avg"``, ``"max"`` or None.
        classes: how many there are, if not those of ImageNet.
        classifier_activation: of the classifier; None gives logits.
        name: of the model; by default it says ``alpha`` and the height of the pictures.

    Raises:
        ArgumentError, ShapeError: arguments do not fit the network or each other.
        DownloadError: the weights are not in the cache and cannot be downloaded; says where to put the file by hand.
    """
    options = Options(
        include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name or ""
    )
    _check_pretrained(weights, alpha, depth_multiplier)
    default_size = square_size(input_shape, _SIZES)
    shape = input_shape_of(options, default_size)
    size = pretrained_size(options, shape, _SIZES)
    options = replace(options, input_shape=shape, name=name or f"mobilenet_{alpha:0.2f}_{size}")
    features = _features(alpha, depth_multiplier)
    return make_model(options, Architecture(features, _files(alpha, size), default_size,
                                            top=_classifier(dropout), no_top=pooled_unnamed))  # fmt: skip


def _check_pretrained(weights: Weights, alpha: float, depth_multiplier: int) -> None:
    if weights != "imagenet":
        return
    if depth_multiplier != 1:
        raise ArgumentError("If imagenet weights are being loaded, depth multiplier must be 1, got depth_multiplier="
                            f"{depth_multiplier}")  # fmt: skip
    if alpha not in _ALPHAS:
        raise ArgumentError("If imagenet weights are being loaded, alpha can be one of `0.25`, `0.50`, `0.75` or `1.0` "
                            f"only, got alpha={alpha}")  # fmt: skip


def _files(alpha: float, size: int | None) -> FilePair:
    stem = f"{KERAS_FILES}mobilenet/mobilenet_{_ALPHAS.get(alpha)}_{size}_tf"
    return file_pair(stem, endings=(".h5", "_no_top.h5"))


# --- layers ------------------------------------------------------------------------------------------------------


def _features(alpha: float, depth_multiplier: int) -> Callable[[Any], Any]:
    def features(x: Any) -> Any:
        x = Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(x)
        x = _norm_relu(x, "conv1")
        for number, (maps, strides) in enumerate(_BLOCKS, start=1):
            x = _depthwise(x, depth_multiplier, strides, number)
            x = Conv2D(int(maps * alpha), 1, padding="same", use_bias=False, name=f"conv_pw_{number}")(x)
            x = _norm_relu(x, f"conv_pw_{number}")
        return x

    return features


def _depthwise(x: Any, depth_multiplier: int, strides: int, number: int) -> Any:
    name = f"conv_dw_{number}"
    if strides > 1:
        x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
    padding = "same" if strides == 1 else "valid"
    convolution = DepthwiseConv2D(3, strides, padding, depth_multiplier=depth_multiplier, use_bias=False, name=name)
    return _norm_relu(convolution(x), name)


def _norm_relu(x: Any, name: str) -> Any:
    return ReLU(6.0, name=f"{name}_relu")(BatchNormalization(axis=channel_axis(last=-1), name=f"{name}_bn")(x))


def _classifier(dropout: float) -> Callable[[Any, Options], Any]:
    def classifier(x: Any, options: Options) -> Any:
        x = Dropout(dropout, name="dropout")(global_pool(x, "avg", keepdims=True))
        x = Conv2D(options.classes, 1, padding="same", name="conv_preds")(x)
        x = Reshape((options.classes,), name="reshape_2")(x)
        return Activation(options.classifier_activation, name="predictions")(x)

    return classifier


preprocess_input = preprocessing("tf", "Pixels for MobileNet: from -1 to 1")
