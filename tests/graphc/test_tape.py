"""GradientTape: recording, gradients of any order, and its errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc_ir.errors import GradientError


def test_gradient_of_a_watched_tensor() -> None:
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), [2.0, 4.0, 6.0])


def test_gradient_inside_the_block() -> None:
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        g = tape.gradient(y, x)
    assert float(g) == 6.0


def test_variables_are_watched_by_themselves_unless_told_otherwise() -> None:
    w = tf.Variable(2.0)
    frozen = tf.Variable(2.0, trainable=False)
    with tf.GradientTape(persistent=True) as tape:
        y = w * w * frozen
    assert float(tape.gradient(y, w)) == 8.0
    assert tape.gradient(y, frozen) is None
    assert [v is w for v in tape.watched_variables()] == [True]
    with tf.GradientTape(watch_accessed_variables=False) as manual:
        manual.watch(frozen)
        y = w * frozen
    assert float(manual.gradient(y, frozen)) == 2.0


def test_gradients_add_up_over_all_reads_of_a_variable() -> None:
    w = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = w * 1.0
        w.assign(5.0)
        y = y + w * w
    assert float(tape.gradient(y, w)) == 11.0


def test_third_derivative_by_nesting() -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as third:
        third.watch(x)
        with tf.GradientTape() as second:
            second.watch(x)
            with tf.GradientTape() as first:
                first.watch(x)
                y = x * x * x * x
            dy = first.gradient(y, x)
        ddy = second.gradient(dy, x)
    assert float(dy) == 32.0
    assert float(ddy) == 48.0
    assert float(third.gradient(ddy, x)) == 48.0


def test_second_derivative_with_a_persistent_tape() -> None:
    x = tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x * x
        dy = tape.gradient(y, x)
    assert float(tape.gradient(dy, x)) == 18.0


def test_stop_recording_hides_ops() -> None:
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        with tape.stop_recording():
            hidden = x * x
        y = x * hidden
    assert float(tape.gradient(y, x)) == 9.0


def test_structures_of_targets_and_sources() -> None:
    a, b = tf.constant(2.0), tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch({"a": a, "b": b})
        p, q = a * b, a + b
    found = tape.gradient([p, q], {"a": a, "b": [b]})
    assert float(found["a"]) == 4.0
    assert float(found["b"][0]) == 3.0
    seeded = tape.gradient([p, q], a, output_gradients=[tf.constant(2.0), tf.constant(10.0)])
    assert float(seeded) == 16.0


def test_unconnected_gradients() -> None:
    a, b = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([a, b])
        y = a * 2.0
    assert tape.gradient(y, b) is None
    np.testing.assert_array_equal(tape.gradient(y, b, unconnected_gradients="zero").numpy(), [0.0, 0.0])


def test_jacobian_and_batch_jacobian() -> None:
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    np.testing.assert_array_equal(tape.jacobian(y, x).numpy(), np.diag([2.0, 4.0, 6.0]))
    batch = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    weights = tf.constant([[1.0, 1.0], [0.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(batch)
        y = tf.matmul(batch * batch, weights)
    expected = 2 * batch.numpy()[:, None, :] * weights.numpy().T[None]
    np.testing.assert_allclose(tape.batch_jacobian(y, batch).numpy(), expected)


def test_broadcast_operands_get_gradients_of_their_own_shape() -> None:
    w, b = tf.Variable(np.ones((3, 2), np.float32)), tf.Variable(np.ones(2, np.float32))
    x = tf.constant(np.ones((5, 3), np.float32))
    with tf.GradientTape() as tape:
        y = tf.matmul(x, w) + b
    gw, gb = tape.gradient(y, [w, b])
    np.testing.assert_array_equal(gw.numpy(), np.full((3, 2), 5.0))
    np.testing.assert_array_equal(gb.numpy(), [5.0, 5.0])


def test_a_tape_around_a_compiled_function() -> None:
    w = tf.Variable([1.0, 2.0])

    @tf.function
    def loss(x: tf.Tensor) -> Any:
        return tf.reduce_mean(x * w * w)

    x = tf.constant([3.0, 4.0])
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            value = loss(x)
        gw = tape.gradient(value, w)
    np.testing.assert_allclose(gw.numpy(), [3.0, 8.0])
    np.testing.assert_allclose(outer.gradient(value, x).numpy(), [0.5, 2.0])
    np.testing.assert_allclose(outer.gradient(gw, x).numpy(), [1.0, 2.0])


def test_a_used_tape_says_how_to_use_it_twice() -> None:
    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(GradientError, match="persistent=True"):
        tape.gradient(y, x)


def test_integer_targets_and_sources_are_refused() -> None:
    x, n = tf.constant(1.0), tf.constant(1)
    with tf.GradientTape() as tape, pytest.raises(GradientError, match="cannot watch a tensor of dtype int32"):
        tape.watch(n)
    with tf.GradientTape() as tape:
        tape.watch(x)
    with pytest.raises(GradientError, match="target of dtype int32"):
        tape.gradient(n, x)
    with pytest.raises(GradientError, match="must be tensors or Variables"):
        tape.gradient(x, 3.0)


def test_output_gradients_must_match_the_targets() -> None:
    x = tf.constant(1.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(GradientError, match="2 tensors for 1 targets"):
        tape.gradient(y, x, output_gradients=[x, x])
