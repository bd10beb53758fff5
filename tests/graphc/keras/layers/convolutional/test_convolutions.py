"""Convolution layers: values by hand, shapes, both layouts, open sizes, gradients, ONNX, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.keras import layers
from graphc_ir.errors import ArgumentError, GraphcError, ShapeError
from tests.graphc.keras.layers.checks import (
    channels_first,
    check_config,
    check_export,
    check_gradients,
    check_open,
    config_of,
    counted,
    numbers,
    with_random_weights,
)

LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "conv1d": (lambda **o: layers.Conv1D(4, 3, **o), (2, 8, 3)),
    "conv1d_causal": (lambda **o: layers.Conv1D(4, 3, padding="causal", dilation_rate=2, **o), (2, 8, 3)),
    "conv2d": (lambda **o: layers.Conv2D(4, (3, 2), (2, 1), "same", activation="tanh", **o), (2, 7, 6, 3)),
    "conv2d_dilated": (lambda **o: layers.Conv2D(4, 2, dilation_rate=2, use_bias=False, **o), (2, 7, 6, 3)),
    "conv2d_groups": (lambda **o: layers.Conv2D(4, 3, groups=2, **o), (2, 5, 6, 4)),
    "conv3d": (lambda **o: layers.Conv3D(2, 2, strides=2, padding="same", **o), (1, 3, 4, 5, 2)),
    "conv1d_transpose": (lambda **o: layers.Conv1DTranspose(3, 4, strides=2, **o), (2, 5, 2)),
    "conv2d_transpose": (lambda **o: layers.Conv2DTranspose(3, 3, strides=2, padding="same", **o), (2, 4, 5, 2)),
    "conv2d_transpose_padded": (lambda **o: layers.Conv2DTranspose(3, 3, 2, output_padding=1, **o), (2, 4, 5, 2)),
    "conv3d_transpose": (lambda **o: layers.Conv3DTranspose(2, 2, strides=2, **o), (1, 2, 3, 2, 2)),
    "depthwise1d": (lambda **o: layers.DepthwiseConv1D(3, depth_multiplier=2, **o), (2, 7, 3)),
    "depthwise2d": (lambda **o: layers.DepthwiseConv2D(3, strides=2, padding="same", **o), (2, 7, 6, 3)),
    "separable1d": (lambda **o: layers.SeparableConv1D(4, 3, padding="causal", **o), (2, 7, 3)),
    "separable2d": (lambda **o: layers.SeparableConv2D(4, 3, depth_multiplier=2, **o), (2, 6, 5, 3)),
}  # fmt: skip

WRONG: Any = 2.5

every_layer = pytest.mark.parametrize("name", LAYERS)


def made(name: str, **options: Any) -> tuple[Any, Any]:
    factory, shape = LAYERS[name]
    x = numbers(*shape, seed=3)
    return with_random_weights(factory(**options), channels_first(x) if options else x), x


# --- values ------------------------------------------------------------------------------------------------------


def test_conv1d_by_hand() -> None:
    layer = layers.Conv1D(1, 2, kernel_initializer="ones")
    assert layer(counted(1, 4, 1)).numpy().ravel().tolist() == [1, 3, 5]


def test_causal_steps_see_only_the_past() -> None:
    layer = layers.Conv1D(1, 2, padding="causal", kernel_initializer="ones", dilation_rate=2)
    assert layer(counted(1, 5, 1)).numpy().ravel().tolist() == [0, 1, 2, 4, 6]


def test_conv2d_by_hand() -> None:
    layer = layers.Conv2D(2, 2, kernel_initializer="ones", bias_initializer="ones", activation="relu")
    # The windows [[0, 1], [3, 4]] and [[1, 2], [4, 5]], for each of two filters, plus 1.
    assert layer(counted(1, 2, 3, 1)).numpy().tolist() == [[[[9, 9], [13, 13]]]]
    assert layer(counted(1, 2, 3, 1) - 4).numpy().tolist() == [[[[0, 0], [0, 0]]]]


def test_depthwise_channels_stay_apart() -> None:
    layer = layers.DepthwiseConv2D(1, depth_multiplier=2, use_bias=False)
    layer.build((None, 1, 1, 2))
    layer.set_weights([np.array([1, 2, 3, 4], np.float32).reshape(1, 1, 2, 2)])
    assert layer(np.array([[[[10, 100]]]], np.float32)).numpy().ravel().tolist() == [10, 20, 300, 400]


def test_separable_is_depthwise_then_pointwise() -> None:
    x = numbers(2, 6, 5, 3)
    layer = with_random_weights(layers.SeparableConv2D(4, 3), x)
    depthwise, pointwise, bias = layer.get_weights()
    first = layers.DepthwiseConv2D(3, use_bias=False)
    first.build(x.shape)
    first.set_weights([depthwise])
    expected = first(x).numpy() @ pointwise[0, 0] + bias
    np.testing.assert_allclose(layer(x).numpy(), expected, 1e-4, 1e-5)


def test_transposed_by_hand() -> None:
    layer = layers.Conv1DTranspose(1, 3, strides=2, kernel_initializer="ones")
    assert layer(np.array([[[1], [10]]], np.float32)).numpy().ravel().tolist() == [1, 1, 11, 10, 10]


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"padding": "same"}, 10),
        ({"padding": "valid"}, 11),
        ({"padding": "same", "output_padding": 1}, 10),
        ({"padding": "same", "output_padding": 0}, 9),
        ({"padding": "valid", "output_padding": 0}, 11),
        ({"padding": "valid", "output_padding": 1}, 12),
    ],
)
def test_sizes_of_transposed_convolutions(options: dict[str, Any], size: int) -> None:
    layer = layers.Conv1DTranspose(1, 3, strides=2, **options)
    assert layer(counted(1, 5, 1)).shape == (1, size, 1)
    assert layer.compute_output_shape((None, 5, 1)) == (None, size, 1)


# --- what holds for all ------------------------------------------------------------------------------------------


@every_layer
def test_config(name: str) -> None:
    check_config(LAYERS[name][0]())


@every_layer
def test_open_sizes(name: str) -> None:
    layer, x = made(name)
    check_open(layer, x)
    check_open(layer, x, range(x.ndim - 1))


@every_layer
def test_gradients(name: str) -> None:
    check_gradients(*made(name))


@every_layer
def test_channels_first_is_channels_last_moved(name: str) -> None:
    layer, x = made(name)
    first, _ = made(name, data_format="channels_first")
    assert first.data_format == "channels_first"
    result = first(channels_first(x)).numpy()
    np.testing.assert_allclose(np.moveaxis(result, 1, -1), layer(x).numpy(), 1e-4, 1e-5)
    check_open(first, channels_first(x))
    assert first.compute_output_shape((None, *channels_first(x).shape[1:])) == (None, *result.shape[1:])


@every_layer
def test_onnx(name: str) -> None:
    layer, x = made(name)
    operators = check_export(layer, x)
    convolutions = {"Conv", "ConvTranspose"} & set(operators)
    assert len(convolutions) == 1
    assert "Add" not in operators
    assert operators.count("Transpose") <= 2


@pytest.mark.parametrize("name", ["conv2d", "conv2d_transpose"])
def test_onnx_with_open_sizes(name: str) -> None:
    layer, x = made(name)
    check_export(layer, x, (0, 1, 2))


def test_consecutive_layers_move_data_twice() -> None:
    first, second = layers.Conv2D(4, 3, padding="same", activation="relu"), layers.SeparableConv2D(4, 3)
    operators = check_export(lambda x: second(first(x)), numbers(2, 8, 8, 3))
    assert operators == ["Transpose", "Conv", "Relu", "Conv", "Conv", "Transpose"]


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (layers.Conv1D(4, 3), {"kernel": (3, 6, 4), "bias": (4,)}),
        (layers.Conv2D(4, (3, 2), groups=2), {"kernel": (3, 2, 3, 4), "bias": (4,)}),
        (layers.Conv2DTranspose(4, 3), {"kernel": (3, 3, 4, 6), "bias": (4,)}),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), {"kernel": (3, 3, 6, 2), "bias": (12,)}),
        (
            layers.SeparableConv1D(4, 3, depth_multiplier=2),
            {"depthwise_kernel": (3, 6, 2), "pointwise_kernel": (1, 12, 4), "bias": (4,)},
        ),
        (layers.Conv3D(4, 2, use_bias=False), {"kernel": (2, 2, 2, 6, 4)}),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else None,
)
def test_weights(layer: Any, shapes: dict[str, tuple[int, ...]]) -> None:
    layer.build((None, *(8,) * layer.rank, 6))
    assert {weight.name: tuple(weight.shape) for weight in layer.weights} == shapes


def test_config_as_keras_writes_it() -> None:
    config = config_of(layers.Conv2D(4, 3, activation="relu"))
    assert list(config) == [
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups", "activation",
        "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
        "activity_regularizer", "kernel_constraint", "bias_constraint",
    ]  # fmt: skip
    assert config["kernel_size"] == (3, 3)
    assert config["activation"] == "relu"
    assert list(config_of(layers.Conv2DTranspose(4, 3)))[3:6] == ["padding", "output_padding", "data_format"]
    assert list(config_of(layers.SeparableConv2D(4, 3)))[:2] == ["depth_multiplier", "filters"]


def test_mixed_precision_computes_in_16_bits() -> None:
    layer = layers.Conv2D(2, 3, dtype="mixed_bfloat16")
    assert layer(numbers(1, 4, 4, 2)).dtype == "bfloat16"
    assert layer.kernel.dtype == "float32"


def test_other_spellings() -> None:
    assert layers.Convolution2D is layers.Conv2D
    assert layers.Convolution1DTranspose is layers.Conv1DTranspose
    assert layers.SeparableConvolution1D is layers.SeparableConv1D


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Conv2D(0, 3), "Conv2D: filters must be at least 1, got 0"),
        (lambda: layers.Conv2D(2, (3,)), "kernel_size must be an integer or 2 of them, got .3,"),
        (lambda: layers.Conv2D(2, 0), "kernel_size must be at least 1"),
        (lambda: layers.Conv2D(2, WRONG), "kernel_size must be an integer, got 2.5"),
        (lambda: layers.Conv2D(2, 3, strides=0), "strides must be at least 1"),
        (lambda: layers.Conv2D(2, 3, padding="causal"), "padding must be one of 'valid', 'same', got 'causal'"),
        (lambda: layers.Conv2D(2, 3, data_format="last"), "data_format must be one of"),
        (lambda: layers.Conv2D(2, 3, strides=2, dilation_rate=2), "cannot both be above 1"),
        (lambda: layers.Conv2D(3, 3, groups=2), "3 filters do not divide into 2 groups"),
        (lambda: layers.Conv2DTranspose(2, 3, strides=2, output_padding=2), "must be less than strides"),
        (lambda: layers.Conv2D(2, 3, colour="red"), "does not know the arguments colour"),
        (lambda: layers.Conv2D(4, 3, groups=2)(numbers(1, 5, 5, 3)), "3 channels of inputs .* 2 groups"),
    ],
)
def test_wrong_arguments(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 5, 3), "expected min_ndim=4, found ndim=3"), ((1, 2, 5, 3), "window of 3 .* does not fit")],
)
def test_inputs_that_do_not_fit(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(GraphcError, match=message):
        layers.Conv2D(2, 3)(numbers(*shape))


def test_channels_must_be_known_and_stay() -> None:
    layer = layers.Conv1D(2, 3)
    with pytest.raises(ShapeError, match=r"needs a known number of channels, but axis -1 .* is None"):
        layer.build((None, 5, None))
    layer(numbers(1, 5, 3))
    with pytest.raises(ShapeError, match="expected axis -1 of the input shape to have value 3"):
        layer(numbers(1, 5, 2))
