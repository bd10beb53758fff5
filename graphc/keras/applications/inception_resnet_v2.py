"""Inception-ResNet, version 2: Inception's branches, added to what they were given (Szegedy et al., 2016)."""

from __future__ import annotations

from typing import Any, Final

from graphc.keras.applications.application import Architecture, application, pooled_unnamed
from graphc.keras.applications.blocks import channel_axis
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.inception import (
    Branch,
    Conv,
    averaged,
    branches,
    concatenated,
    conv_norm_relu,
    halved,
    inception_stem,
)
from graphc.keras.applications.pretrained import KERAS_FILES, file_pair
from graphc.keras.applications.scaling import preprocessing
from graphc.keras.engine.layer import Layer
from graphc.keras.layers import Activation, Conv2D
from graphc.keras.registry import publish
from graphc_ir.ops.elementwise import add, mul

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

_KERAS_MODULE: Final = "keras.src.applications.inception_resnet_v2"


class CustomScaleLayer(Layer):
    """``a + scale * b``, of a list of two tensors of the same shape."""

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        x, residual = inputs
        return add(x, mul(residual, self.scale))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}

    def serialized_class(self) -> dict[str, Any]:
        """Where Keras files place it."""
        name = type(self).__name__
        return {"module": _KERAS_MODULE, "class_name": name, "registered_name": name}


publish(_KERAS_MODULE, vars(), ["CustomScaleLayer"])

_BLOCK_35: Final = ([Conv(32)], [Conv(32), Conv(32, (3, 3))], [Conv(32), Conv(48, (3, 3)), Conv(64, (3, 3))])
_BLOCK_17: Final = ([Conv(192)], [Conv(128), Conv(160, (1, 7)), Conv(192, (7, 1))])
_BLOCK_8: Final = ([Conv(192)], [Conv(192), Conv(224, (1, 3)), Conv(256, (3, 1))])


def _features(x: Any) -> Any:
    x = _mixed_5b(inception_stem(x))
    for i in range(1, 11):
        x = _residual(x, _BLOCK_35, 0.17, f"block35_{i}")
    x = _reduced(x, "mixed_6a", [Conv(384, (3, 3), strides=2)],
                 [Conv(256), Conv(256, (3, 3)), Conv(384, (3, 3), strides=2)])  # fmt: skip
    for i in range(1, 21):
        x = _residual(x, _BLOCK_17, 0.1, f"block17_{i}")
    x = _reduced(x, "mixed_7a", [Conv(256), Conv(384, (3, 3), strides=2)], [Conv(256), Conv(288, (3, 3), strides=2)],
                 [Conv(256), Conv(288, (3, 3)), Conv(320, (3, 3), strides=2)])  # fmt: skip
    for i in range(1, 10):
        x = _residual(x, _BLOCK_8, 0.2, f"block8_{i}")
    x = _residual(x, _BLOCK_8, 1.0, "block8_10", activation=None)
    return conv_norm_relu(x, Conv(1536), name="conv_7b")


def _mixed_5b(x: Any) -> Any:
    results = branches(
        x,
        [Conv(96)],
        [Conv(48), Conv(64, (5, 5))],
        [Conv(64), Conv(96, (3, 3)), Conv(96, (3, 3))],
    )
    return concatenated([*results, averaged(x, 64)], "mixed_5b")


def _reduced(x: Any, name: str, *tables: Branch) -> Any:
    return concatenated([*branches(x, *tables), halved(x)], name)


def _residual(x: Any, tables: tuple[Branch, ...], scale: float, name: str, activation: str | None = "relu") -> Any:
    y = concatenated(branches(x, *tables), f"{name}_mixed")
    y = Conv2D(x.shape[channel_axis()], 1, padding="same", name=f"{name}_conv")(y)
    y = CustomScaleLayer(scale)([x, y])
    return y if activation is None else Activation(activation, name=f"{name}_ac")(y)


_FILES: Final = file_pair(f"{KERAS_FILES}inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels",
                          ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4"))  # fmt: skip
_ARCHITECTURE: Final = Architecture(_features, _FILES, default_size=299, min_size=75, no_top=pooled_unnamed)

InceptionResNetV2 = application(
    "InceptionResNetV2", "Inception-ResNet, version 2: 55.9 million parameters.", __name__,
    lambda options: _ARCHITECTURE, "inception_resnet_v2",
)  # fmt: skip
preprocess_input = preprocessing("tf", "Pixels for InceptionResNetV2: from -1 to 1")
