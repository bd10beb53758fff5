"""fit, evaluate, predict: every kind of data, histories, callbacks' order, retracing, freezing, custom steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import losses, metrics
from graphc.keras.callbacks import Callback
from graphc.keras.layers import Dense, Input, Layer
from graphc.keras.models import Model, Sequential
from graphc.keras.utils import PyDataset
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3)).astype("f")
Y = (X @ np.array([[1.0], [-2.0], [0.5]], np.float32) + 0.3).astype("f")
LABELS = (Y[:, 0] > 0).astype("int32")


def _regression(**options: Any) -> Sequential:
    model = Sequential([Input((3,)), Dense(1, kernel_initializer="zeros")])
    model.compile(**{"optimizer": tf.keras.optimizers.SGD(0.1), "loss": "mse", **options})
    return model


def _as_generator() -> Iterator[Any]:
    while True:
        for start in range(0, 50, 10):
            yield X[start : start + 10], Y[start : start + 10]


class _Batches(PyDataset):
    ended = 0

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Any:
        return X[index * 10 : index * 10 + 10], Y[index * 10 : index * 10 + 10]

    def on_epoch_end(self) -> None:
        self.ended += 1


@pytest.mark.parametrize("eagerly", [False, True])
def test_fit_learns(eagerly: bool) -> None:
    model = _regression(metrics=["mae"], run_eagerly=eagerly)
    history = model.fit(X, Y, batch_size=16, epochs=8, verbose=0)
    assert list(history.history) == ["loss", "mae"]
    assert history.epoch == list(range(8))
    assert all(type(v) is float for v in history.history["loss"])
    assert history.history["loss"][-1] < 0.02 < history.history["loss"][0]
    assert history.params == {"verbose": 0, "epochs": 8, "steps": 4}


def test_compiled_and_eager_training_agree() -> None:
    results = []
    for eagerly in (False, True):
        model = _regression(run_eagerly=eagerly, metrics=["mae"])
        history = model.fit(X, Y, batch_size=16, epochs=2, verbose=0, shuffle=False)
        results.append((history.history, model.get_weights()))
    assert results[0][0]["loss"] == pytest.approx(results[1][0]["loss"], rel=1e-5)
    for a, b in zip(results[0][1], results[1][1], strict=True):
        assert np.allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(
    "data",
    [
        lambda: {"x": X, "y": Y, "batch_size": 10, "shuffle": False},
        lambda: {"x": tf.constant(X), "y": tf.constant(Y), "batch_size": 10, "shuffle": False},
        lambda: {"x": X.tolist(), "y": Y.tolist(), "batch_size": 10, "shuffle": False},
        lambda: {"x": X.astype("float64"), "y": Y.astype("float64"), "batch_size": 10, "shuffle": False},
        lambda: {"x": tf.data.Dataset.from_tensor_slices((X, Y)).batch(10)},
        lambda: {"x": _as_generator(), "steps_per_epoch": 5},
        lambda: {"x": _Batches(), "shuffle": False},
    ],
    ids=["arrays", "tensors", "lists", "float64", "dataset", "generator", "pydataset"],
)
def test_all_kinds_of_data_train_alike(data: Any) -> None:
    expected = _regression()
    expected.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    model = _regression()
    model.fit(**data(), epochs=2, verbose=0)
    for a, b in zip(expected.get_weights(), model.get_weights(), strict=True):
        assert np.allclose(a, b, atol=1e-6)


def test_the_last_partial_batch_does_not_trace_again() -> None:
    traces = []

    class Counting(Layer):
        def call(self, x: Any) -> Any:
            traces.append(tuple(x.shape))
            return x

    model = Sequential([Input((3,)), Counting(), Dense(1)])
    traces.clear()
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=16, epochs=3, verbose=0)
    once = len(traces)
    model.optimizer.learning_rate = 0.001
    model.fit(X[:7], Y[:7], batch_size=4, epochs=2, verbose=0)
    assert len(traces) == once


def test_a_step_that_needs_the_batch_size_is_traced_for_each() -> None:
    noise = tf.constant(np.ones((4, 1), np.float32))
    model = _regression()
    model.compile("sgd", lambda y, y_pred: tf.reduce_mean((y_pred - y + noise) ** 2))
    model.fit(X[:8], Y[:8], batch_size=4, verbose=0)
    with pytest.raises(ShapeError, match=r"\(2, 1\)"):
        model.fit(X[:2], Y[:2], batch_size=2, verbose=0)


def test_compile_takes_metrics_and_loss_weights_in_either_order() -> None:
    model = Sequential([Input((3,)), Dense(1, kernel_initializer="zeros")])
    for arguments in ((["mae"], 0.5), (0.5, ["mae"]), (0.5, "mae")):
        model.compile("sgd", "mse", *arguments)
        loss, mae = model.evaluate(X, Y, verbose=0)
        assert loss == pytest.approx(0.5 * float(np.mean(Y**2)), rel=1e-5)
        assert mae == pytest.approx(float(np.mean(np.abs(Y))), rel=1e-5)
    model.compile("sgd", "mse", ["mae"])
    assert len(model.evaluate(X, Y, verbose=0)) == 2


def test_compile_refuses_unknown_arguments() -> None:
    with pytest.raises(TypeError, match="loss_weight"):
        _regression(loss_weight=2.0)


def test_a_changed_learning_rate_takes_effect() -> None:
    model = _regression()
    model.fit(X, Y, epochs=1, verbose=0)
    before = model.get_weights()
    model.optimizer.learning_rate = 0.0
    model.fit(X, Y, epochs=1, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_frozen_layers_do_not_change() -> None:
    first = Dense(4)
    model = Sequential([Input((3,)), first, Dense(1)])
    model.compile(tf.keras.optimizers.SGD(0.1), "mse")
    model.fit(X, Y, epochs=1, verbose=0)
    first.trainable = False
    frozen, moving = first.get_weights(), model.layers[1].get_weights()
    model.fit(X, Y, epochs=1, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(frozen, first.get_weights(), strict=True))
    assert not np.array_equal(moving[0], model.layers[1].get_weights()[0])


def test_validation() -> None:
    model = _regression(metrics=["mae"])
    history = model.fit(X, Y, validation_split=0.2, epochs=2, verbose=0)
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    expected = model.evaluate(X[40:], Y[40:], verbose=0)
    assert [history.history[k][-1] for k in ("val_loss", "val_mae")] == pytest.approx(expected, rel=1e-5)
    history = model.fit(X, Y, validation_data=(X, Y), validation_freq=2, epochs=4, verbose=0)
    assert (len(history.history["loss"]), len(history.history["val_loss"])) == (4, 2)
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(10)
    history = model.fit(X, Y, validation_data=dataset, validation_steps=2, verbose=0)
    assert history.history["val_loss"][0] == pytest.approx(model.evaluate(X[:20], Y[:20], verbose=0)[0], rel=1e-5)


def test_evaluate_gives_a_float_a_list_or_a_dict() -> None:
    model = _regression()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(float(np.mean(Y**2)), rel=1e-5)
    model = _regression(metrics=["mae"])
    expected = {"loss": float(np.mean(Y**2)), "mae": float(np.mean(np.abs(Y)))}
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(list(expected.values()), rel=1e-5)
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-5)
    assert model.metrics_names == ["loss", "mae"]


def test_accuracy_is_the_one_that_fits() -> None:
    for units, y, kind in (
        (1, LABELS, metrics.BinaryAccuracy),
        (2, LABELS, metrics.SparseCategoricalAccuracy),
        (2, np.eye(2, dtype="f")[LABELS], metrics.CategoricalAccuracy),
    ):
        model = Sequential([Input((3,)), Dense(units)])
        model.compile("sgd", "mse" if units == 1 else "crossentropy", metrics=["acc"])
        history = model.fit(X, y, verbose=0)
        assert list(history.history) == ["loss", "acc"]
        assert type(model.metrics[-1]) is kind


def test_sample_and_class_weights() -> None:
    model = _regression(weighted_metrics=["mae"], optimizer=tf.keras.optimizers.SGD(0.0))
    weights = np.zeros(50, np.float32)
    weights[:5] = 2.0
    loss, mae = model.evaluate(X, Y, sample_weight=weights, batch_size=50, verbose=0)
    assert loss == pytest.approx(float(np.sum(2 * Y[:5] ** 2) / 50), rel=1e-5)
    assert mae == pytest.approx(float(np.mean(np.abs(Y[:5]))), rel=1e-5)
    classes = Sequential([Input((3,)), Dense(2, kernel_initializer="zeros")])
    classes.compile(tf.keras.optimizers.SGD(0.0), losses.SparseCategoricalCrossentropy(from_logits=True))
    history = classes.fit(X, LABELS, class_weight={0: 0.0, 1: 3.0}, batch_size=50, verbose=0)
    assert history.history["loss"][0] == pytest.approx(3 * np.log(2) * LABELS.mean(), rel=1e-5)


def _two_outputs() -> Model:
    x = Input((3,))
    return Model(x, {"a": Dense(1, name="a")(x), "b": Dense(2, name="b")(x)})


def test_several_outputs_have_losses_and_metrics_of_their_own() -> None:
    model = _two_outputs()
    model.compile("sgd", loss={"a": "mse", "b": losses.SparseCategoricalCrossentropy(from_logits=True)},
                  loss_weights={"a": 2.0, "b": 1.0}, metrics={"b": ["accuracy"]})  # fmt: skip
    history = model.fit(X, {"a": Y, "b": LABELS}, verbose=0, shuffle=False, batch_size=50)
    logs = {name: values[0] for name, values in history.history.items()}
    assert set(logs) == {"loss", "a_loss", "b_loss", "b_accuracy"}
    assert logs["loss"] == pytest.approx(2 * logs["a_loss"] + logs["b_loss"], rel=1e-5)
    with pytest.raises(ArgumentError, match="a loss for 'b', which needs targets"):
        model.fit(X, {"a": Y}, verbose=0)


def test_list_outputs_take_lists() -> None:
    x = Input((3,))
    model = Model(x, [Dense(1, name="p")(x), Dense(1, name="q")(x)])
    model.compile("sgd", ["mse", "mae"], metrics=[["mae"], ["mse"]])
    history = model.fit(X, [Y, Y], verbose=0)
    assert set(history.history) == {"loss", "p_loss", "q_loss", "p_mae", "q_mse"}
    assert [a.shape for a in model.predict(X[:4], verbose=0)] == [(4, 1), (4, 1)]


def test_add_loss_and_regularizers_are_trained() -> None:
    class Pulling(Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight(shape=(), initializer="ones", name="w")

        def call(self, x: Any) -> Any:
            self.add_loss(self.w**2)
            return x

    model = Sequential([Input((3,)), Pulling()])
    model.compile(tf.keras.optimizers.SGD(0.1))
    history = model.fit(X, batch_size=10, epochs=2, verbose=0)
    assert history.history["loss"][1] < history.history["loss"][0] < 1.0
    assert float(model.layers[0].w) < 0.2


def test_custom_train_step_with_its_own_metrics() -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(1)
            self.mean = metrics.Mean(name="my_loss")

        def call(self, x: Any) -> Any:
            return self.dense(x)

        @property
        def metrics(self) -> list[Any]:
            return [self.mean]

        def train_step(self, data: Any) -> Any:
            x, y = data[:2]
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
            weights = self.trainable_weights
            self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            self.mean.update_state(loss)
            return {m.name: m.result() for m in self.metrics}

    model = Own()
    model.compile(tf.keras.optimizers.SGD(0.1))
    history = model.fit(X, Y, epochs=5, verbose=0)
    assert list(history.history) == ["my_loss"]
    assert history.history["my_loss"][-1] < history.history["my_loss"][0]


class _OverMetrics(Model):
    """The steps of the guide: they go through ``metrics`` themselves."""

    def train_step(self, data: Any) -> Any:
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return self._updated(y, y_pred, loss)

    def test_step(self, data: Any) -> Any:
        x, y = data
        y_pred = self(x, training=False)
        return self._updated(y, y_pred, self.compute_loss(y=y, y_pred=y_pred))

    def _updated(self, y: Any, y_pred: Any, loss: Any) -> Any:
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


@pytest.mark.parametrize("eagerly", [False, True])
def test_custom_steps_find_the_metrics_of_compile(eagerly: bool) -> None:
    inputs = Input((3,))
    model = _OverMetrics(inputs, Dense(1)(inputs))
    model.compile("sgd", "mse", metrics=["mae", "accuracy"], run_eagerly=eagerly)
    evaluated = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(evaluated) == ["loss", "mae", "accuracy"]
    assert evaluated["mae"] == pytest.approx(np.abs(Y - model.predict(X, verbose=0)).mean(), rel=1e-5)
    assert list(model.fit(X, Y, verbose=0).history) == ["loss", "mae", "accuracy"]


def test_a_custom_step_may_use_a_model_without_call() -> None:
    class NoCall(Model):
        def train_step(self, data: Any) -> Any:
            return {"mean": tf.reduce_mean(data[0])}

    model = NoCall()
    model.compile(metrics=["mae"])
    assert model.fit(X, Y, batch_size=len(X), verbose=0).history["mean"] == [pytest.approx(X.mean(), rel=1e-4)]


class _Recorder(Callback):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def set_params(self, params: dict[str, Any]) -> None:
        for hook in ("train_begin", "train_end", "epoch_begin", "epoch_end", "test_begin", "test_end"):
            name = f"on_{hook}"
            setattr(self, name, lambda *args, name=name: self.seen.append(name))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen.append(f"batch {batch} {sorted(logs)}")


def test_hooks_come_in_order_and_may_stop() -> None:
    class Stopping(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 1

    recorder = _Recorder()
    history = _regression().fit(X, Y, batch_size=25, epochs=9, verbose=0, validation_data=(X, Y),
                                callbacks=[recorder, Stopping()])  # fmt: skip
    assert history.epoch == [0, 1]
    epoch = ["on_epoch_begin", "batch 0 ['loss']", "batch 1 ['loss']", "on_test_begin", "on_test_end", "on_epoch_end"]
    assert recorder.seen == ["on_train_begin", *epoch, *epoch, "on_train_end"]


def test_on_batch_methods() -> None:
    model = _regression(metrics=["mae"])
    first = model.train_on_batch(X, Y, return_dict=True)
    assert first["loss"] == pytest.approx(float(np.mean(Y**2)), rel=1e-5)
    assert model.test_on_batch(X, Y, reset_metrics=True)[0] < first["loss"]
    assert model.predict_on_batch(X[:2]).shape == (2, 1)


def test_predict_joins_batches() -> None:
    model = _regression()
    model.set_weights([np.array([[1.0], [0.0], [0.0]]), np.zeros(1)])
    assert np.allclose(model.predict(X, batch_size=7, verbose=0), X[:, :1])
    assert np.allclose(model.predict(tf.data.Dataset.from_tensor_slices(X).batch(9), verbose=0), X[:, :1])


def test_steps_per_execution_calls_hooks_less_often() -> None:
    recorder = _Recorder()
    _regression(steps_per_execution=2).fit(X, Y, batch_size=10, verbose=0, callbacks=[recorder])
    assert [s for s in recorder.seen if s.startswith("batch")] == [f"batch {i} ['loss']" for i in (1, 3, 5)]


def test_errors_say_what_is_wrong() -> None:
    model = Sequential([Input((3,)), Dense(1)])
    with pytest.raises(ArgumentError, match=r"call compile\(\) before fit\(\)"):
        model.fit(X, Y)
    model = _regression()
    with pytest.raises(ShapeError, match="one number of rows in all arrays, got the shapes"):
        model.fit(X, Y[:5], verbose=0)
    with pytest.raises(ArgumentError, match="needs targets; pass y"):
        model.fit(X, verbose=0)
    with pytest.raises(ArgumentError, match="y must not be given beside a Dataset"):
        model.fit(tf.data.Dataset.from_tensor_slices(X).batch(2), Y, verbose=0)
    with pytest.raises(ArgumentError, match=r"callbacks must be keras.callbacks.Callback objects.*make an instance"):
        model.fit(X, Y, callbacks=[Callback], verbose=0)
    with pytest.raises(ArgumentError, match="the data is empty"):
        model.fit(iter([]), verbose=0)


WORDS = np.array([["good"], ["bad"], ["good"], ["odd"]])


@pytest.mark.parametrize("words", [WORDS, WORDS.astype(object), tf.constant(WORDS)], ids=["str", "object", "tensor"])
def test_models_that_begin_with_text_run_on_strings(words: Any) -> None:
    lookup = tf.keras.layers.StringLookup(vocabulary=["good", "bad"], output_mode="one_hot")
    text, numbers = Input((1,), dtype="string"), Input((2,))
    hidden = tf.keras.layers.Concatenate()([lookup(text), numbers])
    model = Model([text, numbers], Dense(1, kernel_initializer="ones")(hidden))
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = np.zeros((4, 2), "float32"), np.zeros((4, 1), "float32")
    assert np.array_equal(model.predict([words, x], verbose=0), np.ones((4, 1)))
    assert model.evaluate([words, x], y, verbose=0) == [1.0, 1.0]
    history = model.fit([words, x], y, batch_size=2, epochs=2, verbose=0).history["loss"]
    assert history[1] < history[0] < 1.0


def test_strings_are_no_numbers() -> None:
    model = Sequential([Input((1,), name="age"), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(DTypeError, match=r"input 'age' of model .* takes float32, but was given string"):
        model.fit(np.array([["31"], ["42"]]), np.ones((2, 1)), verbose=0)
    with pytest.raises(ArgumentError, match="dtype object, expected numbers, booleans or strings"):
        model.fit(np.array([None, 1.0], dtype=object), np.ones((2, 1)), verbose=0)


def test_a_mistyped_argument_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unknown arguments epoch"):
        _regression().fit(X, Y, epoch=3)
