"""Arguments that the applications share: inputs, pooling, classes, names."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import applications
from graphc_ir.errors import ArgumentError, ShapeError

from .checks import build, picture

MOBILE = {"alpha": 0.25, "include_top": False}


def test_a_model_may_begin_with_a_tensor() -> None:
    pixels = keras.Input((40, 48, 3), dtype="uint8", name="pixels")
    scaled = applications.mobilenet.preprocess_input(pixels)
    model = build("MobileNet", {"input_tensor": scaled, "alpha": 0.25, "classes": 3, "input_shape": (40, 48, 3)})
    assert model.input_names == ["pixels"]
    assert model.input_shape == [(None, 40, 48, 3)]
    assert model(np.zeros((2, 40, 48, 3), np.uint8)).shape == (2, 3)


def test_input_tensors_are_checked() -> None:
    with pytest.raises(ArgumentError, match="input_tensor must be a KerasTensor"):
        build("VGG16", {"input_tensor": np.zeros((1, 32, 32, 3)), "include_top": False})
    with pytest.raises(ShapeError, match=r"input_shape=\(32, 32, 3\) is not that of one picture of input_tensor"):
        build("MobileNetV2", {"input_tensor": keras.Input((64, 64, 3)), "input_shape": (32, 32, 3)})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (31, 64, 3)}, r"Input size must be at least 32x32, got input_shape=\(31, 64, 3\)"),
        ({"input_shape": (64, 64)}, "must be a tuple of three integers"),
        ({"input_shape": (None, None, 3)}, "If `include_top` is True, you should specify a static `input_shape`"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        build("ResNet50", arguments)


def test_other_numbers_of_channels_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="with 4 input channels") as warned:
        model = build("MobileNet", {**MOBILE, "input_shape": (32, 32, 4)})
    assert model.input_shape == (None, 32, 32, 4)
    assert len(warned) == 1


def test_sizes_may_be_open_without_the_classifier() -> None:
    model = build("MobileNet", {**MOBILE, "pooling": "avg"})
    assert model.name == "mobilenet_0.25_None"
    assert model.input_shape == (None, None, None, 3)
    assert model(picture(48)).shape == model(picture(64)).shape == (1, 256)


def test_nasnet_wants_known_sizes() -> None:
    with pytest.raises(ShapeError, match="NASNet's cells are made for the size of their inputs"):
        build("NASNetMobile", {"include_top": False, "input_shape": (None, None, 3)})


@pytest.mark.parametrize("function", ["ConvNeXtTiny", "DenseNet121", "NASNetMobile"])
def test_networks_with_the_channels_last_only(function: str) -> None:
    with pytest.raises(ArgumentError, match="does not support the `channels_first` image data format"):
        build(function, {"data_format": "channels_first"})


def test_names_say_width_and_size() -> None:
    assert build("MobileNetV2", {**MOBILE, "input_shape": (96, 96, 3)}).name == "mobilenetv2_0.25_96"
    assert build("MobileNetV2", {**MOBILE, "name": "mine"}).name == "mine"


def test_the_layer_of_convnext_is_read_from_files(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), applications.convnext.LayerScale(0.5, 3)])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(np.array([[2.0, 4.0, 6.0]])), [[1.0, 2.0, 3.0]])


def test_the_layer_of_inception_resnet_scales_what_it_adds() -> None:
    layer = applications.inception_resnet_v2.CustomScaleLayer(0.5, name="scaled")
    assert layer([tf.constant([1.0]), tf.constant([4.0])]).numpy() == [3.0]
    described = keras.utils.serialize_keras_object(layer)
    assert described["module"] == "keras.src.applications.inception_resnet_v2"
    assert keras.utils.deserialize_keras_object(described).scale == 0.5


def test_functions_are_found_by_their_names() -> None:
    assert pickle.loads(pickle.dumps(applications.ResNet101)) is applications.resnet.ResNet101
    assert applications.ResNet50 is applications.resnet50.ResNet50
    assert "input_tensor" in str(applications.VGG16.__doc__)
