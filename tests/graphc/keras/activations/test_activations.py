"""Activations: values as Keras 3.15.1 gives them, gradients, names."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import activations
from graphc.keras.layers import Dense, Input
from graphc.keras.models import Model
from graphc.keras.serialization import SafeModeError
from graphc_ir.errors import ArgumentError, ShapeError

X = [[-3.0, -0.6, 0.0, 0.25, 1.0, 7.0]]

CASES: list[tuple[str, dict[str, Any], list[float]]] = [
    ("relu", {}, [0.0, 0.0, 0.0, 0.25, 1.0, 7.0]),
    ("relu", {"negative_slope": 0.1}, [-0.3, -0.06, 0.0, 0.25, 1.0, 7.0]),
    ("relu", {"max_value": 0.5}, [0.0, 0.0, 0.0, 0.25, 0.5, 0.5]),
    ("relu", {"threshold": 0.5}, [0.0, 0.0, 0.0, 0.0, 1.0, 7.0]),
    ("relu", {"negative_slope": 0.1, "max_value": 6, "threshold": 0.5}, [-0.35, -0.11, -0.05, -0.025, 1.0, 6.0]),
    ("relu6", {}, [0.0, 0.0, 0.0, 0.25, 1.0, 6.0]),
    ("leaky_relu", {}, [-0.6, -0.12, 0.0, 0.25, 1.0, 7.0]),
    ("leaky_relu", {"negative_slope": 0.01}, [-0.03, -0.006, 0.0, 0.25, 1.0, 7.0]),
    ("elu", {}, [-0.950213, -0.451188, 0.0, 0.25, 1.0, 7.0]),
    ("elu", {"alpha": 2.0}, [-1.900426, -0.902377, 0.0, 0.25, 1.0, 7.0]),
    ("selu", {}, [-1.670569, -0.793234, 0.0, 0.262675, 1.050701, 7.354907]),
    ("celu", {"alpha": 2.0}, [-1.55374, -0.518364, 0.0, 0.25, 1.0, 7.0]),
    ("gelu", {}, [-0.00405, -0.164552, 0.0, 0.149677, 0.841345, 7.0]),
    ("gelu", {"approximate": True}, [-0.003637, -0.164585, 0.0, 0.149675, 0.841192, 7.0]),
    ("silu", {}, [-0.142278, -0.212606, 0.0, 0.140544, 0.731059, 6.993623]),
    ("mish", {}, [-0.145647, -0.246936, 0.0, 0.169572, 0.865098, 6.999989]),
    ("sigmoid", {}, [0.047426, 0.354344, 0.5, 0.562177, 0.731059, 0.999089]),
    ("hard_sigmoid", {}, [0.0, 0.4, 0.5, 0.541667, 0.666667, 1.0]),
    ("hard_silu", {}, [-0.0, -0.24, 0.0, 0.135417, 0.666667, 7.0]),
    ("hard_tanh", {}, [-1.0, -0.6, 0.0, 0.25, 1.0, 1.0]),
    ("log_sigmoid", {}, [-3.048587, -1.037488, -0.693147, -0.575939, -0.313262, -0.000911]),
    ("tanh", {}, [-0.995055, -0.53705, 0.0, 0.244919, 0.761594, 0.999998]),
    ("tanh_shrink", {}, [-2.004945, -0.06295, 0.0, 0.005081, 0.238406, 6.000002]),
    ("softplus", {}, [0.048587, 0.437488, 0.693147, 0.825939, 1.313262, 7.000912]),
    ("softsign", {}, [-0.75, -0.375, 0.0, 0.2, 0.5, 0.875]),
    ("exponential", {}, [0.049787, 0.548812, 1.0, 1.284025, 2.718282, 1096.633179]),
    ("squareplus", {}, [0.302776, 0.744031, 1.0, 1.132782, 1.618034, 7.140055]),
    ("squareplus", {"b": 1}, [0.081139, 0.283095, 0.5, 0.640388, 1.207107, 7.035534]),
    ("glu", {}, [-1.68653, -0.438635, 0.0]),
    ("hard_shrink", {}, [-3.0, -0.6, 0.0, 0.0, 1.0, 7.0]),
    ("hard_shrink", {"threshold": 2.0}, [-3.0, 0.0, 0.0, 0.0, 0.0, 7.0]),
    ("soft_shrink", {}, [-2.5, -0.1, 0.0, 0.0, 0.5, 6.5]),
    ("threshold", {"threshold": 0.2, "default_value": 9.0}, [9.0, 9.0, 9.0, 0.25, 1.0, 7.0]),
    ("sparse_plus", {}, [0.0, 0.04, 0.25, 0.390625, 1.0, 7.0]),
    ("sparse_sigmoid", {}, [0.0, 0.2, 0.5, 0.625, 1.0, 1.0]),
    ("softmax", {}, [4.5e-05, 0.000498, 0.000907, 0.001165, 0.002466, 0.994919]),
    ("log_softmax", {}, [-10.005095, -7.605094, -7.005095, -6.755095, -6.005095, -0.005094]),
    ("sparsemax", {}, [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]),

]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "expected"), CASES)
def test_values(name: str, options: dict[str, Any], expected: list[float]) -> None:
    found = getattr(activations, name)(X, **options)
    np.testing.assert_allclose(found[0], expected, rtol=1e-5, atol=2e-6)


def test_every_activation_has_a_case() -> None:
    names = set(activations.__all__) - {"deserialize", "get", "serialize"}
    assert names - {name for name, *_ in CASES} == {"hard_swish", "linear", "swish"}


@pytest.mark.parametrize(("name", "options", "expected"), [c for c in CASES if c[0] != "sparsemax"])
def test_gradients_match_finite_differences(name: str, options: dict[str, Any], expected: list[float]) -> None:
    start = np.array([[-2.9, -0.7, 0.1, 0.3, 1.1, 5.0]])
    function = getattr(activations, name)
    x = tf.constant(start)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(tf.square(function(x, **options)))
    steps = 1e-6 * np.eye(6)[:, None, :]
    numeric = [_total(function, start + s, options) - _total(function, start - s, options) for s in steps]
    np.testing.assert_allclose(tape.gradient(total, x)[0], np.array(numeric) / 2e-6, rtol=1e-4, atol=1e-6)


def _total(function: Any, x: Any, options: dict[str, Any]) -> float:
    return float(tf.reduce_sum(tf.square(function(tf.constant(x), **options))))


def test_distributions_over_several_axes() -> None:
    x = [[1.0, 2.0], [3.0, 4.0]]
    both = [[0.032059, 0.087144], [0.236883, 0.643914]]
    np.testing.assert_allclose(activations.softmax(x, axis=(0, 1)), both, atol=1e-6)
    np.testing.assert_allclose(activations.log_softmax(x, axis=[-1, -2]), np.log(both), atol=1e-4)
    np.testing.assert_allclose(activations.softmax(x, axis=0), activations.softmax(np.array(x).T).numpy().T, rtol=1e-6)


def test_sparsemax_shifts_as_keras_does() -> None:
    x = [[0.5, 0.3, -1.0], [0.2, 0.1, 0.15]]
    np.testing.assert_allclose(activations.sparsemax(x), [[0.35, 0.15, 0], [0.2, 0.1, 0.15]], atol=1e-6)
    np.testing.assert_allclose(activations.sparsemax(x, axis=0), [[0.4, 0.45, 0], [0.1, 0.25, 1]], atol=1e-6)


def test_relu_of_integers_and_aliases() -> None:
    assert activations.relu([-1, 2]).numpy().tolist() == [0, 2]
    assert activations.swish is activations.silu
    assert activations.hard_swish is activations.hard_silu


def test_gates_need_an_even_size() -> None:
    with pytest.raises(ShapeError, match="got size 3 along axis -1"):
        activations.glu([1.0, 2.0, 3.0])


def test_traced_and_on_keras_tensors() -> None:
    traced = tf.function(lambda x: activations.relu(x, max_value=1.0))(tf.constant([-1.0, 0.5, 3.0]))
    assert traced.numpy().tolist() == [0, 0.5, 1]
    assert activations.softmax(Input((3,))).shape == (None, 3)


# --- names -----------------------------------------------------------------------------------------------------------


def test_get() -> None:
    assert activations.get(None) is activations.linear
    assert activations.get("gelu") is activations.gelu
    assert activations.get("hard_swish") is activations.hard_silu
    assert activations.get(np.tanh) is np.tanh
    layer = Dense(1)
    assert activations.get(layer) is layer
    with pytest.raises(ArgumentError, match="did you mean 'relu'"):
        activations.get("rleu")
    with pytest.raises(ArgumentError, match="expected a name"):
        activations.get(3)


def test_serialize_gives_names() -> None:
    assert activations.serialize(activations.relu) == "relu"
    assert activations.serialize(activations.hard_swish) == "hard_silu"
    assert activations.serialize(tf.nn.relu) == "relu"
    assert activations.serialize(tf.nn.softmax) == "softmax"


def test_deserialize() -> None:
    assert activations.deserialize("tanh") is activations.tanh
    function = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}
    assert activations.deserialize(function) is activations.relu
    dense = activations.deserialize({"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}})
    assert isinstance(dense, Dense)


def test_own_functions() -> None:
    def double(x: Any) -> Any:
        return 2 * x

    config = activations.serialize(double)
    assert config["config"] == "double"
    assert activations.deserialize(config, {"double": double}) is double
    assert activations.deserialize("relu", {"relu": double}) is double
    with pytest.raises(ArgumentError, match="is not known here"):
        activations.deserialize(config)
    with warnings.catch_warnings(), pytest.raises(SafeModeError):
        activations.deserialize(activations.serialize(lambda x: x))


@pytest.mark.parametrize(
    ("name", "module", "class_name", "config"),
    [
        ("relu", "keras.src.activations.activations", "ReLU",
         {"negative_slope": 0.0, "max_value": None, "threshold": 0.0}),
        ("gelu", "keras.src.ops.nn", "Gelu", {"approximate": False}),
        ("tanh", "keras.src.ops.numpy", "Tanh", {}),
        ("exponential", "keras.src.ops.numpy", "Exp", {}),
        ("softmax", "keras.src.ops.nn", "Softmax", {"axis": -1}),
    ],
)  # fmt: skip
def test_models_record_an_activation_as_keras_does(
    name: str, module: str, class_name: str, config: dict[str, Any]
) -> None:
    x = Input((3,))
    model = Model(x, getattr(activations, name)(x))
    saved = model.get_config()["layers"][-1]
    assert (saved["module"], saved["class_name"]) == (module, class_name)
    assert {key: value for key, value in saved["config"].items() if key != "name"} == config
    data = tf.constant([[-1.0, 0.5, 2.0]])
    found = Model.from_config(model.get_config())(data)
    np.testing.assert_array_equal(found.numpy(), getattr(activations, name)(data).numpy())
