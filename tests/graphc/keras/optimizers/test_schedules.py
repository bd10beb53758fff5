"""Learning rate schedules against literal values of Keras 3.15, alone and inside optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc_ir.errors import ArgumentError

schedules = keras.optimizers.schedules

STEPS = (0, 1, 2, 3, 5, 6, 9, 12)
CASES: list[tuple[str, tuple[Any, ...], dict[str, Any], list[float]]] = [
    (
        "ExponentialDecay",
        (0.1, 4, 0.5),
        {},
        [0.1, 0.0840896, 0.0707107, 0.0594604, 0.0420448, 0.0353553, 0.0210224, 0.0125],
    ),
    ("ExponentialDecay", (0.1, 4, 0.5), {"staircase": True}, [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.0125]),
    ("InverseTimeDecay", (0.1, 4, 0.5), {}, [0.1, 0.0888889, 0.08, 0.0727273, 0.0615385, 0.0571429, 0.0470588, 0.04]),
    ("InverseTimeDecay", (0.1, 4, 0.5), {"staircase": True}, [0.1, 0.1, 0.1, 0.1, 0.0666667, 0.0666667, 0.05, 0.04]),
    (
        "PolynomialDecay",
        (0.1, 8),
        {"end_learning_rate": 0.01, "power": 2.0},
        [0.1, 0.0789063, 0.060625, 0.0451562, 0.0226563, 0.015625, 0.01, 0.01],
    ),
    (
        "PolynomialDecay",
        (0.1, 4),
        {"end_learning_rate": 0.01, "cycle": True},
        [0.1, 0.0775, 0.055, 0.0325, 0.04375, 0.0325, 0.0325, 0.01],
    ),
    ("PiecewiseConstantDecay", ([2, 5], [1.0, 0.5, 0.1]), {}, [1.0, 1.0, 1.0, 0.5, 0.5, 0.1, 0.1, 0.1]),
    ("CosineDecay", (0.1, 8), {"alpha": 0.1}, [0.1, 0.0965746, 0.0868198, 0.0722208, 0.0377792, 0.0231802, 0.01, 0.01]),
    (
        "CosineDecay",
        (0.0, 8),
        {"warmup_target": 0.2, "warmup_steps": 4},
        [0.0, 0.05, 0.1, 0.15, 0.192388, 0.1707107, 0.0617316, 0.0],
    ),
    (
        "CosineDecayRestarts",
        (0.1, 3),
        {"m_mul": 0.5, "alpha": 0.1},
        [0.1, 0.0775, 0.0325, 0.055, 0.04375, 0.0325, 0.0325, 0.029205],
    ),
    ("CosineDecayRestarts", (0.1, 3), {"t_mul": 1.0}, [0.1, 0.075, 0.025, 0.1, 0.025, 0.1, 0.1, 0.1]),
    (
        "CosineDecayRestarts",
        (0.1, 4),
        {"t_mul": 1.5},
        [0.1, 0.0853553, 0.05, 0.0146447, 0.0933013, 0.075, 0.0066987, 0.0883022],
    ),
]


@pytest.mark.parametrize(("name", "arguments", "options", "expected"), CASES)
def test_values_are_those_of_keras(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any], expected: list[float]
) -> None:
    schedule = getattr(schedules, name)(*arguments, **options)
    np.testing.assert_allclose([float(schedule(k)) for k in STEPS], expected, rtol=1e-4, atol=1e-7)
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    assert float(again(3)) == float(schedule(3))


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_a_schedule_is_computed_in_the_graph(backend: str) -> None:
    weight = keras.Variable([0.0], name="weight")
    optimizer = keras.optimizers.SGD(schedules.ExponentialDecay(0.5, 1, 0.5))

    @tf.function(backend=backend)
    def step(gradient: Any) -> None:
        optimizer.apply_gradients([(gradient, weight)])

    seen = []
    for _ in range(3):
        step(tf.constant([1.0]))
        seen.append(float(weight[0]))
    np.testing.assert_allclose(seen, [-0.5, -0.75, -0.875])
    assert step.experimental_get_tracing_count() == 1
    assert float(optimizer.learning_rate) == 0.0625


def test_a_schedule_takes_the_place_of_a_number_but_not_the_other_way_round() -> None:
    optimizer = keras.optimizers.SGD(0.1)
    assert [v.path.rpartition("/")[2] for v in optimizer.variables] == ["iteration", "learning_rate"]
    optimizer.learning_rate = schedules.InverseTimeDecay(0.5, 10, 1.0)
    assert [v.path.rpartition("/")[2] for v in optimizer.variables] == ["iteration"]
    assert float(optimizer.learning_rate) == 0.5
    with pytest.raises(TypeError, match=r"cannot be set to 0.1"):
        optimizer.learning_rate = 0.1


class Halving(schedules.LearningRateSchedule):
    """As in the documentation of Keras: plain arithmetic on the step, without casts."""

    def __init__(self, initial: float) -> None:
        self.initial = initial

    def __call__(self, step: Any) -> Any:
        return self.initial / (step + 1)

    def get_config(self) -> dict[str, Any]:
        return {"initial": self.initial}


def test_schedules_of_the_users_own() -> None:
    weight = keras.Variable([0.0], name="weight")
    optimizer = keras.optimizers.SGD(Halving(1.0))
    for _ in range(2):
        optimizer.apply_gradients([(tf.constant([1.0]), weight)])
    assert float(weight[0]) == -1.5
    config = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(config, custom_objects={"Halving": Halving})
    assert again.get_config()["learning_rate"]["config"] == {"initial": 1.0}


def test_a_config_has_the_shape_of_keras() -> None:
    assert schedules.serialize(schedules.ExponentialDecay(0.1, 10, 0.5)) == {
        "module": "keras.optimizers.schedules",
        "class_name": "ExponentialDecay",
        "config": {
            "initial_learning_rate": 0.1,
            "decay_steps": 10,
            "decay_rate": 0.5,
            "staircase": False,
            "name": "ExponentialDecay",
        },
        "registered_name": None,
    }


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match="decay_steps must be > 0, got 0"):
        schedules.CosineDecay(0.1, 0)
    with pytest.raises(ArgumentError, match=r"2 boundaries .* part 3 values, got 2"):
        schedules.PiecewiseConstantDecay([1, 2], [1.0, 2.0])
    with pytest.raises(ArgumentError, match="expected the config of a LearningRateSchedule, got 'cosine'"):
        schedules.deserialize("cosine")
    with pytest.raises(NotImplementedError, match="does not define get_config"):
        schedules.LearningRateSchedule().get_config()
