"""ModelCheckpoint, BackupAndRestore, SwapEMAWeights: what is on disk, and how training goes on from it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras.callbacks import BackupAndRestore, Callback, ModelCheckpoint, SwapEMAWeights
from graphc.keras.layers import Dense, Dropout, Input
from graphc.keras.models import Sequential
from graphc.keras.saving import ModelFileError, load_model
from graphc.keras.utils import PyDataset
from graphc_ir.errors import ArgumentError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3)).astype("f")
Y = RNG.normal(size=(20, 1)).astype("f")


def _model(optimizer: Any = "adam") -> Sequential:
    model = Sequential([Input((3,)), Dense(4, activation="tanh"), Dropout(0.5, seed=1), Dense(1)])
    model.set_weights([0.1 * np.arange(np.prod(v.shape)).reshape(v.shape) for v in model.weights])
    model.compile(optimizer, "mse")
    return model


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _logged(callback: Any, values: list[float], name: str = "val_loss") -> None:
    """Epochs of a model whose logs are these values."""
    callback.set_model(_model())
    callback.on_train_begin({})
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch, {})
        callback.on_epoch_end(epoch, {name: value})


# --- ModelCheckpoint ---------------------------------------------------------------------------------------------


def test_names_hold_the_epoch_and_logged_values(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "new" / "m{epoch:02d}-{loss:.2f}.keras")
    history = _model().fit(X, Y, epochs=2, verbose=0, callbacks=[checkpoint])
    assert _names(tmp_path / "new") == [f"m0{i + 1}-{v:.2f}.keras" for i, v in enumerate(history.history["loss"])]


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="uses 'val_acc', which is not logged; there are epoch, loss"):
        _model().fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "{val_acc}.keras")])


@pytest.mark.parametrize(
    ("options", "values", "saved"),
    [
        ({}, [3, 1, 2], [1, 2, 3]),
        ({"save_best_only": True}, [3, 1, 2, 0.5], [1, 2, 4]),
        ({"save_best_only": True, "mode": "max"}, [3, 1, 4], [1, 3]),
        ({"save_best_only": True, "initial_value_threshold": 2.0}, [3, 1, 2], [2]),
        ({"save_best_only": True}, [float("nan"), 1.0], [1]),
    ],
)
def test_which_epochs_are_saved(tmp_path: Path, options: dict[str, Any], values: list[float], saved: list[int]) -> None:
    _logged(ModelCheckpoint(tmp_path / "{epoch}.keras", **options), values)
    assert _names(tmp_path) == [f"{epoch}.keras" for epoch in saved]


def test_a_value_that_is_not_logged_counts_as_best(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="follows 'val_loss', which is not logged"):
        _logged(ModelCheckpoint(tmp_path / "{epoch}.keras", save_best_only=True), [1, 2], "loss")
    assert _names(tmp_path) == ["1.keras", "2.keras"]


@pytest.mark.parametrize(("steps", "saved"), [(1, ["1-03", "2-01", "2-04"]), (2, ["1-04", "2-02", "2-06"])])
def test_saving_every_few_batches(tmp_path: Path, steps: int, saved: list[str]) -> None:
    model = _model()
    model.compile("adam", "mse", steps_per_execution=steps)
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{batch:02d}.keras", save_freq=3)
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[checkpoint])
    assert _names(tmp_path) == [f"{name}.keras" for name in saved]


def test_weights_alone(tmp_path: Path) -> None:
    path = tmp_path / "w.weights.h5"
    model = _model()
    model.fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(path, save_weights_only=True)])
    other = _model()
    other.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_a_checkpoint_goes_on_as_the_run_did(tmp_path: Path) -> None:
    model = _model()
    model.fit(X, Y, epochs=2, verbose=0, shuffle=False, callbacks=[ModelCheckpoint(tmp_path / "{epoch}.keras")])
    again = load_model(tmp_path / "1.keras")
    assert int(again.optimizer.iterations) == 1


def test_a_write_that_fails_leaves_the_file_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.keras"
    model = _model()
    checkpoint = ModelCheckpoint(path)
    model.fit(X, Y, verbose=0, callbacks=[checkpoint])
    before = path.read_bytes()

    def full(self: zipfile.ZipFile, *args: Any, **kwargs: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="no space left"):
        model.fit(X, Y, verbose=0, callbacks=[checkpoint])
    assert path.read_bytes() == before
    assert _names(tmp_path) == ["m.keras"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("m.pkl", {}, r"must end in .keras or .h5, got '.*m.pkl'"),
        ("m.keras", {"save_weights_only": True}, r"must end in .weights.h5 with save_weights_only"),
        ("m.keras", {"save_freq": "batch"}, "Unrecognized save_freq: 'batch'"),
        ("m.keras", {"save_freq": 0}, "Unrecognized save_freq: 0"),
    ],
)
def test_bad_arguments(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        ModelCheckpoint(name, **options)


def test_it_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _logged(ModelCheckpoint(tmp_path / "m.keras", save_best_only=True, verbose=1), [1, 2])
    shown = capsys.readouterr().out
    assert f"Epoch 1: saving model to {tmp_path / 'm.keras'}" in shown
    assert "Epoch 2: val_loss did not improve from 1.00000" in shown


# --- BackupAndRestore --------------------------------------------------------------------------------------------


class Interrupting(Callback):
    def __init__(self, epoch: int | None = None, batch: int | None = None) -> None:
        super().__init__()
        self._epoch, self._batch = epoch, batch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == self._batch:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == self._epoch:
            raise KeyboardInterrupt


class Rows(PyDataset):
    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Any:
        return X[4 * index : 4 * index + 4], Y[4 * index : 4 * index + 4]


def _arrays() -> dict[str, Any]:
    return {"x": X, "y": Y, "batch_size": 4, "class_weight": None}


@pytest.mark.parametrize("data", [_arrays, lambda: {"x": Rows()}], ids=["arrays", "pydataset"])
def test_a_resumed_run_ends_where_the_uninterrupted_one_does(tmp_path: Path, data: Any) -> None:
    """Bit for bit, with shuffled data, dropout of the layer's own seed and of the global one, and Adam's moments."""

    def model() -> Sequential:
        made = _model()
        made.add(Dropout(0.2))
        made.compile(tf.keras.optimizers.Adam(0.05), "mse")
        return made

    tf.random.set_seed(7)
    whole = model()
    expected = whole.fit(**data(), epochs=5, verbose=0).history
    tf.random.set_seed(7)
    first = model()
    with pytest.raises(KeyboardInterrupt):
        first.fit(**data(), epochs=5, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b"), Interrupting(epoch=2)])
    tf.random.set_seed(99)
    second = model()
    resumed = second.fit(**data(), epochs=5, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b")])
    assert resumed.epoch == [3, 4]
    assert resumed.history["loss"] == expected["loss"][3:]
    for a, b in zip(whole.get_weights(), second.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert not (tmp_path / "b").exists(), "training ended well"


def test_an_epoch_that_was_not_finished_begins_again(tmp_path: Path) -> None:
    model = _model()
    backup = BackupAndRestore(tmp_path / "b", save_freq=1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=[backup, Interrupting(batch=1)])
    again = _model()
    history = again.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b")])
    assert history.epoch == [0, 1]
    assert int(again.optimizer.iterations) == 2 + 2 * 5


def test_one_backup_is_kept_or_two(tmp_path: Path) -> None:
    for double, count in ((False, 1), (True, 2)):
        folder = tmp_path / str(double)
        backup = BackupAndRestore(folder, double_checkpoint=double, delete_checkpoint=False)
        _model().fit(X, Y, epochs=4, verbose=0, callbacks=[backup])
        assert len(list(folder.glob("*.keras"))) == count
        assert len(json.loads((folder / "training_metadata.json").read_text())) == count


def test_a_damaged_backup_is_passed_over_for_the_one_before(tmp_path: Path) -> None:
    options = {"double_checkpoint": True, "delete_checkpoint": False}
    _model().fit(X, Y, epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path, **options)])
    newest = max(tmp_path.glob("*.keras"))
    newest.write_bytes(newest.read_bytes()[:100])
    history = _model().fit(X, Y, epochs=4, verbose=0, callbacks=[BackupAndRestore(tmp_path, **options)])
    assert history.epoch == [2, 3]


def test_a_run_does_not_begin_again_unasked(tmp_path: Path) -> None:
    _model().fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path, delete_checkpoint=False)])
    (backup,) = tmp_path.glob("*.keras")
    backup.write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"cannot read its backup.*Delete .* to train from the beginning"):
        _model().fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])


def test_what_others_keep_in_the_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    _model().fit(X, Y, epochs=2, verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    assert _names(tmp_path) == ["notes.txt"]


def test_a_backup_needs_a_folder() -> None:
    for folder in ("", None):
        with pytest.raises(ArgumentError, match="Empty `backup_dir` argument passed"):
            BackupAndRestore(folder)


# --- SwapEMAWeights ----------------------------------------------------------------------------------------------


def _averaged(**options: Any) -> Sequential:
    return _model(tf.keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5, **options))


def test_evaluations_see_the_averages_and_training_does_not() -> None:
    seen: dict[str, Any] = {}

    class Looking(Callback):
        def on_test_begin(self, logs: Any = None) -> None:
            seen["test"] = self.model.get_weights()
            seen["averages"] = [v.numpy() for v in self.model.optimizer.moving_averages]

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen["epoch"] = self.model.get_weights()

    plain, swapped = _averaged(), _averaged()
    options: dict[str, Any] = {"epochs": 3, "verbose": 0, "shuffle": False, "validation_data": (X, Y)}
    plain.fit(X, Y, **options)
    swapped.fit(X, Y, **options, callbacks=[SwapEMAWeights(), Looking()])
    assert all(np.array_equal(a, b) for a, b in zip(seen["test"], seen["averages"], strict=True))
    assert not np.array_equal(seen["epoch"][0], seen["test"][0])
    for a, b in zip(plain.get_weights(), swapped.get_weights(), strict=True):
        assert np.array_equal(a, b), "training is the same, and ends with the averages"


def test_the_last_validation_is_that_of_the_final_model() -> None:
    model = _averaged()
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[SwapEMAWeights()])
    assert history.history["val_loss"][-1] == model.evaluate(X, Y, verbose=0)


@pytest.mark.parametrize("stops", [False, True])
def test_checkpoints_hold_the_averages(tmp_path: Path, stops: bool) -> None:
    class Stopping(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = stops

    model = _averaged()
    callbacks = [SwapEMAWeights(swap_on_epoch=True), ModelCheckpoint(tmp_path / "m.keras"), Stopping()]
    model.fit(X, Y, epochs=2, verbose=0, callbacks=callbacks)
    saved = load_model(tmp_path / "m.keras")
    assert model.evaluate(X, Y, verbose=0) == saved.evaluate(X, Y, verbose=0)


def test_scaled_optimizers_have_averages_too() -> None:
    inner = tf.keras.optimizers.SGD(0.5, use_ema=True)
    model = _model(tf.keras.optimizers.LossScaleOptimizer(inner))
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[SwapEMAWeights()])
    assert history.history["val_loss"][-1] == model.evaluate(X, Y, verbose=0)


def test_averages_must_be_kept() -> None:
    with pytest.raises(ArgumentError, match="must be used when `use_ema=True` is set"):
        _model().fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[SwapEMAWeights()])
