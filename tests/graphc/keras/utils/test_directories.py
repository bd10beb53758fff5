"""``image_dataset_from_directory`` and ``text_dataset_from_directory``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphc.data import Dataset
from graphc.keras.utils import image_dataset_from_directory, save_img, text_dataset_from_directory
from graphc.keras.utils.errors import CorruptFileError
from graphc_ir.errors import ArgumentError


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the golden orders were made with."""
    root = tmp_path_factory.mktemp("texts")
    for name, count in (("b", 3), ("a", 4), ("c", 2)):
        (root / name / "sub").mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number}.txt").write_text(f"{name}{number}", encoding="utf-8")
        (root / name / "sub/x.txt").write_text(f"{name}x", encoding="utf-8")
        (root / name / "skip.md").write_text("no", encoding="utf-8")
    return root


def one(dataset: Any) -> Any:
    assert isinstance(dataset, Dataset)
    return dataset


def relative(dataset: Any, root: Path) -> list[str]:
    return [os.path.relpath(path, root) for path in dataset.file_paths]


def test_order_and_labels_as_keras(texts: Path, keras_utils: dict[str, Any]) -> None:
    for case in keras_utils["directory"]["cases"]:
        dataset = one(text_dataset_from_directory(texts, batch_size=None, verbose=False, **case["kwargs"]))
        assert relative(dataset, texts) == case["files"], case["kwargs"]
        assert dataset.class_names == case["class_names"]
        if case["labels"] is not None and not case["kwargs"]["shuffle"]:
            assert [int(label) for _, label in dataset] == case["labels"]


def test_the_split_is_that_of_keras(texts: Path, keras_utils: dict[str, Any], capsys: Any) -> None:
    arguments: dict[str, Any] = {"seed": 5, "validation_split": 0.3, "batch_size": None}
    expected = [case["files"] for case in keras_utils["directory"]["split"]]
    both = text_dataset_from_directory(texts, subset="both", **arguments)
    assert isinstance(both, list)
    assert [relative(dataset, texts) for dataset in both] == expected
    assert capsys.readouterr().out == (
        "Found 12 files belonging to 3 classes.\nUsing 9 files for training.\nUsing 3 files for validation.\n"
    )
    for subset, files in zip(("training", "validation"), expected, strict=True):
        assert relative(text_dataset_from_directory(texts, subset=subset, **arguments), texts) == files
    validation = [(text.numpy(), int(label)) for text, label in both[1]]
    labels = keras_utils["directory"]["split"][1]["labels"]
    assert validation == [(path[0] + Path(path).stem, label) for path, label in zip(expected[1], labels, strict=True)]


def test_texts_in_batches(texts: Path) -> None:
    dataset = one(text_dataset_from_directory(texts, shuffle=False, batch_size=5, verbose=False))
    (first, labels), *_, (last, _) = list(dataset)
    assert first.numpy().tolist() == ["a0", "a1", "a2", "a3", "ax"]
    assert labels.numpy().tolist() == [0] * 5
    assert last.numpy().tolist() == ["c1", "cx"]
    assert first.dtype == "string"
    assert labels.dtype == "int32"


def test_passes_are_shuffled_and_keep_labels_with_texts(texts: Path) -> None:
    dataset = one(text_dataset_from_directory(texts, seed=3, batch_size=4, verbose=False))
    passes = [[(t, int(n)) for x, y in dataset for t, n in zip(x.numpy(), y, strict=True)] for _ in range(2)]
    assert passes[0] != passes[1]
    assert sorted(passes[0]) == sorted(passes[1])
    assert all("abc".index(text[0]) == label for text, label in passes[0])


def test_texts_are_cut_and_may_come_alone(texts: Path) -> None:
    dataset = one(text_dataset_from_directory(texts, labels=None, max_length=1, shuffle=False, verbose=False))
    (batch,) = list(dataset)
    assert batch.numpy().tolist() == list("aaaaabbbbccc")
    assert dataset.class_names is None


@pytest.mark.parametrize(
    ("label_mode", "names", "expected"),
    [
        ("categorical", None, [[1, 0, 0]] * 5 + [[0, 1, 0]] * 4 + [[0, 0, 1]] * 3),
        ("binary", ["b", "c"], [[0.0]] * 4 + [[1.0]] * 3),
    ],
)
def test_label_modes(texts: Path, label_mode: str, names: Any, expected: Any) -> None:
    dataset = one(
        text_dataset_from_directory(texts, label_mode=label_mode, class_names=names, shuffle=False, verbose=False)
    )
    ((_, labels),) = list(dataset)
    assert labels.numpy().tolist() == expected
    assert labels.dtype == "float32"


def test_links_are_followed_when_asked(texts: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/link").symlink_to(texts / "b")
    (tmp_path / "a/own.txt").touch()
    for follow, count in ((False, 1), (True, 5)):
        dataset = one(text_dataset_from_directory(tmp_path, follow_links=follow, verbose=False))
        assert len(dataset.file_paths) == count


def test_a_text_must_be_utf8(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/bad.txt").write_bytes(b"\xff\xfe")
    dataset = one(text_dataset_from_directory(tmp_path, verbose=False))
    with pytest.raises(CorruptFileError, match=r"bad\.txt is no UTF-8 text"):
        list(dataset)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": "all"}, "`labels` argument should be a list/tuple of integer labels.*received 'all'"),
        ({"labels": [0] * 12, "class_names": ["a"]}, "You can only pass `class_names` if `labels='inferred'`"),
        ({"labels": [0, 1]}, "received 2 labels for 12 files"),
        ({"labels": [5] * 11 + [7], "label_mode": "categorical"}, "the labels range from 5 to 7, expected 0 to 1"),
        ({"label_mode": "one_hot"}, "`label_mode` argument must be one of 'int', 'categorical', 'binary', None"),
        ({"label_mode": "binary"}, 'When passing `label_mode="binary"`, there must be exactly 2 class_names'),
        ({"class_names": ["a", "z"]}, r"Expected: \['a', 'b', 'c'\] \(or a subset of it\), but received"),
        ({"validation_split": 2, "subset": "training"}, "`validation_split` must be between 0 and 1, received 2"),
        ({"validation_split": 0.2}, "If `subset` is set, `validation_split` must be set, and inversely"),
        ({"subset": "training"}, "If `subset` is set, `validation_split` must be set, and inversely"),
        ({"validation_split": 0.2, "subset": "test"}, '`subset` must be either "training", "validation" or "both"'),
        ({"validation_split": 0.2, "subset": "both"}, "you must provide a `seed` argument"),
        ({"validation_split": 0.01, "subset": "both", "seed": 1}, "leaves none of the 12 files for validation"),
        ({"format": "grain"}, '`format` should be "tf"'),
    ],
)
def test_arguments_are_checked(texts: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        text_dataset_from_directory(texts, **arguments)


def test_empty_and_missing_folders(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"No files found in directory .* Allowed formats: \.bmp, \.gif"):
        image_dataset_from_directory(texts)
    with pytest.raises(ArgumentError, match="there is no such folder"):
        text_dataset_from_directory(tmp_path / "none")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of pictures of 4x6 pixels, each of one colour: 10, 20, 30 and 110, 120."""
    root = tmp_path_factory.mktemp("pictures")
    for name, colors in (("dark", (10, 20, 30)), ("light", (110, 120))):
        (root / name).mkdir()
        for color in colors:
            save_img(root / name / f"{color:03}.png", np.full((4, 6, 3), color), scale=False)
    return root


def test_pictures_in_batches(pictures: Path) -> None:
    dataset = one(image_dataset_from_directory(pictures, image_size=(8, 8), batch_size=3, shuffle=False, verbose=False))
    (x, y), (rest, _) = list(dataset)
    assert (x.shape, rest.shape) == ((3, 8, 8, 3), (2, 8, 8, 3))
    assert x.dtype == "float32"
    assert x.numpy()[:, 3, 3, 0].tolist() == [10, 20, 30]
    assert y.numpy().tolist() == [0, 0, 0]
    assert dataset.class_names == ["dark", "light"]
    assert dataset.element_spec[0].shape == (None, 8, 8, 3)


@pytest.mark.parametrize(("color_mode", "channels"), [("grayscale", 1), ("rgb", 3), ("rgba", 4)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_channels(pictures: Path, color_mode: str, channels: int, data_format: str) -> None:
    dataset = one(
        image_dataset_from_directory(
            pictures, None, color_mode=color_mode, image_size=5, data_format=data_format, batch_size=None, verbose=False
        )
    )
    shape = (5, 5, channels) if data_format == "channels_last" else (channels, 5, 5)
    assert {tuple(picture.shape) for picture in dataset} == {shape}


def test_proportions(tmp_path: Path) -> None:
    columns = np.arange(6) * 10
    (tmp_path / "a").mkdir()
    save_img(tmp_path / "a/p.png", np.broadcast_to(columns[:, np.newaxis], (4, 6, 3)), scale=False)

    def load(**arguments: Any) -> Any:
        dataset = one(
            image_dataset_from_directory(
                tmp_path, None, image_size=(6, 6), batch_size=None, interpolation="nearest", verbose=False, **arguments
            )
        )
        return next(iter(dataset)).numpy()[:, :, 0]

    assert load()[0].tolist() == columns.tolist()
    assert load(crop_to_aspect_ratio=True)[0].tolist() == [10, 20, 20, 30, 40, 40]
    padded = load(pad_to_aspect_ratio=True)
    assert padded[[0, -1]].max() == 0
    assert padded[1].tolist() == columns.tolist()


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/bad.png").write_bytes(b"not a picture")
    dataset = one(image_dataset_from_directory(tmp_path, verbose=False))
    with pytest.raises(CorruptFileError, match=r"bad\.png is no readable picture"):
        list(dataset)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"color_mode": "bgr"}, "`color_mode` must be one of grayscale, rgb, rgba, received 'bgr'"),
        ({"image_size": (1, 2, 3)}, r"Expected a tuple of 2 integers \(height, width\), received \(1, 2, 3\)"),
        ({"interpolation": "cubic"}, "interpolation='cubic', expected one of bilinear"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Only one of `pad_to_aspect_ratio`"),
        ({"data_format": "first"}, "data_format must be one of"),
    ],
)
def test_picture_arguments_are_checked(pictures: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        image_dataset_from_directory(pictures, **arguments)
