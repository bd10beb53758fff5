"""What saving keeps: shared and aliased objects, layers to skip, names of files, pickles, Keras 2 weights."""

from __future__ import annotations

import copy
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras.layers import Dense, Dropout, Input, Layer
from graphc.keras.models import Model, Sequential
from graphc.keras.saving import ModelFileError, load_model, register_keras_serializable
from graphc.keras.saving.state import places
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object, sharing_objects
from graphc_ir.errors import ArgumentError

X = np.ones((3, 2), np.float32)


def _equal(weights: Any, others: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))


def _stack(*units: int) -> Sequential:
    return Sequential([Input((2,)), *(Dense(n) for n in units)])


@register_keras_serializable("saving")
class Holding(Layer):
    """Calls a layer that somebody else made."""

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer

    def call(self, x: Any) -> Any:
        return self.layer(x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**{**config, "layer": deserialize_keras_object(config["layer"])})


# --- shared objects ----------------------------------------------------------------------------------------------


def test_a_shared_layer_stays_one(tmp_path: Path) -> None:
    dense = Dense(2)
    x = Input((2,))
    model = Model(x, [dense(x), Holding(dense)(x)])
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    assert again.layers[1] is again.layers[2].layer
    assert len(again.weights) == 2
    assert _equal(model.get_weights(), again.get_weights())


def test_only_shared_objects_are_numbered(tmp_path: Path) -> None:
    dense = Dense(2, name="d")
    Sequential([Input((2,)), Holding(dense), Holding(dense), Dense(1)]).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        layers = json.loads(file.read("config.json"))["config"]["layers"]
    numbers = [layer["config"].get("layer", {}).get("shared_object_id") for layer in layers]
    assert numbers[0] is numbers[3] is None
    assert numbers[1] == numbers[2] is not None
    assert "shared_object_id" not in layers[3]


def test_sharing_ends_with_its_block() -> None:
    dense = Dense(1)
    with sharing_objects():
        one, other = (serialize_keras_object(dense) for _ in range(2))
        assert deserialize_keras_object(one) is deserialize_keras_object(other)
    assert deserialize_keras_object(one) is not deserialize_keras_object(other)
    assert "shared_object_id" not in serialize_keras_object(dense)


# --- where things stand ------------------------------------------------------------------------------------------


def test_containers_that_hold_themselves() -> None:
    class Looped(Model):
        def __init__(self) -> None:
            super().__init__()
            self.blocks: list[Any] = []
            self.blocks.append(self.blocks)
            self.out = Dense(2)

        def call(self, x: Any) -> Any:
            return self.out(x)

    model = Looped()
    model(X)
    assert [path for path, _ in places(model)] == ["", "layers/dense"]
    assert len(model.weights) == 2


def test_an_attribute_of_another_name_is_found_by_its_alias(tmp_path: Path) -> None:
    class Plain(Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(3)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    class Renamed(Model):
        def __init__(self) -> None:
            super().__init__()
            self.a_dense = Dense(3)

        @property
        def dense(self) -> Dense:
            return self.a_dense

        def call(self, x: Any) -> Any:
            return self.dense(x)

    old, new = Plain(), Renamed()
    old(X), new(X)
    old.save_weights(tmp_path / "w.weights.h5")
    new.load_weights(tmp_path / "w.weights.h5")
    assert _equal(old.get_weights(), new.get_weights())


def test_layers_can_be_skipped(tmp_path: Path) -> None:
    model, path = _stack(3, 1), tmp_path / "w.weights.h5"
    model.save_weights(path, objects_to_skip=[model.layers[0]])
    with h5py.File(path) as file:
        assert list(file["layers"]) == ["dense_1"]
    model.save_weights(path)
    other = _stack(3, 1)
    first = other.layers[0].get_weights()
    other.load_weights(path, objects_to_skip=[other.layers[0]])
    assert _equal(first, other.layers[0].get_weights())
    assert _equal(model.layers[1].get_weights(), other.layers[1].get_weights())


def test_new_layers_are_missed(tmp_path: Path) -> None:
    _stack(3).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ModelFileError, match=r"Dense 'dense.*' \(layers/dense_1\).* received 0 variables"):
        _stack(3, 3).load_weights(tmp_path / "w.weights.h5")


# --- names of files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("m.notkeras", {}, "Invalid filepath extension for saving"),
        ("m", {"save_format": "keras"}, "The `save_format` argument is deprecated"),
        ("m.keras", {"save_format": "tf"}, "The `save_format` argument is deprecated"),
        ("m.keras", {"zipped": False}, r"should not end in \.keras"),
        ("m.keras", {"signatures": None}, r"argument\(s\) are not supported: signatures"),
    ],
)
def test_names_and_arguments_that_do_not_fit(tmp_path: Path, name: str, options: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _stack(1).save(tmp_path / name, **options)


def test_a_format_may_be_said_again(tmp_path: Path) -> None:
    model = _stack(1)
    for name, save_format in (("m.h5", "h5"), ("m.keras", "keras")):
        model.save(tmp_path / name, save_format=save_format)
        assert _equal(model.get_weights(), load_model(tmp_path / name).get_weights())


def test_files_are_replaced_only_if_that_is_wanted(tmp_path: Path) -> None:
    model = _stack(1)
    model.save(tmp_path / "m.keras")
    with pytest.raises(ArgumentError, match="exists already; pass overwrite=True"):
        model.save(tmp_path / "m.keras", overwrite=False)


def test_models_without_weights_yet_are_refused(tmp_path: Path) -> None:
    model = Sequential([Dense(1)])
    with pytest.raises(ArgumentError, match="You are saving a model that has not yet been built"):
        model.save_weights(tmp_path / "w.weights.h5")
    _stack(1).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ArgumentError, match="You are loading weights into a model that has not yet been built"):
        model.load_weights(tmp_path / "w.weights.h5")


def test_models_that_were_never_called_are_saved_as_such(tmp_path: Path) -> None:
    Sequential([Dense(1)]).save(tmp_path / "m.keras")
    assert not load_model(tmp_path / "m.keras").built


def test_a_compile_of_ones_own_is_left_to_oneself(tmp_path: Path) -> None:
    @register_keras_serializable("saving")
    class Own(Sequential):
        def compile(self, *args: Any, **kwargs: Any) -> None:
            super().compile(*args, **kwargs)

    model = Own([Input((2,)), Dense(1)])
    model.compile("sgd", "mse")
    model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match=r"the model's `compile\(\)` method is custom"):
        assert not load_model(tmp_path / "m.keras").compiled


# --- Keras 2 -----------------------------------------------------------------------------------------------------


def test_keras_2_weights_go_by_order_or_by_name(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    model = Sequential([Input((2,)), Dense(2, name="a"), Dropout(0.5), Dense(2, name="b")])
    model.save(path)
    in_order = Sequential([Input((2,)), Dense(2, name="x"), Dense(2, name="y")])
    in_order.load_weights(path)
    assert _equal(model.get_weights(), in_order.get_weights())
    by_name = Sequential([Input((2,)), Dense(2, name="b"), Dense(2, name="new")])
    new = by_name.layers[1].get_weights()
    by_name.load_weights(path, by_name=True)
    assert _equal(model.layers[2].get_weights(), by_name.layers[0].get_weights())
    assert _equal(new, by_name.layers[1].get_weights())


def test_keras_2_weights_must_be_as_many(tmp_path: Path) -> None:
    _stack(1, 2).save(tmp_path / "m.h5")
    with pytest.raises(ModelFileError, match=r"the model has 1 layers with weights .* but the file has 2"):
        _stack(1).load_weights(tmp_path / "m.h5")


def test_optimizers_can_be_left_out_of_keras_2_files(tmp_path: Path) -> None:
    model = _stack(1)
    model.compile("adam", "mse")
    model.save(tmp_path / "with.h5")
    model.save(tmp_path / "without.h5", include_optimizer=False)
    assert load_model(tmp_path / "with.h5").compiled
    assert not load_model(tmp_path / "without.h5").compiled


@pytest.mark.parametrize(("name", "argument"), [("m.keras", "by_name"), ("m.h5", "objects_to_skip")])
def test_arguments_of_the_other_format(tmp_path: Path, name: str, argument: str) -> None:
    model = _stack(1)
    model.save(tmp_path / name)
    given: dict[str, Any] = {argument: [model.layers[0]]}
    with pytest.raises(ArgumentError, match=f"`{argument}` only supports loading"):
        model.load_weights(tmp_path / name, **given)


# --- pickles -----------------------------------------------------------------------------------------------------


class Doubled(Layer):
    """A class that is not registered."""

    def call(self, x: Any) -> Any:
        return 2.0 * x


def halved(x: Any) -> Any:
    return 0.5 * x


def test_pickles_and_copies_are_whole_models() -> None:
    model = Sequential([Input((2,)), Doubled(), Dense(3, activation=halved)])
    model.compile("adam", "mse")
    model.fit(X, np.ones((3, 3)), verbose=0)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert again is not model
        assert np.array_equal(again(X), model(X))
        assert int(again.optimizer.iterations) == 1
        assert type(again.layers[0]) is Doubled


def test_layers_are_pickled_too() -> None:
    layer = Dense(2)
    expected = layer(X)
    assert np.array_equal(pickle.loads(pickle.dumps(layer))(X), expected)


# --- functions ---------------------------------------------------------------------------------------------------


def test_registered_functions_are_found_without_their_package() -> None:
    @register_keras_serializable("saving")
    def cubed(x: Any) -> Any:
        return x**3

    for name in ("saving>cubed", "cubed"):
        config = {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
        assert deserialize_keras_object(config) is cubed


def test_classes_without_a_config_are_not_registered() -> None:
    with pytest.raises(ArgumentError, match=r"Cannot register a class that does not have a get_config\(\) method"):

        @register_keras_serializable()
        class Bare:
            pass


def test_a_scope_may_be_empty() -> None:
    with keras.saving.custom_object_scope(None):
        assert tf.is_tensor(Dense(1)(X))
