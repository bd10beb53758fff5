"""Models that end in a softmax or sigmoid: compiled losses look behind it, and gradients still flow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras.layers import Dense, Input
from graphc.keras.models import Sequential

X = np.random.default_rng(0).normal(size=(12, 4)).astype("f")


@pytest.mark.parametrize(
    ("units", "activation", "loss", "y"),
    [
        (3, "softmax", "sparse_categorical_crossentropy", np.arange(12) % 3),
        (3, "softmax", "categorical_crossentropy", np.eye(3, dtype="f")[np.arange(12) % 3]),
        (1, "sigmoid", "binary_crossentropy", np.arange(12) % 2),
    ],
)
def test_compiled_training_equals_eager_training(units: int, activation: str, loss: str, y: Any) -> None:
    weights = []
    for eagerly in (False, True):
        model = Sequential([Input((4,)), Dense(units, activation=activation, kernel_initializer="zeros")])
        model.compile(tf.keras.optimizers.SGD(0.5), loss, run_eagerly=eagerly)
        model.fit(X, y, batch_size=12, epochs=2, verbose=0, shuffle=False)
        weights.append(model.get_weights())
    assert np.abs(weights[0][0]).max() > 0.01
    for compiled, eager in zip(*weights, strict=True):
        assert np.allclose(compiled, eager, atol=1e-6)
