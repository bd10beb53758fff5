"""Pixels as networks want them, and the names of classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import applications
from graphc.keras.applications import imagenet_utils
from graphc.keras.utils.errors import DownloadError
from graphc_ir.errors import ArgumentError, ShapeError

PIXELS = np.array([[[[0, 100, 200], [255, 1, 2]]]], np.float32)
# Records of Keras 3.15.1.
SCALED = {
    "caffe": [[96.061, -16.779, -123.68], [-101.939, -115.779, 131.32]],
    "tf": [[-1.0, -0.21568626, 0.5686275], [1.0, -0.99215686, -0.9843137]],
    "torch": [[-2.117904, -0.28501397, 1.6813947], [2.2489083, -2.018207, -1.7695861]],
}
MODES = {
    "convnext": None, "densenet": "torch", "efficientnet": None, "efficientnet_v2": None, "inception_resnet_v2": "tf",
    "inception_v3": "tf", "mobilenet": "tf", "mobilenet_v2": "tf", "mobilenet_v3": None, "nasnet": "tf",
    "resnet": "caffe", "resnet50": "caffe", "resnet_v2": "tf", "vgg16": "caffe", "vgg19": "caffe", "xception": "tf",
}  # fmt: skip


@pytest.mark.parametrize("mode", SCALED)
def test_pixels_are_scaled_as_keras_does(mode: str) -> None:
    before = PIXELS.copy()
    for pixels in (PIXELS, PIXELS.astype(np.uint8), tf.constant(PIXELS), tf.constant(PIXELS.astype(np.uint8))):
        scaled = imagenet_utils.preprocess_input(pixels, mode=mode)
        assert isinstance(scaled, np.ndarray) is isinstance(pixels, np.ndarray)
        np.testing.assert_allclose(np.asarray(scaled)[0, 0], SCALED[mode], atol=1e-5)
    np.testing.assert_array_equal(PIXELS, before)


@pytest.mark.parametrize("mode", SCALED)
def test_channels_may_come_first_and_the_batch_may_be_missing(mode: str) -> None:
    image = PIXELS[0].transpose(2, 0, 1)
    for pixels in (image, tf.constant(image), image[None]):
        scaled = np.asarray(imagenet_utils.preprocess_input(pixels, "channels_first", mode))
        np.testing.assert_allclose(scaled.reshape(3, 2).T, SCALED[mode], atol=1e-5)


def test_precision_is_kept() -> None:
    assert imagenet_utils.preprocess_input(PIXELS.astype(np.float64)).dtype == np.float64
    assert imagenet_utils.preprocess_input(tf.constant(PIXELS, tf.float16)).dtype == tf.float16


def test_it_is_a_part_of_a_model_too() -> None:
    inputs = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(inputs, applications.vgg16.preprocess_input(inputs))
    np.testing.assert_allclose(model(PIXELS.astype(np.uint8)).numpy()[0, 0], SCALED["caffe"], atol=1e-5)


def test_unknown_modes_and_formats_are_refused() -> None:
    with pytest.raises(ArgumentError, match="one of `caffe`, `tf` or `torch`, got 'tensorflow'"):
        imagenet_utils.preprocess_input(PIXELS, mode="tensorflow")
    with pytest.raises(ArgumentError, match="`channels_first` or `channels_last`, got 'NHWC'"):
        applications.resnet50.preprocess_input(PIXELS, "NHWC")


@pytest.mark.parametrize("module", MODES)
def test_each_network_has_its_own_scaling(module: str) -> None:
    scaled = getattr(applications, module).preprocess_input(PIXELS)
    mode = MODES[module]
    np.testing.assert_allclose(scaled[0, 0], PIXELS[0, 0] if mode is None else SCALED[mode], atol=1e-5)
    assert getattr(applications, module).decode_predictions is imagenet_utils.decode_predictions


# --- classes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def class_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A file of names in place of the server's; returns the requests for it."""
    path, requests = tmp_path / "names.json", []
    path.write_text(json.dumps({str(i): [f"n{i:08}", f"thing_{i}"] for i in range(1000)}), encoding="utf-8")

    def get_file(*args: Any, **kwargs: Any) -> str:
        requests.append((args, kwargs))
        return str(path)

    monkeypatch.setattr(imagenet_utils, "get_file", get_file)
    imagenet_utils._class_names.cache_clear()
    return requests


def test_predictions_are_named_best_first(class_index: list[Any]) -> None:
    predictions = np.zeros((2, 1000), np.float32)
    predictions[0, [3, 7, 999]] = 0.2, 0.5, 0.3
    predictions[1, 0] = 1.0
    for given in (predictions, tf.constant(predictions)):
        first, second = imagenet_utils.decode_predictions(given, top=3)
        assert [name for _, name, _ in first] == ["thing_7", "thing_999", "thing_3"]
        assert first[0] == ("n00000007", "thing_7", np.float32(0.5))
        assert second[0][1] == "thing_0"
    assert len(imagenet_utils.decode_predictions(predictions)[0]) == 5
    assert class_index == [(
        ("imagenet_class_index.json", "https://storage.googleapis.com/download.tensorflow.org/data/"
         "imagenet_class_index.json"),
        {"cache_subdir": "models", "file_hash": "c2c37ea517e94d9795004a39431a14cb"},
    )]  # fmt: skip


def test_only_all_classes_have_names() -> None:
    with pytest.raises(ShapeError, match=r"2D array of shape \(samples, 1000\)\), got an array of shape \(2, 10\)"):
        imagenet_utils.decode_predictions(np.zeros((2, 10)))


def test_without_a_network_the_error_says_where_the_names_belong(cache: Path) -> None:
    imagenet_utils._class_names.cache_clear()
    with pytest.raises(DownloadError, match=r"put it at .*models/imagenet_class_index.json"):
        imagenet_utils.decode_predictions(np.zeros((1, 1000)))
