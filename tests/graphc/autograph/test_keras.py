"""User-defined layers, models, losses and metrics with Python control flow on tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype(np.float32)
Y = (X @ np.array([[1.0], [-2.0], [0.5], [0.0]], np.float32)).astype(np.float32)


class Gate(keras.layers.Layer):
    """Doubles positive batches, and adds the rows of a weight up to a limit in others."""

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 1), initializer="ones")
        self.seen = self.add_weight(name="seen", shape=(), initializer="zeros", trainable=False)

    def call(self, inputs: Any) -> Any:
        y = inputs @ self.kernel
        if tf.reduce_sum(y) > 0:
            self.seen.assign_add(1.0)
            y = y * 2.0
        total = tf.zeros(())
        for row in self.kernel:
            if total > 1.5:
                break
            total += row[0]
        return y + total


def model_of(layer: Any) -> Any:
    inputs = keras.Input((4,))
    return keras.Model(inputs, layer(inputs))


def test_fit_follows_the_eager_run() -> None:
    histories, weights = [], []
    for run_eagerly in (True, False):
        model = model_of(Gate())
        model.compile(keras.optimizers.SGD(0.01), "mse", run_eagerly=run_eagerly)
        histories.append(model.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"])
        weights.append(model.get_weights())
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-5)
    for eager, traced in zip(*weights, strict=True):
        np.testing.assert_allclose(eager, traced, rtol=1e-5)
    assert 0 < weights[0][1] < 12


def test_a_model_of_its_own_train_step() -> None:
    class Clipped(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(1, kernel_initializer="ones")
            self.clips = self.add_weight(name="clips", shape=(), initializer="zeros", trainable=False)

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
            gradients = tape.gradient(loss, self.trainable_variables)
            if tf.linalg.norm(gradients[0]) > 1.0:
                self.clips.assign_add(1.0)
                gradients = [g * 0.1 for g in gradients]
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    found = []
    for run_eagerly in (True, False):
        model = Clipped()
        model.compile(keras.optimizers.SGD(0.1), run_eagerly=run_eagerly)
        model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        found.append([*(w.numpy() for w in model.dense.weights), model.clips.numpy()])
    for eager, traced in zip(*found, strict=True):
        np.testing.assert_allclose(eager, traced, rtol=1e-5)
    assert found[0][-1] > 0


def huber(y_true: Any, y_pred: Any) -> Any:
    error = tf.reduce_mean(tf.abs(y_true - y_pred))
    if error < 1.0:
        return 0.5 * error * error
    return error - 0.5


class BigBatches(keras.metrics.Metric):
    """Counts batches whose targets are above zero in the mean."""

    def __init__(self) -> None:
        super().__init__(name="big")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if tf.reduce_mean(y_true) > 0:
            self.count.assign_add(1.0)

    def result(self) -> Any:
        return self.count.read_value()


def test_losses_and_metrics() -> None:
    found = []
    for run_eagerly in (True, False):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile(keras.optimizers.SGD(0.1), huber, metrics=[BigBatches(), huber], run_eagerly=run_eagerly)
        history = model.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
        found.append([history[key] for key in sorted(history)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def test_lambda_layers() -> None:
    model = model_of(keras.layers.Lambda(lambda x: x if tf.reduce_sum(x) > 0 else -x))
    for array in (X[:2], -X[:2]):
        expected = array if array.sum() > 0 else -array
        np.testing.assert_array_equal(model.predict(array, verbose=0), expected)


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_layers_inside_a_traced_function(backend: str) -> None:
    layer = Gate()
    layer(X)
    traced = tf.function(lambda x: layer(x), backend=backend)
    for array in (X, -X):
        np.testing.assert_allclose(traced(tf.constant(array)).numpy(), layer(array).numpy(), rtol=1e-5, atol=1e-6)
