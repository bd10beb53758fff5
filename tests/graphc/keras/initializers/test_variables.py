"""keras.Variable: how a weight gets its first value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc_ir.errors import ArgumentError


@pytest.mark.parametrize(
    ("initializer", "expected"), [("ones", 1), ("zeros", 0), ("Ones", 1), (keras.initializers.Constant(3), 3)]
)
def test_by_the_name_of_an_initializer(initializer: Any, expected: int) -> None:
    weight = keras.Variable(initializer, shape=(2, 3), dtype="int32")
    assert weight.dtype == "int32"
    np.testing.assert_array_equal(weight.numpy(), np.full((2, 3), expected))


def test_what_a_function_gives_becomes_the_dtype_of_the_weight() -> None:
    assert keras.Variable(lambda shape, dtype: np.ones(shape), shape=(2,)).dtype == "float32"
    assert keras.Variable(lambda shape, dtype: np.ones(shape), shape=(2,), dtype="float16").dtype == "float16"


def test_names_and_functions_need_a_shape() -> None:
    with pytest.raises(ArgumentError, match="needs a shape"):
        keras.Variable("ones")
    with pytest.raises(ArgumentError, match="nothing named 'oness'; did you mean 'ones'"):
        keras.Variable("oness", shape=(2,))


def test_tf_initializers_are_those_of_keras() -> None:
    assert tf.initializers is keras.initializers
    dense = keras.layers.Dense(2, kernel_initializer=tf.initializers.zeros())
    assert not dense(np.ones((1, 3), "float32")).numpy().any()
    assert isinstance(tf.initializers.GlorotUniform(), keras.initializers.Initializer)
