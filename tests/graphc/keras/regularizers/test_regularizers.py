"""Regularizers: values as Keras 3.15.1 gives them, gradients, configs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import regularizers
from graphc_ir.errors import ArgumentError, ShapeError

W = [[1.0, -2.0, 0.5], [3.0, 0.0, -0.5]]


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (regularizers.L1(0.1), 0.7),
        (regularizers.L2(0.1), 1.45),
        (regularizers.L1L2(0.1, 0.2), 3.6),
        (regularizers.L1L2(l2=0.2), 2.9),
        (regularizers.L1L2(), 0.0),
        (regularizers.OrthogonalRegularizer(0.5), 0.1973114),
        (regularizers.OrthogonalRegularizer(0.5, "columns"), 0.2450913),
    ],
)
def test_penalties(regularizer: Any, expected: float) -> None:
    assert float(regularizer(W)) == pytest.approx(expected, rel=1e-6)
    assert float(tf.function(regularizer)(tf.constant(W))) == pytest.approx(expected, rel=1e-6)


def test_a_single_row_is_orthogonal_to_all_others() -> None:
    assert float(regularizers.OrthogonalRegularizer()([[1.0, 2.0]])) == 0.0


def test_gradients() -> None:
    w = tf.Variable(W)
    with tf.GradientTape() as tape:
        penalty = regularizers.L1L2(0.1, 0.2)(w)
    np.testing.assert_allclose(tape.gradient(penalty, w), 0.1 * np.sign(W) + 0.4 * np.array(W), rtol=1e-6)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "a lot"])
def test_factors_are_finite_and_not_negative(value: Any) -> None:
    with pytest.raises(ArgumentError, match="expected a finite number >= 0"):
        regularizers.L2(value)


def test_wrong_arguments() -> None:
    with pytest.raises(ArgumentError, match="mode='diagonal'"):
        regularizers.OrthogonalRegularizer(mode="diagonal")
    with pytest.raises(ShapeError, match="expected a matrix"):
        regularizers.OrthogonalRegularizer()([1.0, 2.0])


def test_defaults_of_none() -> None:
    assert regularizers.L1(None).l1 == 0.01
    assert regularizers.L1L2(None, None).get_config() == {"l1": 0.0, "l2": 0.0}


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2", "OrthogonalRegularizer"])
def test_configs(name: str) -> None:
    regularizer = getattr(regularizers, name)(0.25)
    config = regularizers.serialize(regularizer)
    assert (config["module"], config["class_name"]) == ("keras.regularizers", name)
    assert regularizers.deserialize(config).get_config() == regularizer.get_config()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("l1", "L1"), ("l2", "L2"), ("L2", "L2"), ("l1_l2", "L1L2"), ("orthogonal_regularizer", "OrthogonalRegularizer")],
)
def test_names(name: str, expected: str) -> None:
    assert type(regularizers.get(name)).__name__ == expected
    if name != "L2":
        assert getattr(regularizers, name) is getattr(regularizers, expected)


def test_own_regularizers() -> None:
    class Cube(regularizers.Regularizer):
        def __call__(self, x: Any) -> Any:
            return tf.reduce_sum(tf.abs(x) ** 3)

    assert regularizers.get(None) is None
    assert regularizers.get(len) is len
    with pytest.raises(NotImplementedError, match="get_config"):
        regularizers.serialize(Cube())
    with pytest.raises(NotImplementedError, match="must define __call__"):
        regularizers.Regularizer()(W)
