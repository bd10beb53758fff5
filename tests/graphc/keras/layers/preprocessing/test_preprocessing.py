"""Layers that prepare data: values, adapted statistics, configs, symbolic shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import Input, Model, layers
from graphc.keras.layers import Layer
from graphc_ir.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(0)


def test_rescaling_and_its_export_shape() -> None:
    layer = layers.Rescaling(1 / 127.5, offset=-1)
    assert layer(np.array([[0, 255]], np.uint8)).numpy().tolist() == [[-1.0, 1.0]]
    assert layer(Input((2,))).shape == (None, 2)


def test_normalization_adapts_or_takes_given_statistics() -> None:
    data = RNG.normal(3.0, 2.0, (200, 4)).astype("f")
    layer = layers.Normalization()
    layer.adapt(data)
    found = layer(data).numpy()
    assert np.allclose(found.mean(0), 0.0, atol=1e-5)
    assert np.allclose(found.std(0), 1.0, atol=1e-3)
    given = layers.Normalization(mean=3.0, variance=4.0)
    assert given(np.array([[5.0]], np.float32)).numpy().tolist() == [[1.0]]


def test_discretization_by_boundaries_and_adapted() -> None:
    layer = layers.Discretization(bin_boundaries=[0.0, 1.0])
    assert layer(np.array([[-0.5, 0.5, 1.5]], np.float32)).numpy().tolist() == [[0, 1, 2]]
    adapted = layers.Discretization(num_bins=4)
    adapted.adapt(np.arange(100, dtype="f")[:, None])
    counts = np.bincount(adapted(np.arange(100, dtype="f")[:, None]).numpy().ravel())
    assert counts.tolist() == pytest.approx([25] * 4, abs=2)


def test_discretization_has_a_place_in_models_before_it_is_adapted() -> None:
    layer = layers.Discretization(num_bins=3, output_mode="one_hot")
    x = Input((2,))
    model = Model(x, layer(x))
    assert model.output_shape == (None, 2, 3)
    data = np.arange(30, dtype="f")[:, None]
    with pytest.raises(ArgumentError, match="You need to call `adapt` with data first"):
        model(data[:2].reshape(1, 2))
    layer.adapt(data)
    assert model(np.array([[0, 29]], "f")).numpy().tolist() == [[[1, 0, 0], [0, 0, 1]]]


def test_category_encoding() -> None:
    layer = layers.CategoryEncoding(num_tokens=4, output_mode="multi_hot")
    assert layer(np.array([[0, 2]])).numpy().tolist() == [[1, 0, 1, 0]]


def test_resizing_keeps_symbolic_batches() -> None:
    layer = layers.Resizing(2, 3, interpolation="nearest")
    image = np.arange(16, dtype="f").reshape(1, 4, 4, 1)
    assert layer(image).numpy()[0, :, :, 0].tolist() == [[4.0, 6.0, 7.0], [12.0, 14.0, 15.0]]
    x = Input((8, 8, 3))
    assert Model(x, layer(x)).output_shape == (None, 2, 3, 3)


def test_center_crop_cuts_large_images_and_enlarges_small_ones() -> None:
    image = np.arange(16, dtype="f").reshape(4, 4, 1)
    assert layers.CenterCrop(2, 2)(image).numpy()[:, :, 0].tolist() == [[5.0, 6.0], [9.0, 10.0]]
    assert layers.CenterCrop(6, 6)(image).shape == (6, 6, 1)
    with pytest.raises(ShapeError, match="needs images of a known size"):
        layers.CenterCrop(2, 2)(Input((None, None, 3)))


@pytest.mark.parametrize(
    "layer",
    [
        layers.Rescaling(0.5, [1.0, 2.0]),
        layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0]),
        layers.Discretization(bin_boundaries=[0.0, 1.0]),
        layers.Resizing(3, 3, crop_to_aspect_ratio=True),
        layers.CenterCrop(2, 2, data_format="channels_first"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_configs_make_equal_layers(layer: Layer) -> None:
    copy: Any = type(layer).from_config(layer.get_config())
    data = RNG.normal(size=(2, 4, 4, 2)).astype("f")
    assert np.array_equal(copy(data).numpy(), layer(data).numpy())
    traced = tf.function(lambda x: layer(x))
    assert np.allclose(traced(tf.constant(data)).numpy(), layer(data).numpy(), atol=1e-6)
