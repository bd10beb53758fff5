"""tf.image: values as TensorFlow gives them, random changes, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc_ir.errors import ArgumentError, ShapeError
from tests.graphc.image.cases import LINES, evaluate

GOLDENS: dict[str, Any] = json.loads((Path(__file__).with_name("goldens") / "image.json").read_text(encoding="utf-8"))
IMAGE = np.arange(2 * 4 * 6 * 3, dtype=np.float32).reshape(2, 4, 6, 3) / 144


@pytest.mark.parametrize("line", LINES)
def test_values(line: str) -> None:
    found = evaluate(line, tf)
    assert len(found) == len(GOLDENS[line])
    for array, golden in zip(found, GOLDENS[line], strict=True):
        assert (array.dtype.name, list(array.shape)) == (golden["dtype"], golden["shape"])
        wanted = np.array(golden["values"], array.dtype).reshape(array.shape)
        np.testing.assert_allclose(array, wanted, 1e-4, 1e-5 if array.dtype.kind == "f" else 0)


def test_every_listed_name_is_there() -> None:
    assert len(set(tf.image.__all__)) == len(tf.image.__all__)
    assert [name for name in tf.image.__all__ if not hasattr(tf.image, name)] == []


def test_open_batches_in_a_trace() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 4, 6, 3])])
    def f(images: Any) -> Any:
        return tf.image.resize(tf.image.rot90(images), (3, 3)), tf.image.adjust_contrast(images, 2.0)

    small, harder = f(IMAGE)
    np.testing.assert_allclose(small.numpy(), tf.image.resize(tf.image.rot90(IMAGE), (3, 3)).numpy(), atol=1e-6)
    np.testing.assert_allclose(harder.numpy(), tf.image.adjust_contrast(IMAGE, 2.0).numpy(), atol=1e-6)


RANDOM: list[tuple[str, tuple[Any, ...]]] = [
    ("brightness", (0.3,)),
    ("contrast", (0.5, 2.0)),
    ("saturation", (0.5, 2.0)),
    ("hue", (0.3,)),
    ("crop", ((2, 2, 3, 3),)),
]


@pytest.mark.parametrize(("name", "arguments"), RANDOM)
def test_a_seed_gives_one_result(name: str, arguments: tuple[Any, ...]) -> None:
    stateless = getattr(tf.image, f"stateless_random_{name}")
    first, again, other = (stateless(IMAGE, *arguments, seed=[1, n]).numpy() for n in (2, 2, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    drawing = getattr(tf.image, f"random_{name}")
    assert len({drawing(IMAGE, *arguments).numpy().tobytes() for _ in range(8)}) > 1


@pytest.mark.parametrize(
    ("draw", "flipped"),
    [
        (tf.image.random_flip_left_right, IMAGE[:, :, ::-1]),
        (tf.image.random_flip_up_down, IMAGE[:, ::-1]),
        (lambda x: tf.image.stateless_random_flip_left_right(x, [1, int(np.random.default_rng().integers(9999))]),
         IMAGE[:, :, ::-1]),
        (lambda x: tf.image.stateless_random_flip_up_down(x, [1, int(np.random.default_rng().integers(9999))]),
         IMAGE[:, ::-1]),
    ],
)  # fmt: skip
def test_each_image_is_mirrored_or_not(draw: Callable[[Any], Any], flipped: Any) -> None:
    seen = set()
    for _ in range(20):
        for i, image in enumerate(draw(tf.constant(IMAGE)).numpy()):
            is_same, is_flipped = np.array_equal(image, IMAGE[i]), np.array_equal(image, flipped[i])
            assert is_same or is_flipped
            seen.add(is_same)
    assert seen == {True, False}
    single = draw(tf.constant(IMAGE[0])).numpy()
    assert np.array_equal(single, IMAGE[0]) or np.array_equal(single, flipped[0])


def test_a_crop_is_a_part() -> None:
    corners = set()
    for n in range(40):
        part = tf.image.stateless_random_crop(IMAGE, (2, 2, 3, 3), seed=[n, 0]).numpy()
        start = round(float(part[0, 0, 0, 0]) * 144)
        row, column = start // 18, start % 18 // 3
        np.testing.assert_array_equal(part, IMAGE[:, row : row + 2, column : column + 3])
        corners.add((row, column))
    assert len(corners) > 6


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tf.image.resize(IMAGE[0, 0], (2, 2)), ShapeError, r"resize: got shape \(6, 3\)"),
        (lambda: tf.image.resize(IMAGE, (2, 2), "area"), ArgumentError, "method='area', expected one of bilinear"),
        (lambda: tf.image.central_crop(IMAGE, 0), ArgumentError, "central_fraction=0"),
        (lambda: tf.image.crop_to_bounding_box(IMAGE, 2, 0, 3, 2), ArgumentError, "offset 2 and length 3"),
        (lambda: tf.image.pad_to_bounding_box(IMAGE, 2, 0, 3, 9), ArgumentError, "expected no negative amounts"),
        (lambda: tf.image.adjust_gamma(IMAGE, -1), ArgumentError, "gamma=-1, expected it not to be negative"),
        (lambda: tf.image.random_hue(IMAGE, 0.6), ArgumentError, "max_delta=0.6, expected it not below 0 nor above"),
        (lambda: tf.image.random_contrast(IMAGE, 2, 1), ArgumentError, "expected 0 <= lower < upper"),
        (lambda: tf.image.random_crop(IMAGE, (2, 5, 3, 3)), ArgumentError, "does not fit into"),
        (lambda: tf.image.random_crop(IMAGE, (5, 3)), ShapeError, "expected one length per axis"),
        (lambda: tf.image.ssim(IMAGE, IMAGE, 1.0, return_index_map=True), ArgumentError, "one number per image"),
        (lambda: tf.image.decode_jpeg(b""), AttributeError, r"keras\.utils\.load_img"),
    ],
)
def test_errors(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
