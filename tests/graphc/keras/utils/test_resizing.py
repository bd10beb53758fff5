"""Resizing against ``tf.image.resize``, ``resize_with_pad`` and Keras's ``smart_resize``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc.keras.preprocessing.image import smart_resize
from graphc.keras.utils.aspect import pad_and_resize
from graphc.keras.utils.resampling import METHODS, resize
from graphc_ir.errors import ArgumentError, ShapeError

from .conftest import GOLDENS


@pytest.fixture(scope="module")
def goldens() -> dict[str, Any]:
    with np.load(GOLDENS / "resizing.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize("size", [(9, 4), (2, 13), (5, 6)])
@pytest.mark.parametrize("method", METHODS)
def test_as_tensorflow(goldens: dict[str, Any], method: str, size: tuple[int, int]) -> None:
    # TensorFlow reads the cubic kernel from a table of 1,024 entries. Whether a pixel exactly at the radius of the
    # Gaussian counts is a matter of rounding.
    tolerance = {"bicubic": 0.2, "gaussian": 0.6}.get(method, 1e-3)
    result = resize(goldens["image"], size, method, 0)
    np.testing.assert_allclose(result, goldens[f"{method}_{size[0]}x{size[1]}"], atol=tolerance)
    assert result.dtype == np.float32


def test_smart_resize_as_keras(goldens: dict[str, Any]) -> None:
    image = goldens["image"]
    np.testing.assert_allclose(smart_resize(image, (4, 4)), goldens["smart_4x4"], atol=1e-3)
    np.testing.assert_array_equal(smart_resize(image, (7, 3), "NEAREST"), goldens["smart_7x3"])
    first = smart_resize(image.transpose(2, 0, 1)[np.newaxis], (4, 4), data_format="channels_first")
    np.testing.assert_allclose(first[0].transpose(1, 2, 0), goldens["smart_4x4"], atol=1e-3)


def test_smart_resize_keeps_tensors(goldens: dict[str, Any]) -> None:
    result = smart_resize(gc.constant(goldens["image"]), (4, 4))
    assert isinstance(result, gc.Tensor)
    np.testing.assert_allclose(result.numpy(), goldens["smart_4x4"], atol=1e-3)


@pytest.mark.parametrize("size", [(9, 6), (6, 7)])
def test_padding_as_tensorflow(goldens: dict[str, Any], size: tuple[int, int]) -> None:
    result = pad_and_resize(goldens["image"], size, "bilinear", 0)
    np.testing.assert_allclose(result, goldens[f"pad_{size[0]}x{size[1]}"], atol=1e-3)


def test_smart_resize_arguments() -> None:
    image = np.zeros((3, 3, 1))
    with pytest.raises(ArgumentError, match=r"expected a tuple of 2 integers: \(height, width\)"):
        smart_resize(image, (2,))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="interpolation='cubic', expected one of bilinear, bicubic"):
        smart_resize(image, (2, 2), "cubic")
    with pytest.raises(ShapeError, match=r"received shape \(3, 3\), expected an image"):
        smart_resize(image[:, :, 0], (2, 2))
