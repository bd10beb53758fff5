"""The loaders, on small files of the formats that the real ones have."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from graphc.keras import datasets
from graphc.keras.config import set_image_data_format
from graphc.keras.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)
from graphc.keras.utils.errors import CorruptFileError, DownloadError
from graphc_ir.errors import ArgumentError

GOLDENS = json.loads((Path(__file__).parents[1] / "goldens/keras_datasets.json").read_text(encoding="utf-8"))


def ragged(rows: list[list[int]]) -> Any:
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``imdb.npz`` and ``reuters.npz`` with the texts that the golden values were made with."""
    folder = tmp_path_factory.mktemp("words")
    texts = GOLDENS["imdb"]
    x_train, x_test = ragged(texts["x_train"]), ragged(texts["x_test"])
    np.savez(folder / "imdb.npz", x_train=x_train, y_train=texts["y_train"], x_test=x_test, y_test=texts["y_test"])
    np.savez(folder / "reuters.npz", x=x_train, y=texts["y_train"])
    return folder


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_texts_as_keras(words: Path, name: str) -> None:
    module = {"imdb": imdb, "reuters": reuters}[name]
    for case in GOLDENS[f"{name}_cases"]:
        (x_train, y_train), (x_test, y_test) = module.load_data(str(words / f"{name}.npz"), **case["kwargs"])
        assert x_train.tolist() == case["x_train"], case["kwargs"]
        assert x_test.tolist() == case["x_test"], case["kwargs"]
        assert (y_train.tolist(), y_test.tolist()) == (case["y_train"], case["y_test"])
        assert x_train.dtype == object
        assert y_train.dtype == np.int64


@pytest.mark.parametrize("module", [imdb, reuters])
def test_texts_that_are_all_too_long(words: Path, module: Any) -> None:
    with pytest.raises(ArgumentError, match="maxlen=2: no text is shorter than that; raise maxlen"):
        module.load_data(str(words / f"{module.__name__.rpartition('.')[2]}.npz"), maxlen=2)


def test_texts_of_one_length_stay_lists(tmp_path: Path) -> None:
    path = tmp_path / "reuters.npz"
    np.savez(path, x=ragged([[1, 2], [3, 4]]), y=[0, 1])
    (x, _), _ = reuters.load_data(str(path), test_split=0)
    assert x.shape == (2,)
    assert sorted(x.tolist()) == [[1, 4, 5], [1, 6, 2]]


@pytest.mark.parametrize("module", [imdb, reuters])
def test_word_indices(tmp_path: Path, module: Any) -> None:
    path = tmp_path / "index.json"
    path.write_text('{"the": 1, "naïve": 2}', encoding="utf-8")
    assert module.get_word_index(str(path)) == {"the": 1, "naïve": 2}
    for content in ("{", "[1]"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(CorruptFileError, match=r"index\.json"):
            module.get_word_index(str(path))


def test_topics() -> None:
    names = reuters.get_label_names()
    assert (len(names), names[0], names[3], names[45]) == (46, "cocoa", "earn", "lead")


def test_housing_as_keras(tmp_path: Path) -> None:
    path = tmp_path / "housing.npz"
    np.savez(path, x=np.arange(20.0).reshape(10, 2), y=np.arange(10.0))
    for case in GOLDENS["housing"]:
        for module in (boston_housing, california_housing):
            (x_train, y_train), (x_test, y_test) = module.load_data(path=str(path), **case["kwargs"])
            assert (y_train.tolist(), y_test.tolist()) == (case["y_train"], case["y_test"])
            assert (x_train[:, 0] / 2).tolist() == case["y_train"]
            assert len(x_test) == len(y_test)


def test_the_small_version_of_california(tmp_path: Path) -> None:
    path = tmp_path / "housing.npz"
    np.savez(path, x=np.zeros((1000, 8)), y=np.arange(1000.0))
    (_, y_train), (_, y_test) = california_housing.load_data("small", str(path))
    assert (len(y_train), len(y_test), max(*y_train, *y_test)) == (480, 120, 599)
    with pytest.raises(ArgumentError, match="version='tiny', expected 'small'"):
        california_housing.load_data("tiny")


@pytest.mark.parametrize("split", [-0.1, 1, 1.5])
def test_splits_are_checked(words: Path, tmp_path: Path, split: float) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3), y=np.zeros(3))
    for load in (lambda **k: boston_housing.load_data(str(tmp_path / "a.npz"), **k), reuters.load_data):
        with pytest.raises(ArgumentError, match=f"test_split={split}, expected a fraction of at least 0 and below 1"):
            load(test_split=split)


def test_mnist_of_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, x_train=np.zeros((3, 28, 28), np.uint8), y_train=[1, 2, 3], x_test=np.zeros((1, 28, 28)), y_test=[4])
    (x_train, y_train), (x_test, y_test) = mnist.load_data(str(path))
    assert (x_train.shape, x_train.dtype.name) == ((3, 28, 28), "uint8")
    assert (y_train.tolist(), x_test.shape, y_test.tolist()) == ([1, 2, 3], (1, 28, 28), [4])


def test_mnist_of_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    np.savez(content, x_train=[1], y_train=[2], x_test=[3], y_test=[4])
    (cache / "mnist.npz").write_bytes(content.getvalue())
    monkeypatch.setattr(mnist, "_SHA256", hashlib.sha256(content.getvalue()).hexdigest())
    (x_train, _), (_, y_test) = mnist.load_data()
    assert (x_train.tolist(), y_test.tolist()) == ([1], [4])


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="there is no such file; a name without a folder means the cache"):
        mnist.load_data(str(tmp_path / "none.npz"))


def idx(values: Any) -> bytes:
    array = np.asarray(values, np.uint8)
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes())


def test_fashion_mnist(cache: Path) -> None:
    folder = cache / "fashion-mnist"
    folder.mkdir()
    train, test = np.arange(2 * 28 * 28).reshape(2, 28, 28) % 256, np.ones((1, 28, 28))
    for name, values in (
        ("train-labels-idx1-ubyte.gz", [3, 9]),
        ("train-images-idx3-ubyte.gz", train),
        ("t10k-labels-idx1-ubyte.gz", [7]),
        ("t10k-images-idx3-ubyte.gz", test),
    ):
        (folder / name).write_bytes(idx(values))
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    assert x_train.tolist() == train.tolist()
    assert (y_train.tolist(), x_test.tolist(), y_test.tolist()) == ([3, 9], test.tolist(), [7])
    for damaged in (b"no gzip", gzip.compress(b"no idx"), gzip.compress(b"\0\0\x08\x03\0\0"), idx([1])[:-9]):
        (folder / "t10k-images-idx3-ubyte.gz").write_bytes(damaged)
        with pytest.raises(CorruptFileError, match=r"t10k-images-idx3-ubyte\.gz is no"):
            fashion_mnist.load_data()


def cifar_archive(cache: Path, folder: str, inner: str, batches: dict[str, Any]) -> str:
    """Puts an archive of batches into the cache and returns its checksum."""
    path = cache / f"{folder}_archive"
    with tarfile.open(path, "w:gz") as archive:
        for name, batch in batches.items():
            content = pickle.dumps(batch, 2)
            info = tarfile.TarInfo(f"{inner}/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pixels(number: int) -> Any:
    return (np.arange(2 * 3072, dtype=np.uint8) + number).reshape(2, 3072)


def test_cifar10(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = {f"data_batch_{n}": {b"data": pixels(n), b"labels": [n, n + 1]} for n in range(1, 6)}
    batches["test_batch"] = {b"data": pixels(9), b"labels": [0, 9]}
    checksum = cifar_archive(cache, "cifar-10-batches-py-target", "cifar-10-batches-py", batches)
    monkeypatch.setattr(cifar10, "_SHA256", checksum)
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    assert (x_train.shape, x_train.dtype.name, x_test.shape) == ((10, 32, 32, 3), "uint8", (2, 32, 32, 3))
    assert y_train[:, 0].tolist() == [1, 2, 2, 3, 3, 4, 4, 5, 5, 6]
    assert (y_train.dtype.name, y_test.tolist(), y_test.dtype.name) == ("uint8", [[0], [9]], "uint8")
    # A picture is three planes of 32x32 values.
    assert x_train[0, 1, 2].tolist() == [pixels(1)[0, plane * 1024 + 34] for plane in range(3)]


def test_cifar100(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = {b"data": pixels(0), b"fine_labels": [99, 3], b"coarse_labels": [19, 0]}
    checksum = cifar_archive(cache, "cifar-100-python-target", "cifar-100-python", {"train": batch, "test": batch})
    monkeypatch.setattr(cifar100, "_SHA256", checksum)
    for mode, labels in (("fine", [[99], [3]]), ("coarse", [[19], [0]])):
        (x_train, y_train), (_, y_test) = cifar100.load_data(mode)
        assert (y_train.tolist(), y_test.tolist(), y_train.dtype.name) == (labels, labels, "int64")
        assert x_train.shape == (2, 32, 32, 3)
    set_image_data_format("channels_first")
    try:
        assert cifar100.load_data()[0][0].shape == (2, 3, 32, 32)
    finally:
        set_image_data_format("channels_last")
    with pytest.raises(ArgumentError, match="label_mode='medium', expected 'fine' "):
        cifar100.load_data("medium")


@pytest.mark.parametrize("batch", [[1], {b"data": pixels(0)}, {b"fine_labels": [1]}])
def test_a_cifar_batch_without_its_parts(cache: Path, monkeypatch: pytest.MonkeyPatch, batch: Any) -> None:
    checksum = cifar_archive(cache, "cifar-100-python-target", "cifar-100-python", {"train": batch})
    monkeypatch.setattr(cifar100, "_SHA256", checksum)
    with pytest.raises(CorruptFileError, match="train is no CIFAR batch with data and fine_labels"):
        cifar100.load_data()


STORAGE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
TORONTO = "https://www.cs.toronto.edu/~kriz/"


@pytest.mark.parametrize(
    ("module", "url", "target"),
    [
        (mnist, f"{STORAGE}mnist.npz", "mnist.npz"),
        (fashion_mnist, f"{STORAGE}train-labels-idx1-ubyte.gz", "fashion-mnist/train-labels-idx1-ubyte.gz"),
        (cifar10, f"{TORONTO}cifar-10-python.tar.gz", "cifar-10-batches-py-target_archive"),
        (cifar100, f"{TORONTO}cifar-100-python.tar.gz", "cifar-100-python-target_archive"),
        (imdb, f"{STORAGE}imdb.npz", "imdb.npz"),
        (reuters, f"{STORAGE}reuters.npz", "reuters.npz"),
        (boston_housing, f"{STORAGE}boston_housing.npz", "boston_housing.npz"),
        (california_housing, f"{STORAGE}california_housing.npz", "california_housing.npz"),
    ],
)
def test_without_a_network_the_message_names_url_and_place(
    cache: Path, module: ModuleType, url: str, target: str
) -> None:
    with pytest.raises(DownloadError) as caught:
        module.load_data()
    message = str(caught.value)
    assert f"URL fetch failure on {url}: Name or service not known." in message
    assert f"get {url.rpartition('/')[2]} elsewhere and put it at {cache / target}" in message
    assert (module is fashion_mnist) is ("sha256" not in message)


@pytest.mark.parametrize("module", [imdb, reuters])
def test_word_indices_without_a_network(cache: Path, module: Any) -> None:
    name = f"{module.__name__.rpartition('.')[2]}_word_index.json"
    with pytest.raises(DownloadError, match=rf"put it at {cache / name} \(its md5 sum is"):
        module.get_word_index()


def test_all_are_reached_through_the_namespace() -> None:
    assert sorted(datasets.__all__) == datasets.__all__
    assert all(callable(getattr(datasets, name).load_data) for name in datasets.__all__)
