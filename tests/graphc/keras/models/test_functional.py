"""Functional models: graphs of calls, inputs in every structure, configs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras.layers import Dense, Input, Layer
from graphc.keras.models import Functional, Model, Sequential
from graphc_ir.errors import ArgumentError, ShapeError


def _two_in_two_out() -> Model:
    a, b = Input((4,), name="a"), Input((3,), name="b")
    shared = Dense(2, name="shared")
    left, right = shared(Dense(3, name="left")(a)), shared(b)
    return Model({"a": a, "b": b}, [left, Dense(1, name="out")(tf.concat([left, right], -1))], name="two")


def _data(rows: int = 2) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"a": rng.normal(size=(rows, 4)).astype("f"), "b": rng.normal(size=(rows, 3)).astype("f")}


def test_model_of_keras_tensors_is_functional() -> None:
    model = _two_in_two_out()
    assert isinstance(model, Functional)
    assert [x.name for x in model.layers] == ["a", "left", "b", "shared", "out"]
    assert [v.path for v in model.weights] == [
        "left/kernel", "left/bias", "shared/kernel", "shared/bias", "out/kernel", "out/bias",
    ]  # fmt: skip
    assert (model.input_names, model.output_names) == (["a", "b"], ["shared", "out"])
    assert model.output_shape == [(None, 2), (None, 1)]


def test_inputs_come_as_dict_list_or_tuple() -> None:
    model, data = _two_in_two_out(), _data()
    expected = [t.numpy() for t in model(data)]
    for given in ([data["a"], data["b"]], (tf.constant(data["a"]), data["b"]), {**data, "extra": data["a"]}):
        assert all(np.array_equal(e, g.numpy()) for e, g in zip(expected, model(given), strict=True))


def test_wrong_inputs_are_named() -> None:
    model, data = _two_in_two_out(), _data()
    with pytest.raises(ArgumentError, match=r"needs the inputs \['a', 'b'\].*missing: b"):
        model({"a": data["a"]})
    with pytest.raises(ArgumentError, match=r"expects 2 input\(s\), .* but it was given 1"):
        model([data["a"]])
    with pytest.raises(ShapeError, match=r"input 'b' of model 'two': expected shape=\(None, 3\), found shape=\(2, 4\)"):
        model([data["a"], data["a"]])


def test_a_missing_last_axis_of_size_one_is_added() -> None:
    x = Input((1,))
    model = Model(x, Dense(1, kernel_initializer="ones")(x))
    assert model(np.array([2.0, 3.0])).numpy().tolist() == [[2.0], [3.0]]


def test_integer_data_takes_the_dtype_of_the_input() -> None:
    x = Input((2,), dtype="float32")
    model = Model(x, Dense(1, kernel_initializer="ones")(x))
    assert model(np.array([[1, 2]], np.uint8)).numpy().tolist() == [[3.0]]


def test_config_round_trip_keeps_the_graph() -> None:
    model, data = _two_in_two_out(), _data()
    config = json.loads(json.dumps(model.get_config()))
    copy = Model.from_config(config)
    copy.set_weights(model.get_weights())
    assert [x.name for x in copy.layers] == [x.name for x in model.layers]
    for expected, got in zip(model(data), copy(data), strict=True):
        assert np.array_equal(expected.numpy(), got.numpy())


def test_nested_models_are_layers() -> None:
    x = Input((3,))
    encoder = Model(x, Dense(2, name="inner")(x), name="encoder")
    a, b = Input((3,), name="p"), Input((3,), name="q")
    siamese = Model([a, b], encoder(a) - encoder(b))
    data = np.ones((2, 3), np.float32)
    assert np.allclose(siamese([data, data]).numpy(), 0.0)
    assert [v.path for v in siamese.weights] == ["inner/kernel", "inner/bias"]
    copy = Model.from_config(json.loads(json.dumps(siamese.get_config())))
    copy.set_weights(siamese.get_weights())
    other = np.full((2, 3), 2.0, np.float32)
    assert np.array_equal(copy([data, other]).numpy(), siamese([data, other]).numpy())


def test_a_model_may_begin_inside_another() -> None:
    x = Input((3,))
    hidden = Dense(4, name="first")(x)
    y = Dense(2, name="second")(hidden)
    tail = Model(hidden, y)
    assert [v.path for v in tail.weights] == ["second/kernel", "second/bias"]
    head, whole = Model(x, hidden), Model(x, y)
    data = np.ones((2, 3), np.float32)
    assert np.allclose(tail(head(data)).numpy(), whole(data).numpy())


def test_tensorflow_functions_become_part_of_the_graph() -> None:
    x = Input((4, 2))
    rows = tf.shape(x)[0]
    y = tf.reshape(tf.transpose(x, [0, 2, 1]) * 2.0 + tf.zeros((rows, 2, 4)), (rows, 8))
    model = Model(x, y)
    data = np.arange(24, dtype="f").reshape(3, 4, 2)
    expected = data.transpose(0, 2, 1).reshape(3, 8) * 2
    assert np.array_equal(model(data).numpy(), expected)
    copy = Model.from_config(json.loads(json.dumps(model.get_config())))
    assert np.array_equal(copy(data[:1]).numpy(), expected[:1])
    traced = tf.function(lambda x: model(x))
    assert np.array_equal(traced(data).numpy(), expected)


def test_a_layer_that_asks_for_training_gets_it() -> None:
    class Doubling(Layer):
        def call(self, x: Any, training: bool | None = None) -> Any:
            return x * 2.0 if training else x

    x = Input((1,))
    model = Model(x, Doubling()(x))
    one = np.ones((1, 1), np.float32)
    assert float(model(one)[0, 0]) == 1.0
    assert float(model(one, training=True)[0, 0]) == 2.0


def test_graph_errors() -> None:
    x, y = Input((2,), name="x"), Input((2,), name="y")
    with pytest.raises(ArgumentError, match=r"not connected to `inputs`.* of 'y', which is not among the inputs"):
        Model(x, x + y)
    with pytest.raises(ArgumentError, match="the name 'same' is used 2 times"):
        Model(x, Dense(1, name="same")(Dense(2, name="same")(x)))
    with pytest.raises(ArgumentError, match=r"All `outputs` values must be KerasTensors, got .* of class Tensor"):
        Model(x, [x, tf.ones(2)])
    with pytest.raises(TypeError, match="stands for an input or a result of a model and has no value"):
        float(x)


def test_subclass_of_a_functional_model() -> None:
    class Scaled(Model):
        def __init__(self, units: int) -> None:
            x = Input((2,))
            super().__init__(inputs=x, outputs=Dense(units, kernel_initializer="ones")(x))
            self.units = units

    model = Scaled(3)
    assert model(np.ones((1, 2))).numpy().tolist() == [[2.0, 2.0, 2.0]]
    assert model.get_config()["units"] == 3


def test_get_layer() -> None:
    model = _two_in_two_out()
    assert model.get_layer("left").units == 3
    assert model.get_layer(index=-1).name == "out"
    with pytest.raises(ArgumentError, match="there is no layer 'nope'; the layers are a, left, b, shared, out"):
        model.get_layer("nope")


def test_sequential_is_built_by_its_first_call_or_by_an_input() -> None:
    lazy = Sequential([Dense(2), Dense(1)], name="lazy")
    assert lazy.weights == []
    lazy(np.ones((3, 4)))
    assert [v.path.partition("/")[0] for v in lazy.weights] == ["lazy"] * 4
    eager = Sequential([Input((4,)), Dense(2)])
    assert eager.output_shape == (None, 2)
    assert len(eager.layers) == 1
    old = Sequential([Dense(2, input_shape=(4,))])
    assert old.input_shape == (None, 4)


def test_sequential_add_pop_and_errors() -> None:
    model = Sequential()
    model.add(Input((4,)))
    model.add(Dense(3, name="d"))
    with pytest.raises(ArgumentError, match="'d' is in it already"):
        model.add(Dense(1, name="d"))
    with pytest.raises(ArgumentError, match=r"Only instances of keras.layers.Layer can be added .*, got .*Lambda"):
        model.add(tf.nn.relu)
    model.add(Dense(1))
    assert model.output_shape == (None, 1)
    model.pop()
    assert model.output_shape == (None, 3)


def test_sequential_config_round_trip() -> None:
    model = Sequential([Input((4,)), Dense(3, activation="relu"), Dense(1)], name="s")
    copy = Sequential.from_config(json.loads(json.dumps(model.get_config())))
    copy.set_weights(model.get_weights())
    x = np.ones((2, 4), np.float32)
    assert np.array_equal(model(x).numpy(), copy(x).numpy())


@pytest.mark.parametrize("outputs", [None, 4, [None]])
def test_outputs_that_are_no_tensors(outputs: Any) -> None:
    with pytest.raises(ArgumentError, match="All `outputs` values must be KerasTensors"):
        Model(Input((2,)), outputs)
    with pytest.raises(ArgumentError, match="All `outputs` values must be KerasTensors"):
        Model(inputs=Input((2,)), outputs=outputs)
