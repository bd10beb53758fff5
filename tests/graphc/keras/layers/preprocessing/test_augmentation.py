"""Random image layers: fixed factors, the identity outside training, traced functions, configs, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import layers
from graphc_ir.errors import ArgumentError

SQUARE = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)


def shown(image: Any) -> Any:
    return image.numpy()[0, ..., 0].tolist()


def test_a_quarter_turn() -> None:
    layer = layers.RandomRotation((0.25, 0.25), fill_mode="constant", interpolation="nearest")
    assert shown(layer(SQUARE)) == [[3, 7, 11, 15], [2, 6, 10, 14], [1, 5, 9, 13], [0, 4, 8, 12]]


def test_moved_and_zoomed_images() -> None:
    moved = layers.RandomTranslation((0.25, 0.25), (-0.5, -0.5), fill_mode="constant")
    assert shown(moved(SQUARE)) == [[0, 0, 0, 0], [2, 3, 0, 0], [6, 7, 0, 0], [10, 11, 0, 0]]
    assert shown(layers.RandomZoom((-0.5, -0.5))(SQUARE))[0] == [3.75, 4.25, 4.75, 5.25]


def test_colors_stay_in_their_range() -> None:
    bright = layers.RandomBrightness((0.2, 0.2), value_range=(0, 16))(SQUARE)
    assert shown(bright)[0] == pytest.approx([3.2, 4.2, 5.2, 6.2])
    assert bright.numpy().max() == 16
    flat = layers.RandomContrast((1.0, 0.0), value_range=(0, 16), seed=1)(SQUARE).numpy()
    assert flat.std() < SQUARE.std()
    assert flat.mean() == pytest.approx(SQUARE.mean())


def test_flips_are_drawn_per_image() -> None:
    row = np.tile(np.arange(3, dtype="f").reshape(1, 1, 3, 1), (64, 1, 1, 1))
    found = layers.RandomFlip("horizontal", seed=1)(row).numpy()[:, 0, :, 0]
    flipped = (found == [2, 1, 0]).all(1)
    assert ((found == [0, 1, 2]).all(1) | flipped).all()
    assert 16 < flipped.sum() < 48


def test_crops_of_a_batch_lie_at_one_place() -> None:
    found = layers.RandomCrop(2, 2, seed=3)(np.tile(SQUARE, (3, 1, 1, 1))).numpy()
    assert found.shape == (3, 2, 2, 1)
    assert (found == found[:1]).all()
    assert shown(layers.RandomCrop(2, 2)(SQUARE, training=False)) == shown(layers.Resizing(2, 2)(SQUARE))


LAYERS = [
    lambda: layers.RandomFlip(seed=1),
    lambda: layers.RandomRotation(0.2, seed=1),
    lambda: layers.RandomZoom(0.2, seed=1),
    lambda: layers.RandomTranslation(0.2, (0.1, 0.3), seed=1),
    lambda: layers.RandomContrast(0.5, seed=1),
    lambda: layers.RandomBrightness(0.2, seed=1),
]


@pytest.mark.parametrize("make", LAYERS)
def test_training_alone_changes_images(make: Any) -> None:
    layer = make()
    assert np.array_equal(layer(SQUARE, training=False).numpy(), SQUARE)
    assert layer(SQUARE[0]).shape == (4, 4, 1)
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
    eager, traced = make(), make()
    run = tf.function(lambda x: traced(x, training=True), input_signature=[tf.TensorSpec([None, 4, 4, 1])])
    images = np.tile(SQUARE, (3, 1, 1, 1))
    np.testing.assert_allclose(run(tf.constant(images)).numpy(), eager(images, training=True).numpy(), atol=1e-4)


def test_dicts_keep_their_labels() -> None:
    found = layers.Resizing(2, 2)({"images": SQUARE, "labels": np.array([7])})
    assert found["images"].shape == (1, 2, 2, 1)
    assert found["labels"].numpy().tolist() == [7]
    with pytest.raises(ArgumentError, match="bounding_boxes"):
        layers.Resizing(2, 2)({"images": SQUARE, "bounding_boxes": np.zeros(4)})


def test_factors_out_of_range() -> None:
    with pytest.raises(ArgumentError, match=r"in the range \[-1.0, 1.0\]"):
        layers.RandomBrightness(2.0)
    with pytest.raises(ArgumentError, match=r"in the range \[0, 1\]"):
        layers.RandomContrast(2.0)
    with pytest.raises(ArgumentError, match="fill_mode"):
        layers.RandomRotation(0.1, fill_mode="x")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RandomTranslation({"a": 1}, 0.1), "height_factor must be a number, or a pair"),
        (lambda: layers.RandomRotation(["0.1", 0.2]), "factor must be a number, or a pair of rising numbers"),
        (lambda: layers.RandomBrightness(0.1, value_range=[0]), r"must be a pair of numbers .*, got \[0\]"),
        (lambda: layers.RandomContrast(0.1, value_range=(0, 1, 2)), "must be a pair of numbers such as"),
    ],
)
def test_arguments_that_are_no_numbers(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
