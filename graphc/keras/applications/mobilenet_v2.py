"""MobileNetV2: blocks that are wide inside and narrow between each other (Sandler et al., 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from graphc.keras.applications.blocks import channel_axis, global_pool, halving_padding, rounded_to_eighths
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.pretrained import KERAS_FILES, FilePair, Weights, file_pair
from graphc.keras.applications.scaling import preprocessing
from graphc.keras.layers import Add, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, ReLU, ZeroPadding2D
from graphc_ir.errors import ArgumentError

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

_SIZES: Final = (96, 128, 160, 192, 224)
_ALPHAS: Final = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
_STAGES: Final = ((16, 1, 1, 1), (24, 2, 2, 6), (32, 3, 2, 6), (64, 4, 2, 6), (96, 3, 1, 6), (160, 3, 2, 6),
                  (320, 1, 1, 6))  # fmt: skip
"""Maps, blocks, stride of the first of them, expansion."""


def MobileNetV2(
    input_shape: Shape | None = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Any:
    """MobileNetV2: 3.5 million parameters at ``alpha=1``.

    Args:
        input_shape: of one picture, e.g. ``(224, 224, 3)``.
        alpha: factor of the number of maps of all layers; there are weights for 0.35, 0.5, 0.75, 1, 1.3 and 1.4.
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
    if weights == "imagenet" and alpha not in _ALPHAS:
        raise ArgumentError("If imagenet weights are being loaded, alpha must be one of `0.35`, `0.50`, `0.75`, `1.0`, "
                            f"`1.3` or `1.4` only, got alpha={alpha}")  # fmt: skip
    default_size = square_size(input_shape or _picture_shape(input_tensor), _SIZES)
    shape = input_shape_of(options, default_size)
    size = pretrained_size(options, shape, _SIZES)
    options = replace(options, input_shape=shape, name=name or f"mobilenetv2_{alpha:0.2f}_{size}")
    return make_model(options, Architecture(_features(alpha), _files(alpha, size), default_size, top=_classifier,
                                            no_top=pooled_unnamed))  # fmt: skip


def _picture_shape(tensor: Any) -> Shape | None:
    return None if tensor is None else tensor.shape[1:]


def _files(alpha: float, size: int | None) -> FilePair:
    stem = f"{KERAS_FILES}mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{size}"
    return file_pair(stem, endings=(".h5", "_no_top.h5"))


# --- layers ------------------------------------------------------------------------------------------------------


def _features(alpha: float) -> Callable[[Any], Any]:
    def features(x: Any) -> Any:
        x = Conv2D(rounded_to_eighths(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1")(x)
        x = ReLU(6.0, name="Conv1_relu")(_norm(x, "bn_Conv1"))
        for number, (maps, strides, expansion) in enumerate(_blocks()):
            prefix = f"block_{number}_" if number else "expanded_conv_"
            x = _block(x, rounded_to_eighths(int(maps * alpha)), strides, expansion, prefix)
        last = rounded_to_eighths(1280 * max(alpha, 1.0))
        x = Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
        return ReLU(6.0, name="out_relu")(_norm(x, "Conv_1_bn"))

    return features


def _blocks() -> Iterator[tuple[int, int, int]]:
    """Maps, stride and expansion of each block."""
    for maps, count, strides, expansion in _STAGES:
        yield maps, strides, expansion
        for _ in range(count - 1):
            yield maps, 1, expansion


def _block(x: Any, maps: int, strides: int, expansion: int, prefix: str) -> Any:
    incoming = x.shape[channel_axis()]
    y = x if expansion == 1 else _expand(x, expansion * incoming, prefix)
    y = _project(_depthwise(y, strides, prefix), maps, prefix)
    return Add(name=f"{prefix}add")([x, y]) if strides == 1 and incoming == maps else y


def _expand(x: Any, maps: int, prefix: str) -> Any:
    x = Conv2D(maps, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
    return ReLU(6.0, name=f"{prefix}expand_relu")(_norm(x, f"{prefix}expand_BN"))


def _depthwise(x: Any, strides: int, prefix: str) -> Any:
    if strides > 1:
        x = ZeroPadding2D(halving_padding(x, 3), name=f"{prefix}pad")(x)
    padding = "same" if strides == 1 else "valid"
    x = DepthwiseConv2D(3, strides, padding, use_bias=False, name=f"{prefix}depthwise")(x)
    return ReLU(6.0, name=f"{prefix}depthwise_relu")(_norm(x, f"{prefix}depthwise_BN"))


def _project(x: Any, maps: int, prefix: str) -> Any:
    return _norm(Conv2D(maps, 1, padding="same", use_bias=False, name=f"{prefix}project")(x), f"{prefix}project_BN")


def _norm(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(last=-1), momentum=0.999, name=name)(x)


def _classifier(x: Any, options: Options) -> Any:
    x = global_pool(x, "avg")
    return Dense(options.classes, activation=options.classifier_activation, name="predictions")(x)


preprocess_input = preprocessing("tf", "Pixels for MobileNetV2: from -1 to 1")
