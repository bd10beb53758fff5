"""LossScaleOptimizer: literal values of Keras 3.15, eagerly and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc_ir.errors import ArgumentError

optimizers = keras.optimizers


def gradient(step: int) -> list[float]:
    return [float(step), np.inf if step == 3 else 2.0 * step, -float(step)]


@pytest.mark.parametrize("backend", [None, "numpy", "onnxruntime"])
def test_bad_steps_are_left_out_and_the_scale_follows(backend: str | None) -> None:
    variable = keras.Variable([1.0, 2.0, 3.0], name="a")
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.1), initial_scale=4.0, dynamic_growth_steps=2)
    assert float(optimizer.scale_loss(tf.constant(1.0))) == 4.0

    def step(g: Any) -> Any:
        optimizer.apply([g], [variable])
        return optimizer.scale_loss(tf.constant(1.0))

    function = step if backend is None else tf.function(step, backend=backend)
    scales = [float(function(tf.constant(gradient(k)))) for k in range(1, 7)]
    assert scales == [4.0, 8.0, 4.0, 4.0, 8.0, 8.0]
    assert int(optimizer.iterations) == 5
    total = (1 + 2) / 4 + 4 / 4 + 5 / 4 + 6 / 8 - 2 / 4 + 2 / 4
    np.testing.assert_allclose(variable.numpy(), [1 - 0.1 * total, 2 - 0.2 * total, 3 + 0.1 * total], rtol=1e-5)


def test_state_is_its_own_then_that_of_the_inner_optimizer() -> None:
    optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(0.5, name="adam"), name="scale")
    optimizer.build([keras.Variable([1.0], name="w")])
    assert [v.path for v in optimizer.variables] == [
        "scale/iteration", "scale/learning_rate", "scale/step_counter", "scale/dynamic_scale",
        "adam/iteration", "adam/learning_rate", "adam/w_momentum", "adam/w_velocity",
    ]  # fmt: skip
    optimizer.learning_rate = 0.25
    assert float(optimizer.inner_optimizer.learning_rate) == float(optimizer.lr) == 0.25
    assert float(optimizer.scale_loss(tf.constant(1.0, tf.float16))) == 32768.0


def test_config_round_trip() -> None:
    optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(0.5), initial_scale=8.0)
    config = optimizers.serialize(optimizer)
    assert list(config["config"]) == ["name", "inner_optimizer", "initial_scale", "dynamic_growth_steps"]
    again = optimizers.deserialize(config)
    assert again.get_config() == optimizer.get_config()


def test_options_belong_to_the_inner_optimizer() -> None:
    with pytest.raises(ArgumentError, match=r"does not take clipnorm=1.0; give it to the inner optimizer"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0)
    inner = optimizers.SGD(loss_scale_factor=4.0)
    optimizers.LossScaleOptimizer(inner, clipnorm=None)
    assert inner.loss_scale_factor is None
