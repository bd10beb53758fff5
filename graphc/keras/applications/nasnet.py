"""NASNet: two cells found by search, repeated (Zoph et al., 2017)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from graphc.keras.applications.application import (
    Architecture,
    Options,
    Shape,
    described,
    make_model,
    pooled_unnamed,
    refuse_channels_first,
)
from graphc.keras.applications.blocks import global_pool, halving_padding, image_size
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.pretrained import KERAS_FILES, FilePair, PretrainedFile, Weights
from graphc.keras.applications.scaling import preprocessing
from graphc.keras.layers import (
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Cropping2D,
    Dense,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
)
from graphc.keras.name_scopes import name_scope
from graphc_ir.errors import ShapeError

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]


@dataclass(frozen=True, slots=True)
class _Variant:
    """``maps`` of the first normal cells, of which there are ``cells`` in each of three stages."""

    maps: int
    cells: int
    stem: int
    size: int
    skips_reduction: bool
    """Whether the cell after a reduction reads the cell before the last one, not the last one."""


_MOBILE: Final = _Variant(maps=44, cells=4, stem=32, size=224, skips_reduction=False)
_LARGE: Final = _Variant(maps=168, cells=6, stem=96, size=331, skips_reduction=True)


def _files(name: str, hashes: tuple[str, str]) -> FilePair:
    url, cached = f"{KERAS_FILES}nasnet/NASNet-{name}", f"nasnet_{name}"
    return (PretrainedFile(f"{url}.h5", hashes[0], f"{cached}.h5"),
            PretrainedFile(f"{url}-no-top.h5", hashes[1], f"{cached}_no_top.h5"))  # fmt: skip


_MOBILE_FILES: Final = _files("mobile", ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"))
_LARGE_FILES: Final = _files("large", ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"))


# --- functions ---------------------------------------------------------------------------------------------------


def _nasnet(title: str, about: str, default_name: str, variant: _Variant, files: FilePair) -> Callable[..., Any]:
    features = _features(variant)

    def build(
        input_shape: Shape | None = None,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = default_name,
    ) -> Any:
        refuse_channels_first("NASNet")
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        if not include_top and input_shape is None:
            options = replace(options, input_shape=(variant.size, variant.size, 3))
        return make_model(options, Architecture(features, files, variant.size, top=_classifier, no_top=pooled_unnamed))

    return described(build, title, about, __name__)


def _classifier(x: Any, options: Options) -> Any:
    x = global_pool(x, "avg")
    return Dense(options.classes, activation=options.classifier_activation, name="predictions")(x)


# --- network -----------------------------------------------------------------------------------------------------


def _features(variant: _Variant) -> Callable[[Any], Any]:
    def features(x: Any) -> Any:
        if None in image_size(x):
            raise ShapeError("NASNet's cells are made for the size of their inputs, which must be known, got pictures "
                             f"of shape {tuple(x.shape[1:])}; pass input_shape=(rows, columns, channels)")  # fmt: skip
        maps, cells = variant.maps, variant.cells
        x = _convolution(x, variant.stem, "stem_conv1", size=3, strides=2, padding="valid")
        x = _norm(x, "stem_bn1")
        x, before = _reduction_cell(x, None, maps // 4, "stem_1")
        x, before = _reduction_cell(x, before, maps // 2, "stem_2")
        for stage in range(3):
            maps, first = variant.maps * 2**stage, stage * cells + (stage > 0)
            if stage:
                x, last = _reduction_cell(x, before, maps, f"reduce_{stage * cells}")
                before = before if variant.skips_reduction else last
            for i in range(first, first + cells):
                x, before = _normal_cell(x, before, maps, str(i))
        return Activation("relu")(x)

    return features


# --- cells: each reads the two before it, and gives its result and the first of its inputs -------------------------


def _normal_cell(x: Any, before: Any, maps: int, number: str) -> tuple[Any, Any]:
    with name_scope(f"normal_A_block_{number}"):
        cell = _Cell("normal", maps, number)
        p = _adjusted(before, x, maps, number)
        h = cell.narrowed(x)
        results = [
            p,
            cell.add("add_1", cell.separable(h, 5, "left1", block=1), cell.separable(p, 3, "right1", block=1)),
            cell.add("add_2", cell.separable(p, 5, "left2", block=2), cell.separable(p, 3, "right2", block=2)),
            cell.add("add_3", cell.averaged(h, "left3"), p),
            cell.add("add_4", cell.averaged(p, "left4"), cell.averaged(p, "right4")),
            cell.add("add_5", cell.separable(h, 3, "left5", block=5), h),
        ]
        return Concatenate(name=cell.name("concat"))(results), x


def _reduction_cell(x: Any, before: Any, maps: int, number: str) -> tuple[Any, Any]:
    """Half the rows and columns."""
    with name_scope(f"reduction_A_block_{number}"):
        cell = _Cell("reduction", maps, number)
        p = _adjusted(before, x, maps, number)
        h = cell.narrowed(x)
        padded = ZeroPadding2D(halving_padding(h, 3), name=cell.name("pad_1"))(h)
        first = cell.add("add_1", cell.separable(h, 5, "left1", 1, strides=2), cell.separable(p, 7, "right1", 1, 2))
        second = cell.add("add_2", cell.largest(padded, "left2"), cell.separable(p, 7, "right2", 2, strides=2))
        third = cell.add("add3", cell.averaged(padded, "left3", 2), cell.separable(p, 5, "right3", 3, strides=2))
        fourth = Add()([second, cell.averaged(first, "left4")])
        fifth = cell.add("add4", cell.separable(first, 3, "left4", block=5), cell.largest(padded, "right5"))
        return Concatenate(name=cell.name("concat"))([second, third, fourth, fifth]), x


@dataclass(frozen=True, slots=True)
class _Cell:
    """The layers of a cell, whose names say its kind and number."""

    kind: str
    maps: int
    number: str

    def name(self, part: str) -> str:
        return f"{self.kind}_{part}_{self.number}"

    def add(self, part: str, left: Any, right: Any) -> Any:
        return Add(name=self.name(part))([left, right])

    def narrowed(self, x: Any) -> Any:
        return _norm(_convolution(Activation("relu")(x), self.maps, self.name("conv_1")), self.name("bn_1"))

    def averaged(self, x: Any, part: str, strides: int = 1) -> Any:
        padding = "same" if strides == 1 else "valid"
        return AveragePooling2D(3, strides=strides, padding=padding, name=self.name(part))(x)

    def largest(self, x: Any, part: str) -> Any:
        return MaxPooling2D(3, strides=2, name=self.name(part))(x)

    def separable(self, x: Any, size: int, part: str, block: int, strides: int = 1) -> Any:
        """Twice ReLU, a separable convolution and normalization."""
        name = self.name(part)
        with name_scope(f"block_{block}"), name_scope(f"separable_conv_block_{name}"):
            x = Activation("relu")(x)
            if strides > 1:
                x = ZeroPadding2D(halving_padding(x, size), name=f"separable_conv_1_pad_{name}")(x)
            x = _separable(x, self.maps, size, strides, f"separable_conv_1_{name}")
            x = Activation("relu")(_norm(x, f"separable_conv_1_bn_{name}"))
            return _norm(_separable(x, self.maps, size, 1, f"separable_conv_2_{name}"), f"separable_conv_2_bn_{name}")


def _adjusted(before: Any, x: Any, maps: int, number: str) -> Any:
    """The result of the cell before the last one, with the size of ``x`` and ``maps`` maps."""
    if before is None:
        return x
    with name_scope("adjust_block"):
        if image_size(before) != image_size(x):
            return _halved(before, maps, number)
        return before if before.shape[-1] == maps else _projected(before, maps, number)


def _projected(x: Any, maps: int, number: str) -> Any:
    with name_scope(f"adjust_projection_block_{number}"):
        x = _convolution(Activation("relu")(x), maps, f"adjust_conv_projection_{number}")
        return _norm(x, f"adjust_bn_{number}")


def _halved(x: Any, maps: int, number: str) -> Any:
    """Every second pixel of every second row, and those one row and column further."""
    with name_scope(f"adjust_reduction_block_{number}"):
        x = Activation("relu", name=f"adjust_relu_1_{number}")(x)
        moved = Cropping2D(((1, 0), (1, 0)))(ZeroPadding2D(((0, 1), (0, 1)))(x))
        halves = []
        for i, pixels in enumerate((x, moved), start=1):
            pixels = AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_{i}_{number}")(pixels)
            halves.append(_convolution(pixels, maps // 2, f"adjust_conv_{i}_{number}"))
        return _norm(Concatenate()(halves), f"adjust_bn_{number}")


# --- layers ------------------------------------------------------------------------------------------------------


def _convolution(x: Any, maps: int, name: str, size: int = 1, strides: int = 1, padding: str = "same") -> Any:
    return Conv2D(maps, size, strides, padding, use_bias=False, kernel_initializer="he_normal", name=name)(x)


def _separable(x: Any, maps: int, size: int, strides: int, name: str) -> Any:
    padding = "same" if strides == 1 else "valid"
    return SeparableConv2D(maps, size, strides=strides, padding=padding, use_bias=False, name=name)(x)


def _norm(x: Any, name: str) -> Any:
    return BatchNormalization(momentum=0.9997, name=name)(x)


# --- networks ----------------------------------------------------------------------------------------------------

NASNetMobile = _nasnet("NASNetMobile", "The small NASNet: 5.3 million parameters, for pictures of 224x224 pixels.",
                       "nasnet_mobile", _MOBILE, _MOBILE_FILES)  # fmt: skip
NASNetLarge = _nasnet("NASNetLarge", "The large NASNet: 88.9 million parameters, for pictures of 331x331 pixels.",
                      "nasnet_large", _LARGE, _LARGE_FILES)  # fmt: skip

preprocess_input = preprocessing("tf", "Pixels for NASNet: from -1 to 1")
