"""Weights: Keras's files by their URLs and checksums, and one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphc.keras import applications
from graphc.keras.applications import pretrained
from graphc.keras.utils.errors import DownloadError
from graphc_ir.errors import ArgumentError, ShapeError

from .checks import build, golden

FILES = golden("files")
TINY: dict[str, Any] = {"alpha": 0.25, "input_shape": (32, 32, 3), "classes": 3}


class Requested(Exception):
    """Stops a model once it has asked for a file."""


@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
@pytest.mark.parametrize("tag", FILES)
def test_the_files_are_those_of_keras(tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def get_file(name: str, origin: str, **kwargs: Any) -> str:
        raise Requested(name, origin, kwargs["cache_subdir"], kwargs["file_hash"])

    monkeypatch.setattr(pretrained, "get_file", get_file)
    case = FILES[tag]
    with pytest.raises(Requested) as request:
        getattr(applications, case["function"])(**case["arguments"])
    assert list(request.value.args) == case["file"]


def test_without_a_network_the_error_says_where_the_file_belongs(cache: Path) -> None:
    place = cache / "models/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    with pytest.raises(DownloadError) as error:
        applications.ResNet50(include_top=False)
    assert f"put it at {place} (its md5 sum is 4d473c1dd8becc155b73f8504c6f6626)" in str(error.value)


def test_a_file_that_lies_in_the_cache_is_used(cache: Path) -> None:
    source = build("MobileNet", {"alpha": 0.25, "include_top": False, "input_shape": (128, 128, 3)})
    folder = cache / "models"
    folder.mkdir(parents=True)
    source.save_weights(folder / "own.weights.h5")
    (folder / "own.weights.h5").rename(folder / "mobilenet_2_5_128_tf_no_top.h5")
    model = applications.MobileNet(alpha=0.25, include_top=False, input_shape=(128, 128, 3))
    for weight, expected in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_path_reads_a_file_of_ones_own(tmp_path: Path) -> None:
    source, path = build("MobileNet", TINY), tmp_path / "mine.weights.h5"
    source.save_weights(path)
    for given in (path, str(path)):
        model = applications.MobileNet(weights=given, **TINY)
        np.testing.assert_array_equal(model.get_weights()[-2], source.get_weights()[-2])


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("VGG16", {"weights": "nowhere.h5"}, "there is no file 'nowhere.h5'"),
        ("VGG16", {"classes": 10}, "`classes` should be 1000, got classes=10"),
        ("VGG16", {"classifier_activation": "relu"}, "Only `None` and `softmax` activations are allowed"),
        ("MobileNet", {"depth_multiplier": 2}, "depth multiplier must be 1, got depth_multiplier=2"),
        ("MobileNet", {"alpha": 0.3}, "alpha can be one of .* got alpha=0.3"),
        ("MobileNetV2", {"alpha": 0.3}, "alpha must be one of .* got alpha=0.3"),
        ("MobileNetV3Small", {"alpha": 0.5}, "got alpha=0.5, minimalistic=False"),
        ("MobileNetV3Large", {"alpha": 0.75, "minimalistic": True}, "got alpha=0.75, minimalistic=True"),
    ],
)
def test_weights_that_do_not_fit_are_refused(function: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        getattr(applications, function)(**arguments)


def test_pictures_that_do_not_fit_the_weights_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"should be \(224, 224, 3\), got input_shape=\(96, 96, 3\)"):
        applications.ResNet50(input_shape=(96, 96, 3))
    with pytest.raises(ShapeError, match="The input must have 3 channels"):
        applications.ResNet50(include_top=False, input_shape=(96, 96, 1))


def test_sizes_without_weights_of_their_own_are_told() -> None:
    message = r"not in \[96, 128, 160, 192, 224\]. Weights for input shape \(224, 224\)"
    with pytest.warns(UserWarning, match=message), pytest.raises(DownloadError, match="_224_no_top"):
        applications.MobileNetV2(include_top=False, input_shape=(100, 100, 3))
