"""``keras.remat`` and ``RematScope``: the same results, with activations that are computed again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import layers
from graphc.keras.engine.rematerialization import current_remat_scope
from graphc.keras.engine.symbolic_scope import in_symbolic_scope
from graphc_ir.errors import ArgumentError
from graphc_ir.graph import Graph
from graphc_ir.ops.call import Call


def kept_calls(graph: Graph) -> int:
    return sum(isinstance(node.op, Call) and node.op.keep for node in graph.nodes())


class Block(layers.Layer):
    """Layers inside a layer: a mask in, losses out, random draws and moving averages."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = layers.Dense(6, activation="relu", activity_regularizer="l2")
        self.norm = layers.BatchNormalization()
        self.drop = layers.Dropout(0.4, seed=3)
        self.runs = 0

    def call(self, inputs: Any) -> Any:
        self.runs += 1
        return self.drop(self.norm(self.inner(inputs)))


class Masked(layers.Layer):
    def call(self, inputs: Any, mask: Any = None) -> Any:
        return layers.Masking()(inputs)


def trained(scope: keras.RematScope, eagerly: bool) -> list[Any]:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,))
    with scope:
        hidden = Block(name="block")(inputs)
        hidden = layers.Dense(6, activation="gelu", name="dense")(hidden)
        hidden = hidden * 2.0 + keras.ops.softmax(hidden)
    model = keras.Model(inputs, layers.Dense(1)(hidden))
    model.compile("adam", "mse", run_eagerly=eagerly)
    x = np.random.default_rng(0).normal(size=(24, 5)).astype("float32")
    losses = model.fit(x, x[:, :1], epochs=2, batch_size=8, verbose=0, shuffle=False).history["loss"]
    return [losses, *model.get_weights()]


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize(
    "scope",
    [
        keras.RematScope(),
        keras.RematScope("activations"),
        keras.RematScope("larger_than", output_size_threshold=5),
        keras.RematScope("list_of_layers", layer_names=["block"]),
    ],
    ids=lambda scope: str(scope.mode),
)
def test_training_gives_the_same_weights(scope: keras.RematScope, eagerly: bool) -> None:
    expected = trained(keras.RematScope(None), eagerly)
    for received, wanted in zip(trained(scope, eagerly), expected, strict=True):
        np.testing.assert_allclose(received, wanted, rtol=1e-5, atol=1e-6)


def gradient_graph(layer: Any) -> Graph:
    layer(tf.ones((2, 5)))

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x))
        return tape.gradient(loss, layer.trainable_variables)

    graph: Graph = tf.function(step).get_concrete_function(tf.TensorSpec((2, 5))).graph
    return graph


def test_each_mode_applies_to_its_layers() -> None:
    def kept(scope: keras.RematScope, **options: Any) -> int:
        with scope:
            layer = layers.Dense(3, **options)
        return kept_calls(gradient_graph(layer))

    assert kept(keras.RematScope(None)) == 0
    assert kept(keras.RematScope("full")) == 2  # one forward, one for the gradient
    assert kept(keras.RematScope("activations"), activation="relu") == 2
    assert kept(keras.RematScope("larger_than", output_size_threshold=5)) == 2
    assert kept(keras.RematScope("larger_than", output_size_threshold=6)) == 0
    assert kept(keras.RematScope("list_of_layers", layer_names=["a"]), name="a") == 2
    assert kept(keras.RematScope("list_of_layers", layer_names=["a"]), name="b") == 0


def test_the_scope_counts_when_the_layer_is_made() -> None:
    with keras.RematScope():
        inside = layers.Dense(2)
    outside = layers.Dense(2)
    with keras.RematScope():
        assert kept_calls(gradient_graph(outside)) == 0
    assert kept_calls(gradient_graph(inside)) == 2


def test_scopes_nest() -> None:
    scope = keras.RematScope()
    assert current_remat_scope() is None
    with scope, keras.RematScope("activations") as inner:
        assert current_remat_scope() is inner
        with scope:
            assert current_remat_scope() is scope
        assert current_remat_scope() is inner
    assert current_remat_scope() is None
    with pytest.raises(ArgumentError, match=r"Invalid mode 'none'; expected one of 'full', 'activations'"):
        keras.RematScope("none")


def test_the_second_run_is_told_what_the_first_was() -> None:
    with keras.RematScope():
        block = Block()
    x = tf.ones((4, 5))
    block(x)
    before = block.norm.moving_mean.numpy()
    runs = block.runs
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(block(x, training=True)) + block.losses[0]
    after = block.norm.moving_mean.numpy()
    assert tape.gradient(loss, block.inner.kernel) is not None
    assert block.runs == runs + 2
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(block.norm.moving_mean.numpy(), after)


@pytest.mark.parametrize("compiled", [False, True])
def test_losses_and_masks_come_out(compiled: bool) -> None:
    with keras.RematScope():
        block, masked = Block(), Masked()
    x = tf.constant([[[1.0, 2.0], [0.0, 0.0]]])

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = block(tf.ones((2, 5)))
            marked = masked(x)
        assert len(block.losses) == 1
        return y, block.losses[0], marked._keras_mask, tape.gradient(marked, x)

    _, loss, mask, gradient = (tf.function(step) if compiled else step)(x)
    assert float(loss) > 0
    np.testing.assert_array_equal(mask, [[True, False]])
    np.testing.assert_array_equal(gradient, [[[1.0, 1.0], [0.0, 0.0]]])


@pytest.mark.parametrize("compiled", [False, True])
def test_remat_of_functions_takes_any_arguments(compiled: bool) -> None:
    def scaled(x: Any, power: int, *, scale: Any, shift: float = 0.0) -> dict[str, Any]:
        return {"y": x**power * scale + shift, "power": power}

    x, scale = tf.constant([2.0, 3.0]), tf.constant([5.0, 7.0])

    def step(f: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([x, scale])
            result = f(x, 2, scale=scale, shift=1.0)
        return result["power"], result["y"], *tape.gradient(result["y"], [x, scale])

    def run(f: Any) -> Any:
        return (tf.function(lambda: step(f)) if compiled else lambda: step(f))()

    for received, wanted in zip(run(keras.remat(scaled)), run(scaled), strict=True):
        np.testing.assert_allclose(received, wanted)


def test_remat_without_gradients_is_the_function() -> None:
    layer = layers.ReLU()
    np.testing.assert_array_equal(keras.remat(layer)(np.array([-1.0, 2.0])), [0.0, 2.0])
    with pytest.raises(ArgumentError, match=r"must be a function, got int"):
        keras.remat(3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"was called on a KerasTensor; call it in a layer"):
        keras.remat(keras.ops.relu)(keras.Input((2,)))
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layers.Lambda(keras.remat(keras.ops.relu))(inputs))
    np.testing.assert_array_equal(model(np.array([[-1.0, 2.0]])), [[0.0, 2.0]])


def test_exports_have_no_trace_of_it(tmp_path: Path) -> None:
    with keras.RematScope():
        model = keras.Sequential([keras.Input((5,)), Block(), layers.Dense(2)])
    model.export(tmp_path / "model.onnx", verbose=False)
    session = ort.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    (name,) = [argument.name for argument in session.get_inputs()]
    np.testing.assert_allclose(session.run(None, {name: x})[0], model(x), rtol=1e-5, atol=1e-6)


def test_symbolic_scope_is_where_shapes_are_inferred() -> None:
    seen: list[bool] = []

    class Watching(layers.Layer):
        def call(self, inputs: Any) -> Any:
            seen.append(in_symbolic_scope())
            return inputs

    layer = Watching()
    layer(keras.Input((2,)))
    layer(tf.ones((1, 2)))
    with keras.SymbolicScope(), keras.SymbolicScope():
        layer(tf.ones((1, 2)))
    assert seen == [True, False, True]
    assert not in_symbolic_scope()
