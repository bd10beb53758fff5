"""Normalisation layers: values, statistics that move, masks, configs, open sizes, export."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import layers
from graphc_ir.errors import ArgumentError, ShapeError

from ..checks import check_config, check_export, check_gradients, check_open, numbers, with_random_weights

X = np.array([[1.0, 10.0], [3.0, 30.0]], np.float32)


def test_batch_normalization_uses_and_moves_statistics_in_training() -> None:
    layer = layers.BatchNormalization(momentum=0.9, epsilon=0.0)
    np.testing.assert_allclose(layer(X, training=True).numpy(), [[-1, -1], [1, 1]], atol=1e-6)
    np.testing.assert_allclose(layer.moving_mean.numpy(), [0.2, 2.0], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), [1.0, 10.9], rtol=1e-6)
    np.testing.assert_allclose(layer(X).numpy()[0], [0.8, 8.0 / np.sqrt(10.9)], rtol=1e-6)


def test_a_frozen_batch_normalization_infers() -> None:
    layer = layers.BatchNormalization(epsilon=0.0)
    layer(X)
    layer.trainable = False
    np.testing.assert_allclose(layer(X, training=True).numpy(), X)
    assert layer.moving_mean.numpy().tolist() == [0.0, 0.0]
    assert not layer.trainable_weights
    assert [w.name for w in layer.non_trainable_weights] == ["gamma", "beta", "moving_mean", "moving_variance"]


def test_masked_elements_do_not_count_for_batch_statistics() -> None:
    x = np.array([[[2.0], [100.0]], [[4.0], [100.0]]], np.float32)
    mask = np.array([[True, False], [True, False]])
    layer = layers.BatchNormalization(epsilon=0.0)
    np.testing.assert_allclose(layer(x, training=True, mask=mask).numpy()[:, 0, 0], [-1.0, 1.0], atol=1e-4)
    with pytest.raises(ShapeError, match="one axis less than the inputs"):
        layer(x, training=True, mask=mask[0])


def test_moving_statistics_are_state_of_traced_functions() -> None:
    eager, traced = layers.BatchNormalization(), layers.BatchNormalization()
    x = numbers(4, 3)
    traced.build((None, 3))
    run = tf.function(lambda v: traced(v, training=True), input_signature=[tf.TensorSpec([None, 3])])
    for _ in range(3):
        np.testing.assert_allclose(run(tf.constant(x)).numpy(), eager(x, training=True).numpy(), atol=1e-6)
    np.testing.assert_allclose(traced.moving_variance.numpy(), eager.moving_variance.numpy(), rtol=1e-6)


def test_layer_normalization_over_one_axis_and_several() -> None:
    layer = layers.LayerNormalization(epsilon=0.0)
    np.testing.assert_allclose(layer(X).numpy(), [[-1, 1], [-1, 1]], atol=1e-6)
    x = numbers(2, 3, 4)
    both = layers.LayerNormalization(axis=[1, 2])(x).numpy()
    np.testing.assert_allclose(both.mean((1, 2)), 0, atol=1e-6)
    first = layers.LayerNormalization(axis=1)
    np.testing.assert_allclose(first(x).numpy().mean(1), 0, atol=1e-6)
    assert [w.shape for w in first.weights] == [(3,), (3,)]


def test_group_normalization_by_instance_and_its_errors() -> None:
    x = numbers(2, 5, 4)
    np.testing.assert_allclose(layers.GroupNormalization(-1)(x).numpy().mean(1), 0, atol=1e-6)
    with pytest.raises(ArgumentError, match="4 channels do not divide into groups=3"):
        layers.GroupNormalization(3)(x)


def test_unit_and_rms_normalization() -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)
    np.testing.assert_allclose(layers.UnitNormalization()(x).numpy(), [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(layers.RMSNormalization()(x[:1]).numpy(), [[3, 4]] / np.sqrt(12.5), rtol=1e-5)


def test_spectral_normalization_bounds_the_kernel_in_training() -> None:
    dense = layers.Dense(4)
    layer = layers.SpectralNormalization(dense, power_iterations=30)
    x = numbers(2, 3)
    layer(x, training=True)
    assert np.linalg.norm(dense.kernel.numpy(), 2) == pytest.approx(1.0, abs=1e-3)
    kernel = dense.kernel.numpy()
    layer(x)
    assert np.array_equal(dense.kernel.numpy(), kernel)
    with pytest.raises(ArgumentError, match="expected 1 or more"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)


LAYERS = [
    lambda: layers.BatchNormalization(axis=-1, scale=False),
    lambda: layers.LayerNormalization(axis=[1, 2]),
    lambda: layers.LayerNormalization(center=False),
    lambda: layers.GroupNormalization(2),
    lambda: layers.UnitNormalization(),
    lambda: layers.RMSNormalization(axis=[1, 2]),
]


@pytest.mark.parametrize("make", LAYERS)
def test_configs_gradients_open_batches_and_exports(make: Any) -> None:
    check_config(make())
    x = numbers(2, 3, 4)
    layer = with_random_weights(make(), x)
    for weight in layer.non_trainable_weights:
        weight.assign(np.abs(weight.numpy()) + 1)
    check_gradients(layer, x)
    check_open(layer, x)
    check_export(layer, x)


def test_an_open_channel_axis_is_refused() -> None:
    with pytest.raises(ArgumentError, match="needs a known size along axis -1"):
        layers.BatchNormalization()(layers.Input((3, None)))


@pytest.mark.parametrize("cls", [layers.LayerNormalization, layers.RMSNormalization])
def test_the_config_of_a_built_layer_lists_its_axes_as_keras_does(cls: Any) -> None:
    layer = cls()
    assert layer.get_config()["axis"] == -1
    layer.build((None, 3))
    assert layer.get_config()["axis"] == [-1]
