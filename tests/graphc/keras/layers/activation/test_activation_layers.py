"""Activation layers: values by hand, masks, configs, ONNX, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc import nn
from graphc.keras import layers
from graphc_ir.errors import ArgumentError, ShapeError
from tests.graphc.keras.layers.checks import (
    check_config,
    check_export,
    check_gradients,
    check_open,
    config_of,
    numbers,
    with_random_weights,
)

X = np.array([[-2, -0.5, 0, 1, 8]], np.float32)

CASES: dict[str, tuple[Any, list[float], list[str]]] = {
    "relu": (lambda: layers.ReLU(), [0, 0, 0, 1, 8], ["Relu"]),
    "relu6": (lambda: layers.ReLU(6), [0, 0, 0, 1, 6], ["Clip"]),
    "leaky": (lambda: layers.LeakyReLU(), [-0.6, -0.15, 0, 1, 8], ["LeakyRelu"]),
    "leaky_alpha": (lambda: layers.LeakyReLU(alpha=0.5), [-1, -0.25, 0, 1, 8], ["LeakyRelu"]),
    "elu": (lambda: layers.ELU(0.5), [-0.43233, -0.196735, 0, 1, 8], ["Elu"]),
    "thresholded": (lambda: layers.ThresholdedReLU(1.0), [0, 0, 0, 0, 8], ["Greater", "Cast", "Mul"]),
    "softmax": (lambda: layers.Softmax(), [4.5e-5, 2.03e-4, 3.35e-4, 9.1e-4, 0.998507], ["Softmax"]),
    "activation": (lambda: layers.Activation("relu"), [0, 0, 0, 1, 8], ["Relu"]),
    "identity": (lambda: layers.Identity(), [-2, -0.5, 0, 1, 8], ["Identity"]),
}

NONE: Any = None

every_layer = pytest.mark.parametrize("name", CASES)


@every_layer
def test_values(name: str) -> None:
    make, expected, _ = CASES[name]
    np.testing.assert_allclose(make()(X).numpy()[0], expected, 1e-3, 1e-6)


@every_layer
def test_config_open_batch_and_onnx(name: str) -> None:
    make, _, operators = CASES[name]
    check_config(make())
    check_open(make(), X)
    assert check_export(make(), X) == operators


@pytest.mark.parametrize("name", [name for name in CASES if name != "softmax"])
def test_masks_go_through(name: str) -> None:
    layer = CASES[name][0]()
    masked = layers.Masking()(np.array([[[1, 2], [0, 0]]], np.float32))
    assert layer(masked)._keras_mask.numpy().tolist() == [[True, False]]


def test_relu_with_everything() -> None:
    layer = layers.ReLU(max_value=4, negative_slope=0.5, threshold=1)
    assert layer(X).numpy().tolist() == [[-1.5, -0.75, -0.5, 0, 4]]
    check_gradients(layer, np.array([[-2, -0.5, 2, 8]], np.float32))


def test_prelu() -> None:
    layer = with_random_weights(layers.PReLU(), numbers(2, 3, 4))
    x = numbers(2, 3, 4, seed=5)
    alpha = layer.get_weights()[0]
    assert alpha.shape == (3, 4)
    np.testing.assert_allclose(layer(x).numpy(), np.where(x > 0, x, alpha * x), 1e-5)
    check_config(layer)
    check_gradients(layer, x)
    check_export(layer, x)


def test_prelu_shares_axes() -> None:
    layer = layers.PReLU(shared_axes=[1])
    layer(numbers(2, 3, 4))
    assert layer.alpha.shape == (1, 4)
    assert layer(numbers(2, 7, 4)).shape == (2, 7, 4)
    assert config_of(layer)["shared_axes"] == [1]
    with pytest.raises(ShapeError, match="expected axis 2 of the input shape to have value 4"):
        layer(numbers(2, 3, 5))
    with pytest.raises(ArgumentError, match=r"leave sizes open; share these axes: shared_axes=\[1\]"):
        layers.PReLU().build((None, None, 4))


def test_softmax_leaves_masked_positions_out() -> None:
    x = np.array([[1, 2, 3]], np.float32)
    for mask in ([[True, False, True]], [[1, 0, 1]]):
        result = layers.Softmax()(x, mask=np.array(mask)).numpy()
        np.testing.assert_allclose(result, [[0.11920292, 0, 0.880797]], 1e-5)


def test_softmax_where_nothing_counts_is_0() -> None:
    x = np.array([[1, 2, 3], [1, 1, 1]], np.float32)
    result = layers.Softmax()(x, mask=np.array([[False] * 3, [True] * 3])).numpy()
    np.testing.assert_allclose(result, [[0.0] * 3, [1 / 3] * 3], 1e-5)


@pytest.mark.parametrize("shape", [(2, 3), (1, 1, 3), (1, 2)])
def test_a_mask_of_softmax_broadcasts_to_the_inputs(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="does not broadcast to the shape"):
        layers.Softmax()(np.ones((1, 3), np.float32), mask=np.ones(shape, bool))


def test_softmax_over_several_axes() -> None:
    result = layers.Softmax(axis=(1, 2))(numbers(2, 3, 4)).numpy()
    np.testing.assert_allclose(result.sum((1, 2)), [1, 1], 1e-5)
    check_config(layers.Softmax(axis=[1, 2]))


def test_functions_of_nn_are_saved_by_name() -> None:
    assert config_of(layers.Activation(nn.relu)) == {"activation": "relu"}
    assert config_of(layers.Activation("swish")) == {"activation": "silu"}


def test_config_as_keras_writes_it() -> None:
    assert config_of(layers.ReLU()) == {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}
    assert config_of(layers.LeakyReLU(alpha=0.1)) == {"negative_slope": 0.1}
    assert list(config_of(layers.PReLU())) == [
        "alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.ReLU(-1), "max_value must be a number that is not negative, got -1"),
        (lambda: layers.ReLU(negative_slope=NONE), "negative_slope must be a number that is not negative, got None"),
        (lambda: layers.LeakyReLU(-0.1), "LeakyReLU: negative_slope"),
        (lambda: layers.ThresholdedReLU(-1.0), "ThresholdedReLU: theta"),
        (lambda: layers.Activation("rellu"), "did you mean 'relu"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
