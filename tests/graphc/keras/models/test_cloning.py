"""clone_model: which layers are new, which are shared, what is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc import keras
from graphc.keras.layers import Dense, Dropout, Input
from graphc.keras.models import Model, Sequential, clone_model
from graphc_ir.errors import ArgumentError

X = np.ones((2, 3), np.float32)


def _functional() -> Model:
    x = Input((3,), name="x")
    return Model(x, Dense(2, name="b")(Dense(4, name="a")(x)), name="f")


def _sequential() -> Sequential:
    return Sequential([Input((3,)), Dense(4, name="a"), Dense(2, name="b")], name="s")


def _nested() -> Model:
    x = Input((3,))
    return Model(x, Dense(1, name="top")(_functional()(x)))


class Own(Model):
    def __init__(self, units: int = 2) -> None:
        super().__init__()
        self.dense = Dense(units)

    def call(self, x: Any) -> Any:
        return self.dense(x)


@pytest.mark.parametrize("make", [_functional, _sequential, _nested, lambda: Own(3)])
def test_clones_have_weights_of_their_own(make: Any) -> None:
    model = make()
    model(X)
    clone = clone_model(model)
    clone(X)
    assert type(clone) is type(model)
    assert not {id(v) for v in model.weights} & {id(v) for v in clone.weights}
    clone.set_weights(model.get_weights())
    assert np.array_equal(clone(X), model(X))


def test_layers_may_be_shared() -> None:
    model = _functional()
    clone = clone_model(model, clone_function=lambda layer: layer)
    assert clone is not model
    assert [id(v) for v in clone.weights] == [id(v) for v in model.weights]


def test_calls_may_be_changed() -> None:
    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        result = layer(*args, **kwargs)
        return Dropout(0.5)(result) if layer.name == "a" else result

    clone = clone_model(_functional(), call_function=call)
    assert [type(layer).__name__ for layer in clone.layers] == ["InputLayer", "Dense", "Dropout", "Dense"]
    with pytest.raises(ArgumentError, match="call_function needs a functional model, got a Sequential one"):
        clone_model(_sequential(), call_function=call)


def test_nested_models_are_cloned_as_layers_or_layer_by_layer() -> None:
    seen: list[str] = []

    def copy(layer: Any) -> Any:
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    clone_model(_nested(), clone_function=copy)
    assert sorted(seen) == ["f", "top"]
    seen.clear()
    clone_model(_nested(), clone_function=copy, recursive=True)
    assert sorted(seen) == ["a", "b", "top"]


def test_clones_may_begin_elsewhere() -> None:
    y = Input((3,), name="y")
    for model in (_functional(), _sequential()):
        clone = clone_model(model, input_tensors=y)
        assert clone.inputs == [y]
    x = Input((3,))
    with pytest.raises(ArgumentError, match=r"must have the same structure as model\.input"):
        clone_model(Model({"p": x, "q": y}, x + y), input_tensors=(x, y))


@pytest.mark.parametrize("make", [_functional, _sequential, Own])
def test_clones_are_compiled_as_the_model_is(make: Any) -> None:
    model = make()
    model.compile(keras.optimizers.Adam(0.5), "mse", metrics=[keras.metrics.MeanAbsoluteError(name="m")])
    clone = clone_model(model)
    model.fit(X, np.ones((2, 2)), verbose=0)
    assert clone.compiled
    assert clone.optimizer is not model.optimizer
    assert float(clone.optimizer.learning_rate) == 0.5
    assert int(clone.optimizer.iterations) == 0
    assert set(clone.fit(X, np.ones((2, 2)), verbose=0).history) == {"loss", "m"}


def test_subclassed_models_cannot_follow_functions() -> None:
    with pytest.raises(ArgumentError, match="need a functional or Sequential model"):
        clone_model(Own(), clone_function=lambda layer: layer)
