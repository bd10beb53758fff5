"""Dropout and noise: the identity outside training, statistics inside, shared fates, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import layers
from graphc_ir.errors import ArgumentError

ONES = np.ones((200, 50), np.float32)
NOISE = [
    lambda: layers.Dropout(0.4, seed=1),
    lambda: layers.AlphaDropout(0.2, seed=1),
    lambda: layers.GaussianDropout(0.3, seed=1),
    lambda: layers.GaussianNoise(0.5, seed=1),
]


@pytest.mark.parametrize("make", NOISE)
def test_noise_is_for_training_and_repeats_with_the_seed(make: Any) -> None:
    layer = make()
    assert np.array_equal(layer(ONES).numpy(), ONES)
    first = layer(ONES, training=True).numpy()
    assert not np.array_equal(first, ONES)
    assert not np.array_equal(layer(ONES, training=True).numpy(), first)
    assert np.array_equal(make()(ONES, training=True).numpy(), first)
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()


def test_dropout_keeps_the_mean() -> None:
    dropped = layers.Dropout(0.4, seed=2)(ONES, training=True).numpy()
    assert np.unique(dropped.round(5)).tolist() == pytest.approx([0.0, 1 / 0.6], abs=1e-4)
    assert dropped.mean() == pytest.approx(1.0, abs=0.05)
    assert layers.Dropout(1.0)(ONES, training=True).numpy().sum() == 0


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = np.random.default_rng(0).standard_normal((400, 100)).astype("f")
    found = layers.AlphaDropout(0.3, seed=1)(x, training=True).numpy()
    assert found.mean() == pytest.approx(0.0, abs=0.05)
    assert found.std() == pytest.approx(1.0, abs=0.05)


def test_noise_shape_and_spatial_dropout_share_fates() -> None:
    x = np.ones((4, 6, 8), np.float32)
    for layer in (layers.Dropout(0.5, noise_shape=(None, 1, None), seed=1), layers.SpatialDropout1D(0.5, seed=1)):
        found = layer(x, training=True).numpy()
        assert (found == found[:, :1]).all()
        assert 0 < found[:, 0].mean() < 2
    first = layers.SpatialDropout2D(0.5, data_format="channels_first", seed=1)(np.ones((3, 8, 2, 2)), training=True)
    assert (first.numpy() == first.numpy()[:, :, :1, :1]).all()


def test_traced_noise_moves_on_at_each_call() -> None:
    layer = layers.Dropout(0.5, seed=3)
    run = tf.function(lambda x: layer(x, training=True), input_signature=[tf.TensorSpec([None, 50])])
    eager = layers.Dropout(0.5, seed=3)
    for _ in range(2):
        assert np.array_equal(run(tf.constant(ONES)).numpy(), eager(ONES, training=True).numpy())


@pytest.mark.parametrize("rate", [-0.1, 1.5, "x"])
def test_rates_are_fractions(rate: Any) -> None:
    with pytest.raises(ArgumentError, match="a number between 0 and 1"):
        layers.Dropout(rate)


def test_bad_noise_shapes_and_strengths() -> None:
    with pytest.raises(ArgumentError, match="positive integers or Nones"):
        layers.Dropout(0.5, noise_shape=(2, 0))
    with pytest.raises(ArgumentError, match="below 1"):
        layers.GaussianDropout(1.0)
    with pytest.raises(ArgumentError, match="0 or more"):
        layers.GaussianNoise(-1.0)
