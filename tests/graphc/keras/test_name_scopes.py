"""keras.name_scope."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.mode import mode
from graphc_ir.errors import ArgumentError


def test_scopes_nest() -> None:
    with keras.name_scope("outer") as outer, keras.name_scope("inner"):
        assert outer.name == "outer"
        assert keras.Variable(1.0, name="v").path == "outer/inner/v"
    assert keras.Variable(1.0, name="v").path == "v"


def test_a_caller_counts_once() -> None:
    with keras.name_scope("a", caller=1), keras.name_scope("a", caller=1):
        assert mode.scope == "a"
    with keras.name_scope("a"), keras.name_scope("a"):
        assert mode.scope == "a/a"


def test_a_parent_can_be_given() -> None:
    with keras.name_scope("outer"):
        with keras.name_scope("b", override_parent="/x/y"), keras.name_scope("c"):
            assert mode.scope == "x/y/b/c"
        assert mode.scope == "outer"


@pytest.mark.parametrize("name", ["a/b", 4])
def test_names_are_parts_of_paths(name: Any) -> None:
    with pytest.raises(ArgumentError, match="must be a string and cannot contain character `/`"):
        keras.name_scope(name)


def test_threads_have_scopes_of_their_own() -> None:
    found = []

    def work() -> None:
        with keras.name_scope("inner"):
            found.append(mode.scope)

    with keras.name_scope("outer"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found == ["inner"]


def test_the_path_is_that_of_the_first_call() -> None:
    class Outer(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="outer")
            self.inner = keras.layers.ReLU(name="inner")

        def call(self, inputs: Any) -> Any:
            return self.inner(inputs)

    layer = Outer()
    assert layer.inner.path == "inner"
    with keras.name_scope("model"):
        layer(np.ones((1, 2)))
    layer(np.ones((1, 2)))
    assert (layer.path, layer.inner.path) == ("model/outer", "model/outer/inner")


def test_weights_print_their_path_and_value() -> None:
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones", name="head")], name="net"
    )
    kernel = model.weights[0]
    assert repr(kernel) == "<Variable path=net/head/kernel, shape=(2, 1), dtype=float32, value=[[1.]\n [1.]]>"

    @tf.function
    def traced() -> Any:
        assert repr(kernel) == "<Variable path=net/head/kernel, shape=(2, 1), dtype=float32>"
        return tf.reduce_sum(kernel)

    assert traced().numpy() == 2
