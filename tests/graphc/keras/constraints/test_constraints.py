"""Constraints: values as Keras 3.15.1 gives them, configs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import constraints
from graphc_ir.errors import ArgumentError

W = [[1.0, -2.0, 0.5], [3.0, 0.0, -0.5]]


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        (constraints.MaxNorm(1.0), [[0.316228, -1.0, 0.5], [0.948683, 0.0, -0.5]]),
        (constraints.MaxNorm(1.0, axis=1), [[0.436436, -0.872872, 0.218218], [0.986394, 0.0, -0.164399]]),
        (constraints.MaxNorm(2.0, axis=[0, 1]), [[0.525226, -1.050451, 0.262613], [1.575677, 0.0, -0.262613]]),
        (constraints.NonNeg(), [[1.0, 0.0, 0.5], [3.0, 0.0, 0.0]]),
        (constraints.UnitNorm(), [[0.316228, -1.0, 0.707107], [0.948683, 0.0, -0.707107]]),
        (constraints.UnitNorm(1), [[0.436436, -0.872872, 0.218218], [0.986394, 0.0, -0.164399]]),
        (constraints.MinMaxNorm(1.0, 2.0), [[0.632456, -2.0, 0.707107], [1.897367, 0.0, -0.707107]]),
        (constraints.MinMaxNorm(1.0, 2.0, rate=0.5, axis=1),
         [[0.936436, -1.872872, 0.468218], [2.486394, 0.0, -0.414399]]),
        (constraints.Constraint(), W),
    ],
)  # fmt: skip
def test_values(constraint: Any, expected: Any) -> None:
    np.testing.assert_allclose(constraint(W), expected, atol=2e-6)
    np.testing.assert_allclose(tf.function(constraint)(tf.Variable(W)), expected, atol=2e-6)


def test_weights_of_norm_0_stay_finite() -> None:
    assert np.isfinite(constraints.UnitNorm()(np.zeros((2, 2), np.float32)).numpy()).all()


@pytest.mark.parametrize("name", ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"])
def test_configs(name: str) -> None:
    constraint = getattr(constraints, name)()
    config = constraints.serialize(constraint)
    assert (config["module"], config["class_name"]) == ("keras.constraints", name)
    assert constraints.deserialize(config).get_config() == constraint.get_config()


def test_configs_hold_what_keras_expects() -> None:
    assert constraints.MaxNorm().get_config() == {"max_value": 2, "axis": 0}
    assert constraints.MinMaxNorm(0.5).get_config() == {"min_value": 0.5, "max_value": 1.0, "rate": 1.0, "axis": 0}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("max_norm", "MaxNorm"), ("min_max_norm", "MinMaxNorm"), ("non_neg", "NonNeg"), ("nonneg", "NonNeg"),
     ("maxnorm", "MaxNorm"), ("UnitNorm", "UnitNorm")],
)  # fmt: skip
def test_names(name: str, expected: str) -> None:
    assert type(constraints.get(name)).__name__ == expected


def test_other_identifiers() -> None:
    assert constraints.get(None) is None
    assert constraints.get(abs) is abs
    with pytest.raises(ArgumentError, match="did you mean"):
        constraints.get("max_nrm")
