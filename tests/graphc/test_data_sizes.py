"""Sizes that depend on data, in traced functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc_ir.errors import ArgumentError

_X = np.array([1.0, -2.0, 3.0], np.float32)
_PROGRAMS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "shape": (lambda x: tf.shape(tf.boolean_mask(x, x > 0)), [2]),
    "size": (lambda x: tf.size(tf.where(x < 0)), 1),
    "range": (lambda x: tf.range(tf.size(tf.boolean_mask(x, x > 0))), [0, 1]),
    "zeros": (lambda x: tf.zeros_like(tf.boolean_mask(x, x > 0)), [0.0, 0.0]),
    "both": (lambda x: tf.boolean_mask(x, x > 0) * tf.range(tf.size(tf.where(x > 0)), dtype=tf.float32), [0.0, 3.0]),
    "in a branch": (
        lambda x: tf.cond(x[0] > 0, lambda: tf.size(tf.boolean_mask(x, x > 0)), lambda: tf.constant(7)),
        2,
    ),
    "of unique": (lambda x: tf.ones([tf.size(tf.unique(tf.cast(x > 0, tf.int32))[0])]), [1.0, 1.0]),
}


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("name", list(_PROGRAMS))
def test_sizes_of_results_that_are_not_used_otherwise(name: str, backend: str) -> None:
    program, expected = _PROGRAMS[name]
    np.testing.assert_array_equal(tf.function(program, backend=backend)(tf.constant(_X)), expected)


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_the_shape_of_a_range_whose_length_is_data(backend: str) -> None:
    count = tf.function(lambda n: tf.shape(tf.range(n)), backend=backend)
    assert count(tf.constant(3)).numpy().tolist() == [3]
    assert count(tf.constant(5)).numpy().tolist() == [5]


_SLICES: list[Callable[[Any, Any], Any]] = [
    lambda x, i: x[i : i + 2],
    lambda x, i: x[..., :i],
    lambda x, i: x[:, -i:],
    lambda x, i: x[i:, i],
    lambda x, i: x[i::-1],
    lambda x, i: x[: i - 3 : -1, 1 : i * 2],
    lambda x, i: x[i * 100 :],
    lambda x, i: x[-100 * i : 100 * i, None, i::2],
    lambda x, i: x[3:i],
]


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("number", range(len(_SLICES)))
def test_slices_whose_bounds_are_tensors(number: int, backend: str) -> None:
    x = np.arange(60, dtype=np.float32).reshape(3, 4, 5)

    def gradient(x: Any, i: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = _SLICES[number](x, i)
            total = tf.reduce_sum(y * y)
        return y, tape.gradient(total, x)

    traced = tf.function(gradient, backend=backend)
    for i in (1, 2):
        found, by_x = traced(tf.constant(x), tf.constant(i))
        expected = _SLICES[number](x, i)
        np.testing.assert_array_equal(found, expected)
        slope = np.zeros_like(x)
        _SLICES[number](slope, i)[...] = 2 * expected
        np.testing.assert_array_equal(by_x, slope)


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_elements_along_a_range_that_runs_downwards(backend: str) -> None:
    x = tf.constant([5.0, 6.0, 7.0, 8.0])
    sliced = tf.function(lambda x, i: x[i::-1], backend=backend)
    gathered = tf.function(lambda x, i: tf.gather(x, tf.range(i, -1, -2)), backend=backend)
    assert sliced(x, tf.constant(2)).numpy().tolist() == [7.0, 6.0, 5.0]
    assert gathered(x, tf.constant(3)).numpy().tolist() == [8.0, 6.0]


def test_a_slice_step_that_is_data_is_explained() -> None:
    with pytest.raises(ArgumentError, match=r"write tf\.gather\(x, tf\.range"):
        tf.function(lambda x, i: x[::i])(tf.ones([3]), tf.constant(1))


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_the_size_of_a_loop_variable_is_that_of_the_round(backend: str) -> None:
    @tf.function(backend=backend)
    def collected(n: Any) -> Any:
        squares = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
        for i in tf.range(n):
            squares = squares.write(i, i * i)
        return squares.stack()

    @tf.function(backend=backend)
    def doubled(x: Any) -> Any:
        sizes = tf.constant(0)
        while tf.size(x) < 20:
            x = tf.concat([x, x], 0)
            sizes = sizes * 100 + tf.size(x)
        return tf.size(x), sizes, tf.zeros_like(x)

    for n in (5, 1, 0):
        assert collected(tf.constant(n)).numpy().tolist() == [i * i for i in range(n)]
    size, sizes, zeros = doubled(tf.ones([5]))
    assert (int(size), int(sizes), zeros.shape) == (20, 1020, (20,))


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_results_may_have_another_size_at_every_call(backend: str) -> None:
    total = tf.Variable(0)

    @tf.function(backend=backend)
    def positive(x: Any) -> Any:
        found = tf.boolean_mask(x, x > 0)
        total.assign_add(tf.size(found))
        return found

    kept = [positive(tf.constant(x)) for x in ([1, 2, -1], [3, -1, -1], [4, 5, 6], [-1, -1, -1], [7, 8, -1])]
    assert [y.numpy().tolist() for y in kept] == [[1, 2], [3], [4, 5, 6], [], [7, 8]]
    assert total.numpy() == 8
