"""ConvNeXt: a convolutional network built like a vision transformer (Liu et al., 2022)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphc.keras.applications.application import (
    Architecture,
    Options,
    Shape,
    described,
    make_model,
    refuse_channels_first,
)
from graphc.keras.applications.blocks import global_pool
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.pretrained import KERAS_FILES, Weights, file_pair
from graphc.keras.applications.scaling import unchanged_input
from graphc.keras.engine.layer import Layer
from graphc.keras.initializers import Constant
from graphc.keras.layers import Activation, Conv2D, Dense, LayerNormalization, Normalization
from graphc.keras.models import Sequential
from graphc.keras.registry import publish
from graphc_ir.ops.elementwise import mul

__all__ = ["ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge",
           "decode_predictions", "preprocess_input"]  # fmt: skip

_KERAS_MODULE: Final = "keras.src.applications.convnext"
_MEAN: Final = (0.485 * 255, 0.456 * 255, 0.406 * 255)
_VARIANCE: Final = ((0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2)


class LayerScale(Layer):
    """``inputs * gamma``: a learned factor of each of ``projection_dim`` maps, at first ``init_values``."""

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, _: Any) -> None:
        self.gamma = self.add_weight((self.projection_dim,), initializer=Constant(self.init_values))

    def call(self, x: Any) -> Any:
        return mul(x, self.gamma)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "init_values": self.init_values, "projection_dim": self.projection_dim}

    def serialized_class(self) -> dict[str, Any]:
        """Where Keras files place it."""
        name = type(self).__name__
        return {"module": _KERAS_MODULE, "class_name": name, "registered_name": name}


publish(_KERAS_MODULE, vars(), ["LayerScale"])


# --- functions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Variant:
    """Blocks of each stage, and their maps."""

    size: str
    blocks: tuple[int, int, int, int]
    maps: tuple[int, int, int, int]
    hashes: tuple[str, str]


def _convnext(variant: _Variant) -> Callable[..., Any]:
    default_name = f"convnext_{variant.size.lower()}"
    files = file_pair(f"{KERAS_FILES}convnext/{default_name}", variant.hashes)

    def build(
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        input_shape: Shape | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = default_name,
    ) -> Any:
        refuse_channels_first("ConvNeXt")
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        features = _features(variant, include_preprocessing, name)
        return make_model(options, Architecture(features, files, top=_classifier, no_top=_pooled))

    about = (f"ConvNeXt, {variant.size}, for pixels of 0 to 255, which it scales itself (with "
             "``include_preprocessing``).")  # fmt: skip
    return described(build, f"ConvNeXt{variant.size}", about, __name__)


# --- layers ------------------------------------------------------------------------------------------------------


def _features(variant: _Variant, include_preprocessing: bool, name: str) -> Callable[[Any], Any]:
    def features(x: Any) -> Any:
        if include_preprocessing and x.shape[-1] == 3:
            x = Normalization(mean=_MEAN, variance=_VARIANCE, name=f"{name}_prestem_normalization")(x)
        steps = _narrowing_steps(variant.maps, name)
        for stage, (step, blocks, maps) in enumerate(zip(steps, variant.blocks, variant.maps, strict=True)):
            x = step(x)
            for i in range(blocks):
                x = _block(x, maps, f"{name}_stage_{stage}_block_{i}")
        return x

    return features


def _narrowing_steps(maps: Sequence[int], name: str) -> list[Sequential]:
    """What stands before each stage: patches of 4x4 pixels first, then of 2x2."""
    patches = Conv2D(maps[0], 4, strides=4, name=f"{name}_stem_conv")
    stem = Sequential([patches, _norm(f"{name}_stem_layernorm")], name=f"{name}_stem")
    return [stem, *(_narrowing(count, name, i) for i, count in enumerate(maps[1:]))]


def _narrowing(maps: int, name: str, number: int) -> Sequential:
    layers = [
        _norm(f"{name}_downsampling_layernorm_{number}"),
        Conv2D(maps, 2, strides=2, name=f"{name}_downsampling_conv_{number}"),
    ]
    return Sequential(layers, name=f"{name}_downsampling_block_{number}")


def _block(x: Any, maps: int, name: str) -> Any:
    y = Conv2D(maps, 7, padding="same", groups=maps, name=f"{name}_depthwise_conv")(x)
    y = Dense(4 * maps, name=f"{name}_pointwise_conv_1")(_norm(f"{name}_layernorm")(y))
    y = Dense(maps, name=f"{name}_pointwise_conv_2")(Activation("gelu", name=f"{name}_gelu")(y))
    y = LayerScale(1e-6, maps, name=f"{name}_layer_scale")(y)
    return x + Activation("linear", name=f"{name}_identity")(y)


def _norm(name: str | None = None) -> LayerNormalization:
    return LayerNormalization(epsilon=1e-6, name=name)


def _classifier(x: Any, options: Options) -> Any:
    name = options.name
    x = _norm(f"{name}_head_layernorm")(global_pool(x, "avg", name=f"{name}_head_gap"))
    return Dense(options.classes, activation=options.classifier_activation, name=f"{name}_head_dense")(x)


def _pooled(x: Any, options: Options) -> Any:
    return _norm()(global_pool(x, options.pooling))


ConvNeXtTiny = _convnext(_Variant("Tiny", (3, 3, 9, 3), (96, 192, 384, 768), (
    "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
)))  # fmt: skip
ConvNeXtSmall = _convnext(_Variant("Small", (3, 3, 27, 3), (96, 192, 384, 768), (
    "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
    "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
)))  # fmt: skip
ConvNeXtBase = _convnext(_Variant("Base", (3, 3, 27, 3), (128, 256, 512, 1024), (
    "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
    "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
)))  # fmt: skip
ConvNeXtLarge = _convnext(_Variant("Large", (3, 3, 27, 3), (192, 384, 768, 1536), (
    "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
    "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
)))  # fmt: skip
ConvNeXtXLarge = _convnext(_Variant("XLarge", (3, 3, 27, 3), (256, 512, 1024, 2048), (
    "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
    "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
)))  # fmt: skip

preprocess_input = unchanged_input
