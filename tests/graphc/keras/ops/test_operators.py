"""Operators of KerasTensors: what they record, and what they compute."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import Input, Model, ops
from graphc_ir.errors import TracingError

X = np.array([[1.5, -2.0, 3.0], [0.5, 4.0, -1.0]], np.float32)


def recorded(result: Any) -> str:
    """The class of the operation that made a KerasTensor."""
    name = result.history.operation.serialized_class()["class_name"]
    assert isinstance(name, str)
    return name


BINARY: list[tuple[str, Callable[[Any, Any], Any], str]] = [
    ("+", operator.add, "Add"),
    ("-", operator.sub, "Subtract"),
    ("*", operator.mul, "Multiply"),
    ("/", operator.truediv, "TrueDivide"),
    ("//", operator.floordiv, "FloorDivide"),
    ("%", operator.mod, "Mod"),
    ("**", operator.pow, "Power"),
    ("<", operator.lt, "Less"),
    ("<=", operator.le, "LessEqual"),
    (">", operator.gt, "Greater"),
    (">=", operator.ge, "GreaterEqual"),
    ("==", operator.eq, "Equal"),
    ("!=", operator.ne, "NotEqual"),
]
REFLECTED = {"<": "Greater", "<=": "GreaterEqual", ">": "Less", ">=": "LessEqual"}


@pytest.mark.parametrize(("symbol", "apply", "name"), BINARY)
def test_binary(symbol: str, apply: Callable[[Any, Any], Any], name: str) -> None:
    x = Input((3,))
    for other in (2.0, 2, np.full((3,), 2, np.float32), tf.constant([2.0, 2.0, 2.0])):
        left, right = apply(x, other), apply(other, x)
        assert recorded(left) == name
        assert recorded(right) == REFLECTED.get(symbol, name)
        found = Model(x, [left, right])(np.abs(X))
        wanted = apply(np.abs(X), np.float32(2)), apply(np.float32(2), np.abs(X))
        for have, want in zip(found, wanted, strict=True):
            np.testing.assert_allclose(have.numpy(), want, rtol=1e-6)
    assert recorded(apply(x, x)) == name


@pytest.mark.parametrize(
    ("apply", "name", "wanted"),
    [
        (operator.neg, "Negative", -X),
        (abs, "Absolute", np.abs(X)),
        (round, "Round", np.round(X)),
        (lambda x: round(x, 1), "Round", X),
        (lambda x: x.T, "Transpose", X.T),
        (lambda x: x.reshape((-1, 1)), "Reshape", X.reshape(-1, 1)),
        (lambda x: x.reshape((-1, 1, 3)).squeeze(1), "Squeeze", X),
        (lambda x: x[0], "GetItem", X[0]),
        (lambda x: x[..., ::-1], "GetItem", X[:, ::-1]),
        (lambda x: x @ np.ones((3, 2), np.float32), "Matmul", X @ np.ones((3, 2), np.float32)),
        (lambda x: (x > 0) & (x < 2), "LogicalAnd", (X > 0) & (X < 2)),
        (lambda x: (x > 0) | (x < -1), "LogicalOr", (X > 0) | (X < -1)),
        (lambda x: (x > 0) ^ (x < 2), "LogicalXor", (X > 0) ^ (X < 2)),
        (lambda x: ~(x > 0), "LogicalNot", X <= 0),
    ],
)
def test_others(apply: Callable[[Any], Any], name: str, wanted: Any) -> None:
    x = Input((3,))
    result = apply(x)
    assert recorded(result) == name
    np.testing.assert_allclose(Model(x, result)(X).numpy(), wanted, rtol=1e-6)


def test_the_reflected_matrix_product() -> None:
    x = Input((3,))
    result = np.ones((1, 2), np.float32) @ x
    assert recorded(result) == "Matmul"
    np.testing.assert_allclose(Model(x, result)(X).numpy(), X.sum(0, keepdims=True))


def test_plus_is_the_tensor_itself() -> None:
    x = Input((3,))
    assert +x is x


def test_none_and_words_are_never_equal_to_a_tensor() -> None:
    x = Input((3,))
    assert (x == None) is False  # noqa: E711
    assert (x != "x") is True
    assert x in [x]
    assert x not in [None, "x"]


def test_dtypes_promote() -> None:
    x, i = Input((3,)), Input((3,), dtype="int32")
    assert (x + i).dtype == "float32"
    assert (i / 2).dtype == "float32"
    assert (i * 2).dtype == "int32"
    assert (i * 2.5).dtype == "float32"


@pytest.mark.parametrize("key", [[2, 0], (slice(None), [2, 0]), (slice(None), np.array([True, False, True]))])
def test_indexing_by_lists_survives_a_file(key: Any) -> None:
    x = Input((3,), batch_size=3)
    model = Model(x, x[key])
    data = np.arange(9, dtype=np.float32).reshape(3, 3)
    loaded = keras.models.model_from_json(model.to_json())
    np.testing.assert_array_equal(loaded(data).numpy(), data[key])


def test_a_keras_tensor_has_no_truth() -> None:
    with pytest.raises(TracingError, match="has no value; build a Model"):
        bool(Input((3,)) > 0)


def test_sizes_of_keras_tensors() -> None:
    x = Input((3,))
    assert ops.shape(x) == (None, 3)
    assert ops.ndim(x) == 2
    assert ops.dtype(x) == "float32"
    rows = tf.shape(x)[0]
    assert ops.reshape(x, (rows, 1, 3)).shape == (None, 1, 3)
    found = Model(x, ops.broadcast_to(ops.ones((1, 2)), (rows, 2)))(X)
    np.testing.assert_array_equal(found.numpy(), np.ones((2, 2)))


@pytest.mark.parametrize("apply", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
def test_operators_of_weights_promote(apply: Callable[[Any, Any], Any]) -> None:
    weight = keras.Variable([1.0, 2.0])
    half = tf.constant([2.0, 3.0], tf.float16)
    found = apply(weight, half)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found.numpy(), apply(np.array([1.0, 2.0]), np.array([2.0, 3.0])))
    count = keras.Variable([1, 2], dtype="int32")
    assert apply(count, half).dtype == "float16"


def test_weights_compare_with_tensors_of_other_dtypes_and_with_none() -> None:
    weight = keras.Variable([1.0, 2.0])
    np.testing.assert_array_equal((weight < np.array([2, 2])).numpy(), [True, False])
    np.testing.assert_array_equal((weight == tf.constant([1, 1], tf.int64)).numpy(), [True, False])
    assert (weight == None) is False  # noqa: E711
    assert (weight != None) is True  # noqa: E711
    assert weight in {weight: 1}


def test_the_square_root_of_a_weight_has_a_gradient() -> None:
    weight = keras.Variable([4.0])
    with tf.GradientTape() as tape:
        loss = 2 * weight**0.5 - weight[0]
    gradient = tape.gradient(loss, weight)
    assert gradient is not None
    np.testing.assert_allclose(gradient.numpy(), [-0.5])
