"""keras.backend: settings, and the functions of tf.keras.backend with the values that these gave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import Input, Model
from graphc.keras import backend as K
from graphc_ir.errors import ArgumentError, GradientError

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_every_name_is_there() -> None:
    assert len(set(K.__all__)) == len(K.__all__)
    assert [name for name in K.__all__ if not hasattr(K, name)] == []


def test_settings() -> None:
    assert K.backend() == "graphc"
    assert K.floatx() == "float32"
    assert K.result_type("int32", float) == "float32"
    assert K.is_float_dtype("bfloat16")
    assert not K.is_int_dtype("bool")
    assert K.is_int_dtype(np.uint8)
    assert K.get_uid("backend test") == 1
    assert K.get_uid("backend test") == 2
    assert K.is_keras_tensor(Input((1,)))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("mean(x, axis=1)", [1, 4]),
        ("argmax(x)", [2, 2]),
        ("batch_dot(ones((2, 3, 4)), ones((2, 4, 5)))", np.full((2, 3, 5), 4)),
        ("batch_dot(x, x)", [[5], [50]]),
        ("batch_dot(ones((2, 3, 4)), ones((2, 4)))", np.full((2, 3), 4)),
        ("batch_dot(ones((2, 3, 4)), ones((2, 5, 4)), axes=2)", np.full((2, 3, 5), 4)),
        ("batch_flatten(ones((2, 3, 4)))", np.ones((2, 12))),
        ("clip(x, None, 3)", np.minimum(X, 3)),
        ("concatenate([x, x])", np.concatenate([X, X], 1)),
        ("constant([1, 2])", [1, 2]),
        ("cumsum(x)", X.cumsum(0)),
        ("dot(x, transpose(x))", X @ X.T),
        ("expand_dims(x)", X[..., None]),
        ("gather(x, [1])", X[1:]),
        ("hard_sigmoid(x)", np.clip(X * 0.2 + 0.5, 0, 1)),
        ("in_top_k(x, [2, 1], 1)", [True, False]),
        ("l2_normalize(x, axis=1)", X / np.linalg.norm(X, axis=1, keepdims=True)),
        ("permute_dimensions(x, (1, 0))", X.T),
        ("relu(x, alpha=0.1, max_value=3, threshold=1)", [[-0.1, 0, 2], [3, 3, 3]]),
        ("repeat(x, 2)", np.repeat(X[:, None], 2, 1)),
        ("repeat_elements(x, 2, 1)", np.repeat(X, 2, 1)),
        ("resize_images(x[None, ..., None], 2, 1, 'channels_last')", np.repeat(X, 2, 0)[None, ..., None]),
        ("reverse(x, 1)", X[:, ::-1]),
        ("shape(x)", [2, 3]),
        ("spatial_2d_padding(x[None, ..., None])", np.pad(X, 1)[None, ..., None]),
        ("sqrt(x - 1)", np.sqrt(np.maximum(X - 1, 0))),
        ("switch(x > 2, x, x + 1)", np.where(X > 2, X, X + 1)),
        ("switch(constant(True, 'bool'), lambda: x, lambda: x + 1)", X),
        ("switch(constant([True, False], 'bool'), x, x + 1)", [[0, 1, 2], [4, 5, 6]]),
        ("temporal_padding(x[None])", np.pad(X, ((1, 1), (0, 0)))[None]),
        ("conv1d(x[..., None], ones((2, 1, 1)), padding='causal')", [[[0], [1], [3]], [[3], [7], [9]]]),
        ("conv2d(x[None, ..., None], ones((2, 2, 1, 1)))", [[[[8], [12]]]]),
        ("conv2d_transpose(x[None, ..., None], ones((1, 1, 1, 1)), (1, 2, 3, 1))", X[None, ..., None]),
        ("pool2d(x[None, ..., None], (2, 2), pool_mode='avg')", [[[[2], [3]]]]),
        ("bias_add(x, constant([1, 2, 3]))", X + np.array([1, 2, 3])),
        ("batch_normalization(x, 1.0, 4.0, 2.0, 3.0, epsilon=0)", (X - 1) / 2 * 3 + 2),
        ("arange(1, 4)", [1, 2, 3]),
        ("foldl(lambda a, b: a + b, x)", X.sum(0)),
        ("cast_to_floatx([1, 2])", [1, 2]),
    ],
)
def test_values(line: str, wanted: Any) -> None:
    names = {name: getattr(K, name) for name in K.__all__}
    found = eval(line, {**names, "x": tf.constant(X)})
    np.testing.assert_allclose(np.asarray(tf.convert_to_tensor(found)), wanted, rtol=1e-6)


def test_variables() -> None:
    v = K.variable([1.0, 2.0], name="v")
    K.update_add(v, [1.0, 1.0])
    K.moving_average_update(v, tf.constant([0.0, 0.0]), 0.5)
    np.testing.assert_array_equal(K.get_value(v), [1.0, 1.5])
    K.set_value(v, [3, 4])
    np.testing.assert_array_equal(K.eval(v * 2.0), [6.0, 8.0])
    w = K.zeros((2,))
    K.batch_set_value([(v, [0, 1]), (w, [2, 3])])
    np.testing.assert_array_equal(K.batch_get_value([v, w]), [[0, 1], [2, 3]])
    assert K.count_params(v) == 2
    assert K.int_shape(Input((3,))) == (None, 3)
    np.testing.assert_array_equal(K.get_value(K.eye(2)), np.eye(2))


def test_a_recurrence() -> None:
    def step(x: Any, states: Any) -> Any:
        total = x + states[0]
        return total * states[1], [total]

    ones = tf.ones((2, 3, 1))
    last, outputs, states = K.rnn(step, ones, [tf.zeros((2, 1))], constants=[tf.constant(2.0)])
    np.testing.assert_array_equal(last.numpy(), [[6], [6]])
    np.testing.assert_array_equal(outputs.numpy(), np.array([[2, 4, 6]] * 2)[..., None])
    np.testing.assert_array_equal(states[0].numpy(), [[3], [3]])
    mask = tf.constant([[True, False, True], [False, True, True]])
    last, outputs, _ = K.rnn(step, ones, [tf.zeros((2, 1))], mask=mask, constants=[tf.constant(1.0)])
    np.testing.assert_array_equal(outputs.numpy()[..., 0], [[1, 1, 2], [0, 1, 2]])
    ramp = tf.constant([[[1.0], [2.0], [3.0]]])
    last, outputs, _ = K.rnn(step, ramp, [tf.zeros((1, 1))], go_backwards=True, constants=[tf.constant(1.0)])
    np.testing.assert_array_equal(outputs.numpy()[..., 0], [[3, 5, 6]])
    assert float(last) == 6.0


def test_models_can_be_made_of_them() -> None:
    x = Input((3,))
    model = Model(x, K.sum(K.square(x), axis=-1, keepdims=True))
    np.testing.assert_allclose(model(X).numpy(), (X**2).sum(1, keepdims=True))


def test_errors() -> None:
    with pytest.raises(GradientError, match=r"tf\.GradientTape\(\)"):
        K.gradients(tf.constant(1.0), [])
    with pytest.raises(ArgumentError, match="expected 'max' or 'avg'"):
        K.pool2d(tf.ones((1, 2, 2, 1)), (2, 2), pool_mode="sum")
    with pytest.raises(ArgumentError, match="call the functions"):
        K.switch(tf.constant([True, False]), lambda: 1, lambda: 2)
