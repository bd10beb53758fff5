"""Dense, Embedding, EinsumDense, Lambda, Masking, Wrapper: values, masks, weights, configs, ONNX, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import layers
from graphc.keras.registry import CustomObjectScope, register_keras_serializable
from graphc.keras.serialization import SafeModeError, deserialize_keras_object, serialize_keras_object
from graphc_ir.errors import ArgumentError, GraphcError
from tests.graphc.keras.layers.checks import (
    check_config,
    check_export,
    check_gradients,
    check_open,
    config_of,
    counted,
    numbers,
    with_random_weights,
)

IDS = np.array([[1, 0], [2, 2]], np.int32)
TABLE = counted(3, 2)


# --- Dense -------------------------------------------------------------------------------------------------------


def test_dense() -> None:
    layer = with_random_weights(layers.Dense(3, activation="tanh"), numbers(2, 5, 4))
    kernel, bias = layer.get_weights()
    x = numbers(2, 5, 4, seed=6)
    np.testing.assert_allclose(layer(x).numpy(), np.tanh(x @ kernel + bias), 1e-4, 1e-5)
    check_config(layer)
    check_open(layer, x, (0, 1))
    check_gradients(layer, x)


def test_dense_config_as_keras_writes_it() -> None:
    assert list(config_of(layers.Dense(3))) == [
        "units", "activation", "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer",
        "bias_regularizer", "kernel_constraint", "bias_constraint", "quantization_config",
    ]  # fmt: skip
    with pytest.raises(ArgumentError, match="Dense got lora_rank, but graphc layers have neither"):
        layers.Dense(3, lora_rank=4)
    with pytest.raises(ArgumentError, match="Dense: units must be at least 1, got 0"):
        layers.Dense(0)


# --- Embedding ---------------------------------------------------------------------------------------------------


def test_embedding_looks_up_rows() -> None:
    layer = layers.Embedding(3, 2, weights=[TABLE])
    assert layer(IDS).numpy().tolist() == [[[2, 3], [0, 1]], [[4, 5], [4, 5]]]
    assert layer(IDS.astype(np.float32) + 0.5).numpy().tolist() == layer(IDS).numpy().tolist()
    assert layer.compute_output_shape((None, 7)) == (None, 7, 2)


def test_embedding_masks_zeros() -> None:
    layer = layers.Embedding(3, 2, mask_zero=True)
    assert layer(IDS)._keras_mask.numpy().tolist() == [[True, False], [True, True]]
    assert getattr(layers.Embedding(3, 2)(IDS), "_keras_mask", None) is None
    summed = layers.GlobalAveragePooling1D()(layers.Embedding(3, 2, weights=TABLE, mask_zero=True)(IDS))
    assert summed.numpy().tolist() == [[2, 3], [4, 5]]


def test_embedding_gradient_adds_up_rows() -> None:
    layer = layers.Embedding(3, 2, weights=TABLE)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(IDS))
    gradient = tf.convert_to_tensor(tape.gradient(total, layer.embeddings))
    assert gradient.numpy().tolist() == [[1, 1], [1, 1], [2, 2]]


def test_embedding_config_open_sizes_and_onnx() -> None:
    layer = layers.Embedding(3, 2, embeddings_regularizer="l2", mask_zero=True)
    assert list(config_of(layer)) == [
        "input_dim", "output_dim", "embeddings_initializer", "embeddings_regularizer", "activity_regularizer",
        "embeddings_constraint", "mask_zero", "quantization_config",
    ]  # fmt: skip
    check_config(layer)
    check_open(layer, IDS, (0, 1))
    assert check_export(layer, IDS, (0, 1)) == ["Gather"]


def test_large_ids_survive_16_bit_floats() -> None:
    layer = layers.Embedding(4099, 1, dtype="mixed_float16", weights=counted(4099, 1))
    assert layer.embeddings.dtype == "float32"
    result = layer(np.array([4097], np.int32))
    assert result.dtype == "float16"
    assert result.numpy()[0, 0] == np.float16(4097)


def test_embedding_errors() -> None:
    with pytest.raises(ArgumentError, match="input_dim must be at least 1"):
        layers.Embedding(0, 2)
    with pytest.raises(GraphcError, match="3"):
        layers.Embedding(3, 2)(np.array([3], np.int32))


def test_reversible_embedding() -> None:
    layer = layers.ReversibleEmbedding(3, 2, weights=TABLE)
    vectors = layer(IDS)
    np.testing.assert_allclose(layer(vectors, reverse=True).numpy(), vectors.numpy() @ TABLE.T, 1e-5)
    check_config(layer)
    untied = layers.ReversibleEmbedding(3, 2, tie_weights=False, logit_soft_cap=2.0)
    assert untied(numbers(4, 2), reverse=True).shape == (4, 3)
    assert {w.name: tuple(w.shape) for w in untied.weights} == {"embeddings": (3, 2), "reverse_embeddings": (2, 3)}
    assert np.abs(untied(1e3 * numbers(4, 2), reverse=True).numpy()).max() <= 2
    assert list(config_of(untied))[-3:] == ["tie_weights", "reverse_dtype", "logit_soft_cap"]


# --- EinsumDense -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "shape", "kernel", "bias"),
    [
        ("ab,bc->ac", 5, "c", (2, 3), (3, 5), (5,)),
        ("abc,cd->abd", (None, 5), "d", (2, 3, 4), (4, 5), (5,)),
        ("abc,cde->abde", (None, 5, 6), "de", (2, 3, 4), (4, 5, 6), (5, 6)),
        ("abc,cde->abde", (None, 5, 6), "d", (2, 3, 4), (4, 5, 6), (5, 1)),
        ("abcd,cde->abe", (None, 6), None, (2, 3, 4, 5), (4, 5, 6), None),
        ("...c,cd->...d", 5, "d", (2, 3, 4), (4, 5), (5,)),
        ("ab...,bc->ac...", 5, "c", (2, 3, 4), (3, 5), (5, 1)),
    ],
)
def test_einsum_dense(equation: str, output_shape: Any, bias_axes: Any, shape: Any, kernel: Any, bias: Any) -> None:
    x = numbers(*shape)
    layer = with_random_weights(layers.EinsumDense(equation, output_shape, bias_axes=bias_axes), x)
    values = layer.get_weights()
    assert values[0].shape == kernel
    assert (values[1].shape if bias_axes else None) == bias
    expected = np.einsum(equation, x, values[0]) + (values[1] if bias_axes else 0)
    np.testing.assert_allclose(layer(x).numpy(), expected, 1e-4, 1e-5)
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *expected.shape[1:])
    check_config(layer)
    check_open(layer, x)
    check_export(layer, x)


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "message"),
    [
        ("abc->ab", 4, None, "does not have the form 'X,Y->Z'"),
        ("...ab,bc->ac", 4, None, "does not have the form"),
        ("ab,bc->ac", 4, None, r"does not name the axes of inputs of shape"),
        ("abc,cd->abd", 4, None, r"must give a size \(or None\) for each of the axes 'bd'"),
        ("abc,cd->abd", (7, 4), None, "axis 'b' .* is 3 in the inputs but 7 in output_shape"),
        ("abc,cd->abd", (None, None), None, "the size of axis 'd' .* is not known"),
        ("abc,cd->abd", (None, 4), "z", "bias axis 'z' is no axis of the outputs 'abd'"),
    ],
)
def test_einsum_dense_errors(equation: str, output_shape: Any, bias_axes: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        layers.EinsumDense(equation, output_shape, bias_axes=bias_axes)(numbers(2, 3, 4))


@pytest.mark.parametrize(
    ("equation", "output_shape", "units"),
    [("abc,cde->abde", (None, 20, 20), 100), ("abcd,cde->abe", (None, 60), 6 * 25), ("...c,cd->...d", 400, 100)],
)
def test_the_kernel_of_an_einsum_starts_with_the_variance_of_a_dense_layer(
    equation: str, output_shape: Any, units: int
) -> None:
    layer = layers.EinsumDense(equation, output_shape, kernel_initializer=keras.initializers.LecunNormal(seed=3))
    layer.build((2, 3, 6, 25) if "abcd" in equation else (2, 3, 100))
    np.testing.assert_allclose(np.std(layer.kernel), units**-0.5, rtol=0.02)


def test_axes_that_an_initializer_was_told_to_count_stay() -> None:
    start = keras.initializers.LecunNormal(seed=3, input_axes=[2], output_axes=[0, 1])
    layer = layers.EinsumDense("abc,cde->abde", (None, 20, 20), kernel_initializer=start)
    layer.build((2, 3, 100))
    np.testing.assert_allclose(np.std(layer.kernel), 20**-0.5, rtol=0.02)
    assert layer.get_config()["kernel_initializer"]["config"]["input_axes"] == [2]


# --- Lambda ------------------------------------------------------------------------------------------------------


@register_keras_serializable("tests")
def scaled(x: Any, by: float = 2.0) -> Any:
    return x * by


def test_lambda_calls_the_function() -> None:
    x = counted(1, 2)
    assert layers.Lambda(lambda t: t + 1)(x).numpy().tolist() == [[1, 2]]
    assert layers.Lambda(scaled, arguments={"by": 3.0})(x).numpy().tolist() == [[0, 3]]
    check_open(layers.Lambda(scaled), x)


def test_lambda_passes_training_and_mask() -> None:
    seen: list[Any] = []

    def function(x: Any, mask: Any = None, training: Any = None) -> Any:
        seen.append((None if mask is None else mask.numpy().tolist(), training))
        return x

    layer = layers.Lambda(function)
    layer(layers.Masking()(np.array([[[1], [0]]], np.float32)), training=True)
    layer(counted(1, 2))
    assert seen == [([[True, False]], True), (None, None)]


def test_lambda_gives_masks() -> None:
    x = np.array([[[1], [0]]], np.float32)
    kept = layers.Lambda(lambda t: t * 1, mask=lambda inputs, mask: mask)(layers.Masking()(x))
    assert kept._keras_mask.numpy().tolist() == [[True, False]]
    made = layers.Lambda(lambda t: t * 1, mask=tf.constant([[False, True]]))(x)
    assert made._keras_mask.numpy().tolist() == [[False, True]]


def test_lambda_of_a_named_function_is_saved() -> None:
    layer = layers.Lambda(scaled, output_shape=(2,), arguments={"by": 3.0})
    assert list(config_of(layer)) == ["function", "output_shape", "arguments"]
    read = deserialize_keras_object(serialize_keras_object(layer))
    assert read.function is scaled
    assert read(counted(1, 2)).numpy().tolist() == [[0, 3]]


def test_a_lambda_is_written_but_never_read() -> None:
    record = serialize_keras_object(layers.Lambda(lambda x: x))
    assert record["config"]["function"]["class_name"] == "__lambda__"
    with pytest.raises(SafeModeError, match="does not execute"):
        deserialize_keras_object(record)


def test_lambda_in_a_functional_model() -> None:
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layers.Lambda(lambda t: tf.concat([t, t], -1))(inputs))
    assert model.output_shape == (None, 6)
    assert model(counted(1, 3)).numpy().tolist() == [[0, 1, 2, 0, 1, 2]]


def test_lambda_wants_a_function() -> None:
    with pytest.raises(ArgumentError, match="Lambda takes a function of its inputs, got 3"):
        layers.Lambda(3)  # type: ignore[arg-type]


# --- Masking, Wrapper --------------------------------------------------------------------------------------------


def test_masking() -> None:
    x = np.array([[[1, 2], [7, 7], [7, 0]]], np.float32)
    layer = layers.Masking(mask_value=7)
    result = layer(x)
    assert result.numpy().tolist() == [[[1, 2], [0, 0], [7, 0]]]
    assert result._keras_mask.numpy().tolist() == [[True, False, True]]
    check_config(layer)
    check_open(layer, x, (0, 1))
    check_export(layer, x)


def test_a_layer_without_masks_says_that_the_mask_ends() -> None:
    masked = layers.Masking()(np.array([[[1], [0]]], np.float32))
    with pytest.warns(UserWarning, match="does not support masking"):
        layers.Conv1D(1, 1)(masked)


class Twice(layers.Wrapper):
    def call(self, inputs: Any) -> Any:
        return self.layer(self.layer(inputs))


def test_wrapper() -> None:
    layer = Twice(layers.Dense(2, kernel_initializer="ones"))
    assert layer(np.array([[1, 2]], np.float32)).numpy().tolist() == [[6, 6]]
    assert [w.path for w in layer.weights] == [w.path for w in layer.layer.weights]
    with CustomObjectScope({"Twice": Twice}):
        read = Twice.from_config(layer.get_config())
    assert read.layer.units == 2
    assert list(config_of(layer)) == ["layer"]
    with pytest.raises(ArgumentError, match="wraps a layer, got 3"):
        layers.Wrapper(3)
