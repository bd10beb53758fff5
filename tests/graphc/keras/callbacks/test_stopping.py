"""EarlyStopping, TerminateOnNaN and what callbacks that follow a value share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.keras import metrics, ops
from graphc.keras.callbacks import Callback, EarlyStopping, ModelCheckpoint, TerminateOnNaN
from graphc.keras.callbacks.monitor import MonitorCallback
from graphc.keras.layers import Dense, Input
from graphc.keras.models import Sequential
from graphc_ir.errors import ArgumentError


class Recorded:
    """Stands for a model: logs are what the test says."""

    def __init__(self) -> None:
        self.stop_training = False
        self.weights = 0
        self.metrics: list[Any] = []

    def get_weights(self) -> int:
        return self.weights

    def set_weights(self, weights: int) -> None:
        self.weights = weights


def run(callback: Callback, values: list[float], name: str = "val_loss") -> tuple[int, Recorded]:
    """How many epochs there were, and the model, whose weights are the number of the epoch."""
    model = Recorded()
    callback.set_model(model)
    callback.on_train_begin({})
    epoch = -1
    for epoch, value in enumerate(values):
        model.weights = epoch
        callback.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    callback.on_train_end({})
    return epoch + 1, model


@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({}, [3, 2, 4, 1], 3),
        ({"patience": 1}, [3, 2, 3, 1], 3),
        ({"patience": 2}, [3, 4, 2, 3, 3, 1], 5),
        ({"min_delta": 0.5}, [3.0, 2.8, 1.0], 2),
        ({"min_delta": -0.5}, [3.0, 2.8, 1.0], 2),
        ({"mode": "max"}, [1, 2, 3, 3, 4], 4),
        ({"baseline": 1.0, "patience": 2}, [3, 4, 4, 4], 2),
        ({"baseline": 5.0, "patience": 2}, [3, 4, 4, 4], 3),
        ({"start_from_epoch": 3}, [1, 2, 3, 4, 5, 6], 5),
        ({"patience": 1}, [float("nan"), float("nan"), 1.0], 2),
    ],
)
def test_training_stops(options: dict[str, Any], values: list[float], epochs: int) -> None:
    assert run(EarlyStopping(**options), values)[0] == epochs


def test_the_best_weights_come_back() -> None:
    stopping = EarlyStopping(patience=2, restore_best_weights=True)
    assert run(stopping, [3, 1, 2, 2, 0])[1].weights == 1
    assert (stopping.best_epoch, stopping.stopped_epoch) == (1, 3)
    assert run(EarlyStopping(patience=2, restore_best_weights=True), [3, 1, 2])[1].weights == 1, "without a stop too"
    assert run(EarlyStopping(patience=2), [3, 1, 2, 2])[1].weights == 3


def test_the_best_weights_of_a_worsening_run_are_its_first() -> None:
    stopping = EarlyStopping(patience=2, restore_best_weights=True, baseline=0.0)
    assert run(stopping, [5, 6, 7])[1].weights == 0


def test_a_second_run_starts_afresh() -> None:
    stopping = EarlyStopping()
    assert run(stopping, [3, 2, 4])[0] == 3
    assert run(stopping, [9, 8, 10])[0] == 3


def test_it_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    run(EarlyStopping(verbose=1, restore_best_weights=True), [3, 1, 2])
    shown = capsys.readouterr().out
    assert "Epoch 3: early stopping" in shown
    assert "best epoch: 2" in shown


def test_stopping_within_fit() -> None:
    model = Sequential([Input((2,)), Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    x = np.ones((8, 2), np.float32)
    history = model.fit(x, 0 * x[:, :1], validation_data=(x, x[:, :1]), epochs=9, verbose=0,
                        callbacks=[EarlyStopping(monitor="val_loss", min_delta=1e-9)])  # fmt: skip
    assert history.epoch == [0, 1]


@pytest.mark.parametrize(
    ("name", "rises"),
    [("loss", False), ("val_loss", False), ("a_loss", False), ("val_acc", True), ("accuracy", True), ("auc", True),
     ("val_mean_squared_error", False), ("mae", False), ("f1_score", True), ("out_accuracy", True)],
)  # fmt: skip
def test_names_tell_the_direction(name: str, rises: bool) -> None:
    callback = MonitorCallback(name)
    callback.set_model(Recorded())
    callback._set_monitor_op()
    assert callback.monitor_op is (ops.greater if rises else ops.less)


def test_metrics_tell_the_direction_of_names_of_ones_own() -> None:
    model = Recorded()
    model.metrics = [metrics.Recall(name="found"), metrics.MeanSquaredError(name="wrong")]
    callbacks = [MonitorCallback(name) for name in ("val_found", "head_found", "val_wrong")]
    for callback in callbacks:
        callback.set_model(model)
        callback._set_monitor_op()
    assert [c.monitor_op is ops.greater for c in callbacks] == [True, True, False]


def test_what_cannot_be_told_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="cannot tell whether 'fancy' should rise or fall; pass mode='max' or"):
        run(EarlyStopping("fancy"), [1, 2], "fancy")


def test_a_value_that_is_not_logged_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="follows 'val_loss', which is not logged; there are: loss"):
        assert run(EarlyStopping(), [1, 2, 3], "loss")[0] == 3


def test_an_unknown_mode_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="ModelCheckpoint mode 'up' is unknown"):
        assert ModelCheckpoint("m.keras", mode="up").mode == "auto"


# --- TerminateOnNaN ----------------------------------------------------------------------------------------------


class Ended(Callback):
    ended = False

    def on_train_end(self, logs: Any = None) -> None:
        self.ended = True


def _diverging() -> tuple[Sequential, Any, Any]:
    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    return model, np.ones((6, 1)), np.array([[1.0], [1.0], [np.inf], [1.0], [1.0], [1.0]])


def test_training_ends_in_good_order_at_an_infinite_loss(capsys: pytest.CaptureFixture[str]) -> None:
    model, x, y = _diverging()
    ended = Ended()
    history = model.fit(x, y, batch_size=1, epochs=3, shuffle=False, verbose=0, callbacks=[TerminateOnNaN(), ended])
    assert history.epoch == [0]
    assert ended.ended
    assert "Batch 2: Invalid loss" in capsys.readouterr().out


def test_or_by_an_error() -> None:
    model, x, y = _diverging()
    ended = Ended()
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 2"):
        model.fit(x, y, batch_size=1, shuffle=False, verbose=0, callbacks=[TerminateOnNaN(raise_error=True), ended])
    assert not ended.ended
