from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from graphc.keras.utils import array_to_img, img_to_array, load_img, save_img
from graphc.keras.utils.errors import PillowMissingError
from graphc_ir.errors import ArgumentError, ShapeError


def pixels(*shape: int, high: int = 256) -> Any:
    return np.random.RandomState(0).randint(0, high, shape)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_arrays_become_images_and_come_back(channels: int, mode: str) -> None:
    array = pixels(5, 7, channels)
    image = array_to_img(array, scale=False)
    assert (image.mode, image.size) == (mode, (7, 5))
    back = img_to_array(image)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, array)


def test_channels_first() -> None:
    array = pixels(3, 5, 7)
    image = array_to_img(array, "channels_first", scale=False)
    assert image.size == (7, 5)
    np.testing.assert_array_equal(img_to_array(image, "channels_first", "uint8"), array)
    assert img_to_array(image.convert("L"), "channels_first").shape == (1, 5, 7)


def test_scaling_reaches_from_0_to_255() -> None:
    image = img_to_array(array_to_img(np.linspace(-1, 3, 12).reshape(3, 4, 1)))
    assert (image.min(), image.max()) == (0, 255)
    assert img_to_array(array_to_img(np.full((2, 2, 3), 7.0))).max() == 0


def test_gray_values_above_255_need_wide_pixels() -> None:
    array = pixels(4, 4, 1, high=70000) + 300
    image = array_to_img(array, scale=False, dtype="float64")
    assert image.mode == "I"
    np.testing.assert_array_equal(img_to_array(image, dtype="float64"), array)


def test_shapes_are_checked() -> None:
    with pytest.raises(ShapeError, match=r"to have rank 3 \(single image\), got shape \(2, 2\)"):
        array_to_img(np.zeros((2, 2)))
    with pytest.raises(ShapeError, match="Unsupported channel number: 5"):
        array_to_img(np.zeros((2, 2, 5)))
    with pytest.raises(ShapeError, match=r"Unsupported image shape: \(2,\)"):
        img_to_array(np.zeros(2))


@pytest.mark.parametrize("ending", ["png", "bmp", "PNG"])
def test_saved_images_load(tmp_path: Path, ending: str) -> None:
    array = pixels(5, 7, 3)
    path = tmp_path / f"image.{ending}"
    save_img(path, array, scale=False)
    for given in (path, str(path), bytes(path), io.BytesIO(path.read_bytes())):
        np.testing.assert_array_equal(img_to_array(load_img(given)), array)


def test_file_objects_and_formats(tmp_path: Path) -> None:
    file = io.BytesIO()
    save_img(file, pixels(3, 3, 1), file_format="jpg", quality=90)
    assert Image.open(file).format == "JPEG"
    save_img(tmp_path / "a.jpg", pixels(3, 3, 3))
    assert Image.open(tmp_path / "a.jpg").format == "JPEG"


def test_jpeg_has_no_transparency(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="does not support RGBA images, converting to RGB"):
        save_img(tmp_path / "a.jpg", pixels(3, 3, 4))
    assert load_img(tmp_path / "a.jpg").mode == "RGB"


@pytest.mark.parametrize(("color_mode", "channels"), [("grayscale", 1), ("rgb", 3), ("rgba", 4)])
def test_color_modes(tmp_path: Path, color_mode: str, channels: int) -> None:
    save_img(tmp_path / "a.png", pixels(4, 6, 3))
    assert img_to_array(load_img(tmp_path / "a.png", color_mode)).shape == (4, 6, channels)


def test_deep_gray_stays_deep(tmp_path: Path) -> None:
    deep = pixels(4, 4, high=60000).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    np.testing.assert_array_equal(img_to_array(load_img(tmp_path / "a.png", "grayscale"))[:, :, 0], deep)


def test_resizing_while_loading(tmp_path: Path) -> None:
    array = np.repeat(np.arange(6, dtype=np.uint8)[np.newaxis, :, np.newaxis], 4, axis=0)
    save_img(tmp_path / "a.png", array, scale=False)
    plain = img_to_array(load_img(tmp_path / "a.png", "grayscale", (4, 2)))
    assert plain.shape == (4, 2, 1)
    # The middle of 4x6 with the proportions of 2x2 is 4x4: the columns 1 to 4.
    kept = img_to_array(load_img(tmp_path / "a.png", "grayscale", (2, 2), "box", keep_aspect_ratio=True))
    assert kept[:, :, 0].tolist() == [[2, 4], [2, 4]]
    assert load_img(tmp_path / "a.png", target_size=(4, 6)).size == (6, 4)


def test_loading_checks_its_arguments(tmp_path: Path) -> None:
    save_img(tmp_path / "a.png", pixels(4, 6, 3))
    with pytest.raises(ArgumentError, match='color_mode must be "grayscale", "rgb", or "rgba", received \'bgr\''):
        load_img(tmp_path / "a.png", "bgr")
    with pytest.raises(ArgumentError, match="Invalid interpolation method 'cubic', expected one of nearest"):
        load_img(tmp_path / "a.png", target_size=(2, 2), interpolation="cubic")
    with pytest.raises(ArgumentError, match=r"path should be path-like or io\.BytesIO, not int"):
        load_img(3)  # type: ignore[arg-type]


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(PillowMissingError, match=r"Could not import PIL\.Image; .*pip install 'graphc\[images\]'"):
        array_to_img(np.zeros((2, 2, 3)))
    with pytest.raises(ImportError):
        load_img(io.BytesIO())
