"""Pooling layers: values by hand, both layouts, masks, open sizes, gradients, ONNX, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.keras import layers
from graphc_ir.errors import ArgumentError, ShapeError
from tests.graphc.keras.layers.checks import (
    channels_first,
    check_config,
    check_export,
    check_gradients,
    check_open,
    config_of,
    counted,
    numbers,
)

WINDOWS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "max1d": (lambda **o: layers.MaxPooling1D(3, strides=2, padding="same", **o), (2, 7, 3)),
    "max2d": (lambda **o: layers.MaxPooling2D(**o), (2, 6, 5, 3)),
    "max3d": (lambda **o: layers.MaxPooling3D((1, 2, 2), **o), (1, 3, 4, 4, 2)),
    "average1d": (lambda **o: layers.AveragePooling1D(3, strides=2, padding="same", **o), (2, 7, 3)),
    "average2d": (lambda **o: layers.AveragePooling2D((2, 3), strides=1, **o), (2, 6, 5, 3)),
    "average3d": (lambda **o: layers.AveragePooling3D(2, **o), (1, 4, 4, 5, 2)),
}
WHOLE: dict[str, tuple[Any, tuple[int, ...]]] = {
    "global_max1d": (lambda **o: layers.GlobalMaxPooling1D(**o), (2, 5, 3)),
    "global_max2d": (lambda **o: layers.GlobalMaxPooling2D(keepdims=True, **o), (2, 5, 4, 3)),
    "global_max3d": (lambda **o: layers.GlobalMaxPooling3D(**o), (2, 3, 2, 4, 2)),
    "global_average1d": (lambda **o: layers.GlobalAveragePooling1D(**o), (2, 5, 3)),
    "global_average2d": (lambda **o: layers.GlobalAveragePooling2D(**o), (2, 5, 4, 3)),
    "global_average3d": (lambda **o: layers.GlobalAveragePooling3D(keepdims=True, **o), (2, 3, 2, 4, 2)),
}
ADAPTIVE: dict[str, tuple[Any, tuple[int, ...]]] = {
    "adaptive_max1d": (lambda **o: layers.AdaptiveMaxPooling1D(3, **o), (2, 7, 3)),
    "adaptive_max2d": (lambda **o: layers.AdaptiveMaxPooling2D((2, 3), **o), (2, 4, 6, 3)),
    "adaptive_average2d": (lambda **o: layers.AdaptiveAveragePooling2D((3, 2), **o), (2, 5, 4, 3)),
    "adaptive_average3d": (lambda **o: layers.AdaptiveAveragePooling3D(2, **o), (1, 3, 2, 4, 2)),
}
ALL = {**WINDOWS, **WHOLE, **ADAPTIVE}

every_layer = pytest.mark.parametrize("name", ALL)


def made(name: str, **options: Any) -> tuple[Any, Any]:
    factory, shape = ALL[name]
    # Numbers far apart: a small step then changes no maximum.
    order = np.random.default_rng(2).permutation(int(np.prod(shape)))
    return factory(**options), order.reshape(shape).astype(np.float32)


def test_windows_by_hand() -> None:
    x = counted(1, 5, 1)
    assert layers.MaxPooling1D(2)(x).numpy().ravel().tolist() == [1, 3]
    assert layers.MaxPooling1D(2, padding="same")(x).numpy().ravel().tolist() == [1, 3, 4]
    assert layers.AveragePooling1D(2, strides=1)(x).numpy().ravel().tolist() == [0.5, 1.5, 2.5, 3.5]
    assert layers.AveragePooling1D(3, strides=2, padding="same")(x).numpy().ravel().tolist() == [0.5, 2, 3.5]


def test_tensorflow_2_takes_windows_of_2_by_default() -> None:
    assert layers.AveragePooling2D()(counted(1, 2, 4, 1)).numpy().ravel().tolist() == [2.5, 4.5]
    assert layers.AveragePooling2D().pool_size == (2, 2)


def test_whole_by_hand() -> None:
    x = counted(1, 2, 2, 2)
    assert layers.GlobalAveragePooling2D()(x).numpy().tolist() == [[3, 4]]
    assert layers.GlobalMaxPooling2D()(x).numpy().tolist() == [[6, 7]]
    assert layers.GlobalMaxPooling2D(keepdims=True)(x).shape == (1, 1, 1, 2)
    assert layers.GlobalMaxPooling2D(data_format="channels_first", keepdims=True)(x).shape == (1, 2, 1, 1)


def test_masked_steps_do_not_count() -> None:
    x, mask = counted(2, 3, 1), np.array([[True, True, False], [False, True, True]])
    assert layers.GlobalAveragePooling1D()(x, mask=mask).numpy().tolist() == [[0.5], [4.5]]
    assert layers.GlobalAveragePooling1D(keepdims=True)(x, mask=mask).shape == (2, 1, 1)
    first = layers.GlobalAveragePooling1D(data_format="channels_first")
    assert first(channels_first(x), mask=mask).numpy().tolist() == [[0.5], [4.5]]


def test_the_mask_of_the_inputs_is_used_and_ends() -> None:
    x = np.array([[[1], [3], [0]]], np.float32)
    pooled = layers.GlobalAveragePooling1D()(layers.Masking()(x))
    assert pooled.numpy().tolist() == [[2]]
    assert getattr(pooled, "_keras_mask", None) is None


def test_adaptive_by_hand() -> None:
    x = counted(1, 5, 1)
    assert layers.AdaptiveMaxPooling1D(2)(x).numpy().ravel().tolist() == [2, 4]
    assert layers.AdaptiveAveragePooling1D(2)(x).numpy().ravel().tolist() == [1, 3]
    assert layers.AdaptiveAveragePooling1D(5)(x).numpy().ravel().tolist() == [0, 1, 2, 3, 4]


@every_layer
def test_config(name: str) -> None:
    check_config(ALL[name][0]())


@every_layer
def test_open_batch(name: str) -> None:
    check_open(*made(name))


@pytest.mark.parametrize("name", [*WINDOWS, *WHOLE])
def test_open_sizes(name: str) -> None:
    layer, x = made(name)
    check_open(layer, x, range(x.ndim - 1))


@every_layer
def test_channels_first_is_channels_last_moved(name: str) -> None:
    layer, x = made(name)
    first, _ = made(name, data_format="channels_first")
    expected, result = layer(x).numpy(), first(channels_first(x)).numpy()
    np.testing.assert_allclose(np.moveaxis(result, 1, -1) if result.ndim > 2 else result, expected, 1e-5)


@every_layer
def test_gradients(name: str) -> None:
    layer, x = made(name)
    check_gradients(layer, x / 10)


@every_layer
def test_onnx(name: str) -> None:
    check_export(*made(name))


@pytest.mark.parametrize("name", ["max1d", "average1d"])
def test_onnx_pads_open_sizes_by_itself(name: str) -> None:
    layer, x = made(name)
    operator = {"max1d": "MaxPool", "average1d": "AveragePool"}[name]
    assert check_export(layer, x, (0, 1)) == ["Transpose", operator, "Transpose"]


def test_config_as_keras_writes_it() -> None:
    assert config_of(layers.MaxPooling2D(3, 2)) == {
        "pool_size": (3, 3), "padding": "valid", "strides": (2, 2), "data_format": "channels_last",
    }  # fmt: skip
    assert list(config_of(layers.MaxPooling2D())) == ["pool_size", "padding", "strides", "data_format"]
    assert config_of(layers.GlobalMaxPooling1D()) == {"data_format": "channels_last", "keepdims": False}
    assert config_of(layers.AdaptiveMaxPooling2D(3)) == {"output_size": (3, 3), "data_format": "channels_last"}


def test_other_spellings() -> None:
    assert layers.MaxPool2D is layers.MaxPooling2D
    assert layers.AvgPool1D is layers.AveragePooling1D
    assert layers.GlobalAvgPool3D is layers.GlobalAveragePooling3D
    assert layers.GlobalMaxPool1D is layers.GlobalMaxPooling1D


def test_errors() -> None:
    with pytest.raises(ArgumentError, match="MaxPooling2D: pool_size must be an integer or 2 of them"):
        layers.MaxPooling2D((2, 2, 2))
    with pytest.raises(ArgumentError, match="padding must be one of 'valid', 'same', got 'causal'"):
        layers.MaxPooling1D(padding="causal")
    with pytest.raises(ShapeError, match=r"expected ndim=4, found ndim=3"):
        layers.MaxPooling2D()(counted(2, 3, 4))
    with pytest.raises(ShapeError, match=r"a window of 9 .* does not fit"):
        layers.MaxPooling1D(9)(counted(1, 4, 1))
    with pytest.raises(ShapeError, match=r"AdaptiveMaxPooling1D .* needs known spatial sizes"):
        check_open(layers.AdaptiveMaxPooling1D(2), numbers(1, 4, 1), (0, 1))
