"""Sequential models that are built later, losses of functional models, states as trees, configs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras.layers import Dense, Dropout, Input, Layer
from graphc.keras.models import Model, Sequential
from graphc_ir.errors import ArgumentError

X = np.ones((4, 2), np.float32)


# --- Sequential --------------------------------------------------------------------------------------------------


def test_a_first_call_tells_the_shapes(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential([Dense(3), Dense(1)])
    assert not hasattr(model, "input_shape")
    model(X)
    assert (model.input_shape, model.output_shape) == ((None, 2), (None, 1))
    model.summary()
    assert "(None, 3)" in capsys.readouterr().out
    assert model.get_config()["layers"][0]["class_name"] == "InputLayer"


def test_a_fit_tells_them_too() -> None:
    model = Sequential([Dense(3), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
    assert model.output_shape == (None, 1)


def test_images_of_other_sizes_are_no_problem() -> None:
    model = Sequential([keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D()])
    assert model(np.ones((1, 8, 8, 1))).shape == (1, 2)
    assert model(np.ones((1, 5, 9, 1))).shape == (1, 2)


def test_built_models_stay_built_when_layers_come_and_go() -> None:
    model = Sequential([Dense(3), Dense(1)])
    model(X)
    model.pop()
    assert model.built
    assert model.output_shape == (None, 3)
    model.add(Dense(5))
    assert model.output_shape == (None, 5)
    assert [w.shape for w in model.weights] == [(2, 3), (3,), (3, 5), (5,)]


def test_layers_that_need_values_run_all_the_same() -> None:
    class Counting(Layer):
        def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

        def call(self, x: Any) -> Any:
            return x + 1.0

    model = Sequential([Counting()])
    assert model(X).numpy()[0, 0] == 2.0


def test_sequential_errors() -> None:
    with pytest.raises(ArgumentError, match="has no layers"):
        Sequential()(X)
    model = Sequential([Input((2,)), Dense(1)])
    with pytest.raises(ArgumentError, match="has already been configured for inputs of shape"):
        model.build((None, 3))
    model.build((None, 2))
    with pytest.raises(AttributeError, match=r"Use `add\(\)` and `pop\(\)`"):
        model.layers = []

    class Two(Layer):
        def call(self, x: Any, y: Any) -> Any:
            return x

    with pytest.raises(ArgumentError, match="can only have a single required positional argument"):
        Sequential([Two()]).build((None, 2))


# --- functional inputs -------------------------------------------------------------------------------------------


def _sum(names: tuple[str, str]) -> Model:
    inputs = {name: Input((2,), name=name) for name in names}
    return Model(inputs, inputs[names[0]] + 2.0 * inputs[names[1]])


def test_a_list_for_named_inputs_goes_by_their_order_if_there_is_one() -> None:
    with pytest.warns(UserWarning, match="a dict with the keys .* but was given a list, which is taken in that order"):
        assert _sum(("a", "b"))([X, 2 * X]).numpy()[0, 0] == 5.0
    with pytest.raises(ArgumentError, match=r"The structure of `inputs` doesn't match.*whose order says nothing"):
        _sum(("b", "a"))([X, X])


def test_inputs_too_many_are_told_of() -> None:
    with pytest.warns(UserWarning, match=r"it uses \['a', 'b'\], but was given \['a', 'b', 'c'\]"):
        _sum(("a", "b"))({"a": X, "b": X, "c": X})


def test_only_optional_inputs_may_be_left_out() -> None:
    class Either(Layer):
        def call(self, x: Any, y: Any = None) -> Any:
            return x if y is None else x + y

    for optional in (True, False):
        x, y = Input((2,), name="x"), Input((2,), name="y", optional=optional)
        model = Model({"x": x, "y": y}, Either()(x, y))
        assert model({"x": X, "y": X}).numpy()[0, 0] == 2.0
        if optional:
            assert model({"x": X, "y": None}).numpy()[0, 0] == 1.0
        else:
            with pytest.raises(ArgumentError, match=r"input 'y' of model .* is None, but it is not optional"):
                model({"x": X, "y": None})


def test_the_batch_size_of_an_input_is_no_limit() -> None:
    x = Input((2,), batch_size=3)
    assert Model(x, Dense(1)(x))(X).shape == (4, 1)


@pytest.mark.parametrize("container", [list, tuple])
def test_configs_keep_containers(container: Any) -> None:
    x = Input((2,))
    model = Model(x, container([Dense(1)(x), Dense(2)(x)]))
    assert type(Model.from_config(model.get_config())(X)) is container


def test_configs_find_the_classes_they_are_given() -> None:
    class Mine(Layer):
        def call(self, x: Any) -> Any:
            return x

    x = Input((2,))
    for model in (Model(x, Mine()(x)), Sequential([x, Mine()])):
        again = type(model).from_config(model.get_config(), custom_objects={"Mine": Mine})
        assert type(again.layers[-1]) is Mine


def test_saved_graphs_that_do_not_hold_together() -> None:
    x = Input((2,))
    config = Model(x, Dense(1, name="b")(Dense(1, name="a")(x))).get_config()
    broken = {**config, "layers": [layer for layer in config["layers"] if layer["name"] != "a"]}
    with pytest.raises(ArgumentError, match="Missing node: a"):
        Model.from_config(broken)


# --- losses of functional models ---------------------------------------------------------------------------------


def _with_loss() -> Model:
    x = Input((2,))
    hidden = Dense(3, kernel_initializer="ones")(x)
    model = Model(x, Dense(1, kernel_initializer="ones")(hidden))
    model.add_loss(0.5 * tf.reduce_mean(tf.square(hidden)))
    return model


@pytest.mark.parametrize("eagerly", [True, False])
def test_losses_of_symbolic_tensors_are_trained(eagerly: bool) -> None:
    model = _with_loss()
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=eagerly)
    assert model.evaluate(X, 0 * X[:, :1], verbose=0) == pytest.approx(36.0 + 2.0)
    model(X)
    assert [float(loss) for loss in model.losses] == [2.0]
    model.compile(keras.optimizers.SGD(0.01), run_eagerly=eagerly)
    history = model.fit(X, epochs=3, verbose=0).history["loss"]
    assert history[0] > history[1] > history[2]


def test_losses_may_be_added_to_a_compiled_model() -> None:
    model = _with_loss()
    model.compile("sgd", "mse")
    before = model.evaluate(X, 0 * X[:, :1], verbose=0)
    model.add_loss(tf.reduce_sum(model.output) * 0.0 + 1.0)
    assert model.evaluate(X, 0 * X[:, :1], verbose=0) == pytest.approx(before + 1.0)


def test_layers_of_a_loss_alone_belong_to_the_model() -> None:
    x = Input((2,))
    model = Model(x, Dense(1)(x))
    model.add_loss(tf.reduce_sum(Dense(5)(x)))
    assert len(model.weights) == 4


def test_a_subclassed_model_has_no_symbolic_losses() -> None:
    class Own(Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(ArgumentError, match="is not made of KerasTensors, so add_loss cannot use one"):
        Own().add_loss(Input((2,)))


def test_a_loss_added_in_a_call_makes_no_layer_of_the_model() -> None:
    model = _with_loss()
    model(X)
    assert model not in model.layers


# --- states ------------------------------------------------------------------------------------------------------


def test_states_are_trees_of_paths() -> None:
    model = Sequential([Input((2,)), Dense(1, name="d"), Dropout(0.5, seed=1, name="drop")], name="net")
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
    tree = model.get_state_tree("numpy_array")
    assert np.array_equal(tree["trainable_variables"]["net"]["d"]["kernel"], model.layers[0].kernel.numpy())
    assert set(tree["optimizer_variables"][model.optimizer.name]) >= {"iteration", "learning_rate"}
    assert set(tree["metrics_variables"]["loss"]) == {"total", "count"}
    assert len(tree["non_trainable_variables"]) == 1
    assert tf.is_tensor(model.get_state_tree()["trainable_variables"]["net"]["d"]["bias"])
    other = Sequential([Input((2,)), Dense(1, name="d")], name="net")
    other.compile("sgd", "mse")
    other.set_state_tree({"trainable_variables": tree["trainable_variables"],
                          "optimizer_variables": {other.optimizer.name: {"learning_rate": 0.5}}})  # fmt: skip
    assert np.array_equal(other.get_weights()[0], model.get_weights()[0])
    assert float(other.optimizer.learning_rate) == 0.5


def test_states_that_do_not_fit_change_nothing() -> None:
    model = Sequential([Input((2,)), Dense(1, name="d", kernel_initializer="ones")], name="net")
    values = {"net": {"d": {"kernel": np.zeros((2, 1)), "missing": 0.0}}}
    with pytest.raises(ArgumentError, match=r"the model has no variables \['net/d/missing'\]"):
        model.set_state_tree({"trainable_variables": values})
    with pytest.raises(ArgumentError, match=r"unknown groups \['weights'\]"):
        model.set_state_tree({"weights": {}})
    with pytest.raises(ArgumentError, match="value_format must be one of backend_tensor, numpy_array, got 'list'"):
        model.get_state_tree("list")
    assert model.get_weights()[0].tolist() == [[1.0], [1.0]]


def test_two_variables_of_one_path_are_no_tree() -> None:
    class Twice(Model):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = Dense(2, name="same"), Dense(2, name="same")

        def call(self, x: Any) -> Any:
            return self.two(self.one(x))

    model = Twice()
    model(X)
    with pytest.raises(ArgumentError, match="The following variable path is found twice in the model"):
        model.get_state_tree()


def test_models_know_their_operations() -> None:
    x = Input((2,))
    model = Model(x, 2.0 * Dense(1)(x))
    assert [type(op).__name__ for op in model.operations] == ["InputLayer", "Dense", "FunctionOperation"]
    with pytest.raises(AttributeError, match=r"`Model\.layers` attribute is reserved"):
        model.layers = []


@pytest.mark.parametrize("way", ["call", "build", "symbolic"])
def test_paths_in_subclassed_models_have_the_name_once(way: str) -> None:
    class Two(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="two")
            self.dense = keras.layers.Dense(1, name="d")
            self.inner = keras.Sequential([keras.layers.Dense(1, name="e")], name="inner")

        def call(self, x: Any) -> Any:
            return self.inner(self.dense(x))

    model = Two()
    if way == "build":
        model.build((None, 3))
    else:
        model(np.ones((2, 3)) if way == "call" else keras.Input((3,)))
    paths = [w.path for w in model.weights]
    assert paths == ["two/d/kernel", "two/d/bias", "two/inner/e/kernel", "two/inner/e/bias"]
