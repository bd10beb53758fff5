"""``Model.stateless_compute_loss``."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc_ir.errors import ArgumentError


def regularized() -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False, kernel_regularizer="l2")])
    model.compile("sgd", "mse")
    return model


def test_the_loss_is_that_of_the_given_values() -> None:
    model = regularized()
    (kernel,) = model.trainable_variables
    before = kernel.numpy()
    given = tf.constant([[3.0], [4.0]])
    y, y_pred = np.array([[1.0]], np.float32), tf.constant([[2.0]])
    metrics = [v.numpy() for v in model.metrics_variables]
    with tf.GradientTape() as tape:
        tape.watch(given)
        loss, (trainable, others, after) = model.stateless_compute_loss([given], [], metrics, y=y, y_pred=y_pred)
    assert float(loss) == pytest.approx(1.0 + 0.01 * 25)
    np.testing.assert_allclose(tape.gradient(loss, given), [[0.06], [0.08]], rtol=1e-6)
    np.testing.assert_array_equal(kernel.numpy(), before)
    assert trainable == [given]
    assert others == []
    np.testing.assert_array_equal(after, metrics)


def test_each_variable_needs_a_value() -> None:
    model = regularized()
    metrics = [v.numpy() for v in model.metrics_variables]
    with pytest.raises(ArgumentError, match=r"got 0 trainable_variables, but the layer has 1; give one value for each"):
        model.stateless_compute_loss([], [], metrics, y=np.ones((1, 1)), y_pred=np.ones((1, 1)))
