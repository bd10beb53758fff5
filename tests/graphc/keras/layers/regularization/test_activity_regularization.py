"""ActivityRegularization: what passes through costs something."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import layers
from tests.graphc.keras.layers.checks import check_config, check_export, config_of, counted


def test_the_penalty_is_per_example() -> None:
    layer = layers.ActivityRegularization(l1=0.1, l2=0.01)
    x = counted(2, 2)
    assert layer(x).numpy().tolist() == x.tolist()
    assert [float(loss) for loss in layer.losses] == pytest.approx([(0.1 * 6 + 0.01 * 14) / 2])
    layer(x * 0)
    assert [float(loss) for loss in layer.losses] == [0]


def test_the_gradient_flows_into_the_layers_before() -> None:
    dense, penalty = layers.Dense(1, use_bias=False, kernel_initializer="ones"), layers.ActivityRegularization(l2=0.5)
    with tf.GradientTape() as tape:
        penalty(dense(np.array([[3]], np.float32)))
        (loss,) = penalty.losses
    assert tape.gradient(loss, dense.kernel).numpy().tolist() == [[9]]


def test_config_and_onnx() -> None:
    layer = layers.ActivityRegularization(l1=0.1)
    assert config_of(layer) == {"l1": 0.1, "l2": 0.0}
    check_config(layer)
    assert check_export(layer, counted(2, 2)) == ["Identity"]


def test_in_a_model() -> None:
    model = keras.Sequential([keras.Input((2,)), layers.ActivityRegularization(l1=1.0)])
    model(counted(1, 2))
    assert [float(loss) for loss in model.losses] == [1]
