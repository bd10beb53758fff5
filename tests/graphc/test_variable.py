"""Variables."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import graphc as tf
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError


def test_printing_is_tensorflows() -> None:
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    expected = ("<tf.Variable 'Variable:0' shape=(2, 2) dtype=float32, numpy=\narray([[1., 2.],\n       [3., 4.]], "
                "dtype=float32)>")  # fmt: skip
    assert str(v) == repr(v) == expected
    assert repr(tf.Variable(3, name="n")) == "<tf.Variable 'n:0' shape=() dtype=int32, numpy=3>"


def test_assignments() -> None:
    v = tf.Variable([1.0, 2.0])
    assert v.assign([3.0, 4.0]) is v
    v.assign_add([1.0, 1.0])
    v.assign_sub(tf.constant([2.0, 0.0]))
    np.testing.assert_array_equal(v.numpy(), [2.0, 5.0])
    with pytest.raises(ShapeError, match=r"shape \(3,\) to Variable:0 of shape \(2,\)"):
        v.assign([1.0, 2.0, 3.0])
    with pytest.raises(DTypeError, match="cannot assign a float64 value to Variable:0 of dtype float32"):
        v.assign(tf.constant([1.0, 2.0], tf.float64))
    np.testing.assert_array_equal(v.numpy(), [2.0, 5.0])


def test_behaves_as_its_value() -> None:
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal((v + 1.0).numpy(), [[2.0, 3.0], [4.0, 5.0]])
    np.testing.assert_array_equal((2.0 / v).numpy(), 2.0 / v.numpy())
    np.testing.assert_array_equal(np.asarray(np.ones((2, 2), np.float32) @ v), [[4.0, 6.0], [4.0, 6.0]])
    np.testing.assert_array_equal(tf.square(v).numpy(), [[1.0, 4.0], [9.0, 16.0]])
    assert bool(v[0, 1] == 2.0)
    assert (v.shape, v.dtype, v.name, len(v), v.ndim) == ((2, 2), tf.float32, "Variable:0", 2, 2)
    np.testing.assert_array_equal(np.asarray(v), v.numpy())
    assert [row.shape for row in v] == [(2,), (2,)]
    assert {v: 1}[v] == 1
    assert int(tf.Variable(3)) == 3


def test_initial_values() -> None:
    array = np.array([1.0, 2.0], np.float32)
    v = tf.Variable(array)
    array[0] = 9.0
    assert float(v[0]) == 1.0
    assert tf.Variable(lambda: tf.ones((2,))).shape == (2,)
    assert tf.Variable(1, dtype="float64").dtype is tf.float64
    assert tf.Variable(tf.Variable(2.0)).numpy() == 2.0
    assert tf.Variable(1).trainable is False
    assert tf.Variable(1.0).trainable is True
    assert tf.Variable(1.0, trainable=False).trainable is False
    with pytest.raises(ArgumentError, match="needs an initial_value"):
        tf.Variable()
    with pytest.raises(DTypeError, match="float32, but dtype=float64"):
        tf.Variable(tf.ones(()), dtype="float64")
    with pytest.raises(ShapeError, match=r"shape \(2,\), but shape=\(3,\)"):
        tf.Variable([1.0, 2.0], shape=(3,))


def test_numpy_of_a_variable_does_not_follow_later_assignments() -> None:
    v = tf.Variable([1.0])
    before, tensor = v.numpy(), v.value()
    v.assign([2.0])
    assert before[0] == 1.0
    assert float(tensor[0]) == 1.0


def test_a_deep_copy_is_independent() -> None:
    v = tf.Variable([1.0], name="v", trainable=False)
    w = copy.deepcopy([v, v])
    w[0].assign([5.0])
    assert w[0] is w[1]
    assert (float(v[0]), float(w[1][0]), w[0].name, w[0].trainable) == (1.0, 5.0, "v:0", False)


def test_arrays_of_a_variable_can_be_read_and_replaced_without_tensors() -> None:
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        array = v.peek()
    assert tape.watched_variables() == ()
    v.put(array * 2)
    np.testing.assert_array_equal(v.numpy(), [2.0, 4.0])
    np.testing.assert_array_equal(array, [1.0, 2.0])
