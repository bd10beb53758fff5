"""Which hooks are called with what; LambdaCallback, CSVLogger, History, ProgbarLogger, learning rates."""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import config
from graphc.keras.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ProgbarLogger,
    ReduceLROnPlateau,
)
from graphc.keras.layers import Dense, Input
from graphc.keras.models import Sequential
from graphc_ir.errors import ArgumentError, DTypeError

X = np.arange(12, dtype=np.float32).reshape(6, 2) / 12
Y = X[:, :1]


def _model(optimizer: Any = "sgd", **options: Any) -> Sequential:
    model = Sequential([Input((2,)), Dense(1, kernel_initializer="ones")])
    model.compile(optimizer, "mse", **options)
    return model


class Watching(Callback):
    """Writes down every call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []
        for phase in ("train", "test", "predict"):
            for point in ("begin", "end"):
                setattr(self, f"on_{phase}_{point}", self._noting(f"{phase}_{point}"))
                setattr(self, f"on_{phase}_batch_{point}", self._noting(f"{phase}_batch_{point}"))
        self.on_epoch_begin = self._noting("epoch_begin")  # type: ignore[method-assign]
        self.on_epoch_end = self._noting("epoch_end")  # type: ignore[method-assign]

    def _noting(self, name: str) -> Any:
        def note(*args: Any) -> None:
            assert isinstance(args[-1], dict), name
            self.calls.append((name, *args[:-1], sorted(args[-1])))

        return note


def test_every_hook_gets_a_dict_of_logs() -> None:
    watching = Watching()
    model = _model(metrics=["mae"])
    model.fit(X, Y, batch_size=3, verbose=0, callbacks=[watching], validation_data=(X, Y),
              validation_batch_size=6)  # fmt: skip
    both = ["loss", "mae"]
    train: list[list[Any]] = [[("train_batch_begin", i, []), ("train_batch_end", i, both)] for i in range(2)]
    test = [("test_batch_begin", 0, []), ("test_batch_end", 0, both)]
    assert watching.calls == [
        ("train_begin", []), ("epoch_begin", 0, []),
        *train[0], *train[1],
        ("test_begin", []), *test, ("test_end", both),
        ("epoch_end", 0, ["loss", "mae", "val_loss", "val_mae"]), ("train_end", ["loss", "mae", "val_loss", "val_mae"]),
    ]  # fmt: skip
    watching.calls.clear()
    model.predict(X, verbose=0, callbacks=[watching])
    assert watching.calls == [("predict_begin", []), ("predict_batch_begin", 0, []),
                              ("predict_batch_end", 0, ["outputs"]), ("predict_end", [])]  # fmt: skip


def test_executions_of_several_steps_call_hooks_once() -> None:
    watching = Watching()
    model = _model(steps_per_execution=2)
    model.evaluate(X, Y, batch_size=2, verbose=0, callbacks=[watching])
    model.predict(X, batch_size=2, verbose=0, callbacks=[watching])
    batches = [(name, i) for name, i, *rest in watching.calls if rest]
    assert batches == [(f"{phase}_batch_{point}", i) for phase in ("test", "predict")
                       for point, i in (("begin", 0), ("end", 1), ("begin", 2), ("end", 3))]  # fmt: skip


def test_outputs_of_several_steps_come_joined() -> None:
    found: list[Any] = []
    note = LambdaCallback(on_predict_batch_end=lambda batch, logs: found.append(np.asarray(logs["outputs"])))
    model = _model(steps_per_execution=2)
    whole = model.predict(X, batch_size=2, verbose=0, callbacks=[note])
    assert [part.shape for part in found] == [(4, 1), (2, 1)]
    assert np.array_equal(np.concatenate(found), whole)


def test_callbacks_may_stop_each_loop() -> None:
    class Stopping(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_training = True

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_evaluating = True

        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_predicting = True

    model, stopping = _model(tf.keras.optimizers.SGD(0.0)), [Stopping()]
    model.fit(X, Y, batch_size=2, epochs=5, verbose=0, callbacks=stopping)
    assert int(model.optimizer.iterations) == 1
    first = model.evaluate(X[:2], Y[:2], verbose=0)
    assert model.evaluate(X, Y, batch_size=2, verbose=0, callbacks=stopping) == pytest.approx(first)
    assert model.predict(X, batch_size=2, verbose=0, callbacks=stopping).shape == (2, 1)
    assert model.predict(X, batch_size=2, verbose=0).shape == (6, 1)


def test_lambda_callbacks_take_every_hook() -> None:
    seen: list[Any] = []
    hooks: dict[str, Any] = {
        "on_epoch_end": lambda epoch, logs: seen.append(epoch),
        "on_test_begin": lambda logs: seen.append("test"),
    }
    callback = LambdaCallback(**hooks, helper=lambda: 3)
    assert callback.helper() == 3  # type: ignore[attr-defined]
    _model().fit(X, Y, validation_data=(X, Y), epochs=2, verbose=0, callbacks=[callback])
    assert seen == ["test", 0, "test", 1]
    with pytest.raises(ArgumentError, match="'on_epoch_ended' is no hook; there are on_batch_begin"):
        LambdaCallback(on_epoch_ended=print)


def test_callback_lists_call_what_is_overridden_only() -> None:
    class Quiet(Callback):
        pass

    class Old(Callback):
        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            """The older name."""

    assert not CallbackList([Quiet()]).wants("on_train_batch_end")
    assert CallbackList([Old()]).wants("on_train_batch_end")
    assert isinstance(CallbackList([], add_history=True).history, History)


def test_history_has_floats_for_every_epoch() -> None:
    history = _model(metrics=["mae"]).fit(X, Y, epochs=3, verbose=0)
    assert history.epoch == [0, 1, 2]
    assert all(type(value) is float for values in history.history.values() for value in values)
    assert history.params["epochs"] == 3


# --- CSVLogger ---------------------------------------------------------------------------------------------------


def _rows(path: Path, separator: str = ",") -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def test_csv_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    history = _model(metrics=["mae"]).fit(X, Y, epochs=2, verbose=0, callbacks=[CSVLogger(path)])
    header, *rows = _rows(path)
    assert header == ["epoch", "loss", "mae", "val_loss", "val_mae"], "validation may come later"
    assert [row[0] for row in rows] == ["0", "1"]
    assert [float(row[1]) for row in rows] == history.history["loss"]


def test_csv_files_can_grow(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for append in (False, True, True):
        _model().fit(X, Y, epochs=1, verbose=0, callbacks=[CSVLogger(path, separator=";", append=append)])
    assert [row[0] for row in _rows(path, ";")] == ["epoch", "0", "0", "0"]
    _model().fit(X, Y, epochs=1, verbose=0, callbacks=[CSVLogger(path)])
    assert len(_rows(path)) == 2


def test_csv_columns_of_later_epochs(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    _model().fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), validation_freq=2, callbacks=[CSVLogger(path)])
    header, first, second = _rows(path)
    assert header == ["epoch", "loss", "val_loss"]
    assert first[2] == "NA"
    assert float(second[2]) > 0


# --- progress ----------------------------------------------------------------------------------------------------


def test_progress_shows_results_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    history = _model(metrics=["mae"]).fit(X, Y, batch_size=1, epochs=2)
    shown = capsys.readouterr().out
    assert "Epoch 1/2" in shown
    assert "6/6" in shown
    assert f"loss: {history.history['loss'][-1]:.4f} - mae: {history.history['mae'][-1]:.4f}" in shown


def test_progress_of_executions_ends_at_its_target() -> None:
    logger = ProgbarLogger()
    _model(steps_per_execution=4).fit(X, Y, batch_size=1, verbose=1, callbacks=[logger])
    assert logger.seen == 6


# --- learning rates ----------------------------------------------------------------------------------------------


def test_schedules_of_epoch_and_rate() -> None:
    rates: list[float] = []

    def schedule(epoch: int, rate: float) -> float:
        rates.append(rate)
        return rate / 2

    model = _model(tf.keras.optimizers.SGD(0.8))
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[LearningRateScheduler(schedule)])
    assert rates == pytest.approx([0.8, 0.4, 0.2])
    assert history.history["learning_rate"] == pytest.approx([0.4, 0.2, 0.1])


def test_schedules_of_the_epoch_alone(capsys: pytest.CaptureFixture[str]) -> None:
    model = _model()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.1 * (epoch + 1), verbose=1)])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.2)
    assert "Epoch 2: LearningRateScheduler setting learning rate to 0.2." in capsys.readouterr().out


def test_schedules_must_give_numbers() -> None:
    with pytest.raises(ArgumentError, match="the schedule must return a number, got 'fast'"):
        _model().fit(X, Y, verbose=0, callbacks=[LearningRateScheduler(lambda epoch, rate: "fast")])


def test_a_rate_that_is_computed_cannot_be_set() -> None:
    model = _model(tf.keras.optimizers.SGD(tf.keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)))
    with pytest.raises(DTypeError, match="This optimizer was created with a `LearningRateSchedule`"):
        model.fit(X, Y, verbose=0, callbacks=[LearningRateScheduler(lambda epoch, rate: 0.1)])


def _plateau(values: list[float], **options: Any) -> list[float]:
    """The rates after epochs with these losses."""
    model = _model(tf.keras.optimizers.SGD(1.0))
    callback = ReduceLROnPlateau(monitor="loss", **options)
    callback.set_model(model)
    callback.on_train_begin({})
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"loss": value})
        rates.append(round(float(model.optimizer.learning_rate), 6))
    return rates


@pytest.mark.parametrize(
    ("options", "values", "rates"),
    [
        ({"factor": 0.5, "patience": 2}, [3, 3, 3, 3, 3], [1, 1, 0.5, 0.5, 0.25]),
        ({"factor": 0.5, "patience": 2, "cooldown": 2}, [3] * 7, [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]),
        ({"factor": 0.1, "patience": 1, "min_lr": 0.05}, [3, 3, 3, 3], [1, 0.1, 0.05, 0.05]),
        ({"factor": 0.5, "patience": 1, "min_delta": 0.5}, [3, 2.8, 2.0], [1, 0.5, 0.5]),
        ({"factor": 0.5, "patience": 1, "mode": "max"}, [1, 2, 3, 3], [1, 1, 1, 0.5]),
    ],
)
def test_rates_fall_at_a_plateau(options: dict[str, Any], values: list[float], rates: list[float]) -> None:
    assert _plateau(values, **options) == rates


def test_a_plateau_is_told_of_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    config.disable_interactive_logging()
    try:
        with caplog.at_level(logging.INFO, "graphc.keras"):
            _plateau([3, 3], factor=0.1, patience=1, verbose=1)
    finally:
        config.enable_interactive_logging()
    assert "ReduceLROnPlateau reducing learning rate to 0.1." in caplog.text


def test_a_factor_must_reduce() -> None:
    with pytest.raises(ArgumentError, match=r"factor must be below 1, got 1\.5"):
        ReduceLROnPlateau(factor=1.5)
