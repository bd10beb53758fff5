"""TensorBoard's event files, read back."""

from __future__ import annotations

import struct
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras.callbacks import TensorBoard
from graphc.keras.layers import Dense, Input
from graphc.keras.models import Sequential
from graphc_ir.errors import ArgumentError

event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")

X = np.ones((12, 2), np.float32)
Y = X[:, :1]


def _model() -> Sequential:
    model = Sequential([Input((2,)), Dense(3, name="first"), Dense(1, name="last")], name="net")
    model.compile(tf.keras.optimizers.SGD(0.25), "mse")
    return model


def _records(path: Path) -> Iterator[bytes]:
    """A record is its length, a checksum of that, the data and a checksum of it."""
    content, at = path.read_bytes(), 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        yield content[at + 12 : at + 12 + length]
        at += 16 + length


def _values(folder: Path) -> dict[str, dict[int, Any]]:
    """What was written, by tag and step."""
    found: dict[str, dict[int, Any]] = defaultdict(dict)
    for path in sorted(folder.glob("events.*")):
        for record in _records(path):
            event = event_pb2.Event.FromString(record)
            for value in event.summary.value:
                found[value.tag][event.step] = value
    return found


def _numbers(values: dict[int, Any]) -> dict[int, float]:
    return {step: value.simple_value for step, value in values.items()}


def test_epochs(tmp_path: Path) -> None:
    history = _model().fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[TensorBoard(tmp_path)])
    train, validation = _values(tmp_path / "train"), _values(tmp_path / "validation")
    assert set(train) == {"epoch_loss", "epoch_learning_rate"}
    assert set(validation) == {"epoch_loss", "evaluation_loss_vs_iterations"}
    assert _numbers(train["epoch_loss"]) == pytest.approx(dict(enumerate(history.history["loss"])))
    assert _numbers(validation["epoch_loss"]) == pytest.approx(dict(enumerate(history.history["val_loss"])))
    assert _numbers(train["epoch_learning_rate"]) == {0: 0.25, 1: 0.25}
    assert list(validation["evaluation_loss_vs_iterations"]) == [1, 2]


def test_batches(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, update_freq=2, write_steps_per_second=True)
    _model().fit(X, Y, batch_size=2, epochs=2, verbose=0, callbacks=[board])
    train = _values(tmp_path / "train")
    assert list(train["batch_loss"]) == [2, 4, 6, 8, 10, 12]
    assert all(speed > 0 for speed in _numbers(train["batch_steps_per_second"]).values())
    assert list(train["epoch_steps_per_second"]) == [0, 1]


def test_weights(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, histogram_freq=2, write_images=True)
    _model().fit(X, Y, epochs=3, verbose=0, callbacks=[board])
    train = _values(tmp_path / "train")
    assert {int(train["net/first/kernel/histogram"][step].histo.num) for step in (0, 2)} == {6}
    picture = train["net/first/kernel/image"][0].image
    assert (picture.height, picture.width) == (2, 3)


def test_an_evaluation_alone_is_written(tmp_path: Path) -> None:
    _model().evaluate(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert list(_values(tmp_path / "validation")) == ["evaluation_loss_vs_iterations"]


def test_without_the_library_there_is_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ArgumentError, match=r"pip install 'graphc\[tensorboard\]'"):
        _model().fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
