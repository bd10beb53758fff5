"""StatelessScope and stateless calls: values for a while, gradients to them, nothing left behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import Variable
from graphc.keras.layers import BatchNormalization, Dense, Dropout, Layer
from graphc.keras.models import Sequential
from graphc.keras.random import SeedGenerator
from graphc.keras.stateless_scope import StatelessScope
from graphc_ir.errors import ArgumentError, ShapeError


def test_values_hold_inside_the_block_only() -> None:
    a, b = Variable([1.0, 2.0]), Variable([0.0, 0.0])
    with StatelessScope([(a, [3.0, 4.0])]) as scope:
        b.assign(a + 1.0)
        b.assign_add([1.0, 1.0])
        assert b.numpy().tolist() == [5.0, 6.0]
        current = scope.get_current_value(b)
        assert current is not None
        assert current.numpy().tolist() == [5.0, 6.0]
    assert (a.numpy().tolist(), b.numpy().tolist()) == ([1.0, 2.0], [0.0, 0.0])
    after = scope.get_current_value(b)
    assert after is not None
    assert after.numpy().tolist() == [5.0, 6.0]
    assert scope.get_current_value(Variable(0.0)) is None


def test_scopes_nest_and_end_with_errors_too() -> None:
    v, seen = Variable(1.0), []

    def fail() -> None:
        with StatelessScope([(v, 2.0)]):
            with StatelessScope([(v, 3.0)]):
                seen.append(float(v))
            seen.append(float(v))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [*seen, float(v)] == [3.0, 2.0, 1.0]


def test_tapes_follow_the_given_values() -> None:
    v, value = Variable(1.0), tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(value)
        with StatelessScope([(v, value)]):
            y = v * v
    assert float(tape.gradient(y, value)) == 6.0


def test_it_is_traced_like_anything_else() -> None:
    v = Variable(1.0)

    @tf.function
    def f(x: Any) -> Any:
        with StatelessScope([(v, x)]) as scope:
            v.assign(v * 2.0)
        return scope.get_current_value(v), v + 0.0

    inside, outside = f(tf.constant(5.0))
    assert (float(inside), float(outside), float(v)) == (10.0, 1.0, 1.0)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ArgumentError, match="must be Variable objects, got 'v'"):
        StatelessScope([("v", 1.0)])
    with pytest.raises(ShapeError, match=r"got \(3,\) for .* of shape \(2,\)"):
        StatelessScope([(Variable([0.0, 0.0]), [1.0, 2.0, 3.0])])


class Noisy(Layer):
    """A layer with every kind of state: trainable, updated, random; and a loss."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = SeedGenerator(3)
        self.total = self.add_weight(name="total", shape=(), initializer="zeros", trainable=False)
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones", regularizer="l1")

    def call(self, x: Any) -> Any:
        self.add_loss(tf.reduce_sum(x))
        self.total.assign_add(tf.reduce_sum(x))
        return x * self.scale + tf.keras.random.normal((), seed=self.generator)


def test_a_stateless_call_gives_what_a_call_does() -> None:
    x = np.array([[1.0, 2.0]], np.float32)
    one, other = Noisy(), Noisy()
    expected = one(x)
    other.build(None)
    trainable, state = other.trainable_variables, [v.read_value() for v in other.non_trainable_variables]
    outputs, updated, losses = other.stateless_call(trainable, state, x, return_losses=True)
    assert np.array_equal(outputs, expected)
    assert [np.asarray(v).tolist() for v in updated] == [v.numpy().tolist() for v in one.non_trainable_variables]
    assert [float(loss) for loss in losses] == [3.0, float(one.losses[1])]
    assert float(other.total) == 0.0
    assert other.losses[:-1] == []


def test_gradients_of_a_stateless_call() -> None:
    model = Sequential([Dense(2), BatchNormalization(), Dropout(0.5, seed=1)])
    x = np.ones((3, 4), np.float32)
    model(x)
    values = [tf.constant(v.numpy()) for v in model.trainable_variables]
    state = [v.numpy() for v in model.non_trainable_variables]
    with tf.GradientTape() as tape:
        for value in values:
            tape.watch(value)
        y, updated = model.stateless_call(values, state, x, training=True)
        loss = tf.reduce_sum(y * y)
    gradients = tape.gradient(loss, values)
    assert [g.shape for g in gradients] == [v.shape for v in values]
    assert not np.array_equal(updated[0], state[0])
    assert all(np.array_equal(v.numpy(), s) for v, s in zip(model.non_trainable_variables, state, strict=True))


def test_a_stateless_call_needs_its_values() -> None:
    with pytest.raises(ArgumentError, match="must be built before stateless_call"):
        Dense(1).stateless_call([], [], np.ones((1, 1)))
    layer = Dense(1)
    layer.build((None, 2))
    with pytest.raises(ArgumentError, match="got 0 trainable_variables, but the layer has 2"):
        layer.stateless_call([], [], np.ones((1, 2)))
