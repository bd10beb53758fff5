"""Models as ONNX files: names, open sizes, equal results; training steps that plain ONNX Runtime runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

import graphc
from graphc import keras
from graphc_ir.errors import ArgumentError, ExportError

layers = keras.layers


def session_of(path: Path) -> ort.InferenceSession:
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])


def shapes_of(path: Path) -> dict[str, list[Any]]:
    graph = onnx.load(path).graph
    return {
        v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*graph.input, *graph.output)
    }


def numbers(*shape: int) -> Any:
    return np.random.default_rng(len(shape)).uniform(-1, 1, shape).astype(np.float32)


def two_towers() -> Any:
    keras.utils.set_random_seed(0)
    text, image = keras.Input((None, 4), name="text"), keras.Input((None, None, 3), name="image")
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv")(image))
    joined = layers.concatenate([layers.LSTM(3, name="lstm")(text), seen])
    outputs = {"score": layers.Dense(1, name="score")(joined), "kind": layers.Dense(3, name="kind")(joined)}
    return keras.Model({"text": text, "image": image}, outputs)


def test_open_sizes_have_names_and_any_size_runs(tmp_path: Path) -> None:
    model, path = two_towers(), tmp_path / "model.onnx"
    model.export(path, verbose=False)
    assert shapes_of(path) == {
        "image": ["batch", "image_dim_1", "image_dim_2", 3],
        "text": ["batch", "text_dim_1", 4],
        "kind": ["batch", 3],
        "score": ["batch", 1],
    }
    session = session_of(path)
    for batch, length, height in ((1, 5, 3), (3, 2, 9)):
        data = {"text": numbers(batch, length, 4), "image": numbers(batch, height, height + 1, 3)}
        expected = model.predict(data, verbose=0)
        for name, found in zip(("kind", "score"), session.run(["kind", "score"], data), strict=True):
            np.testing.assert_allclose(found, expected[name], atol=1e-5)


def test_nodes_and_weights_are_called_after_the_layers(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    two_towers().export(path, verbose=False)
    graph = onnx.load(path).graph
    assert any("/conv/" in node.name for node in graph.node)
    assert [node.op_type for node in graph.node].count("LSTM") == 1


def test_a_subclassed_model_is_exported_as_it_was_called(tmp_path: Path) -> None:
    class Scaled(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.dense(x) * 2.0

    model, path = Scaled(), tmp_path / "model.onnx"
    with pytest.raises(ExportError, match="call it on data first, or pass specs"):
        model.export(path)
    x = numbers(2, 5)
    expected = model(x).numpy()
    model.export(path, verbose=False)
    (found,) = session_of(path).run(None, {"x": x})
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_signature_gives_the_sizes(tmp_path: Path) -> None:
    model, path = keras.Sequential([keras.Input((None, 4)), layers.Dense(2)]), tmp_path / "model.onnx"
    model.export(path, verbose=False, input_signature=[keras.InputSpec(shape=(1, 7, 4), dtype="float32")])
    assert list(shapes_of(path).values()) == [[1, 7, 4], [1, 7, 2]]
    with pytest.raises(ExportError, match="got 'float32'; write"):
        model.export(path, input_signature=["float32"])


def test_another_format_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="graphc exports models as format='onnx', got 'tf_saved_model'"):
        two_towers().export(tmp_path / "model", format="tf_saved_model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.Adam(0.01, global_clipnorm=1.0),
        lambda: keras.optimizers.AdamW(keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)),
    ],
    ids=["momentum", "clipped adam", "scheduled adamw"],
)
def test_a_training_step_trains_in_plain_onnxruntime(tmp_path: Path, optimizer: Any) -> None:
    keras.utils.set_random_seed(1)
    x = keras.Input((5,), name="features")
    hidden = layers.BatchNormalization()(layers.Dense(8, activation="relu", kernel_regularizer="l2")(x))
    model = keras.Model(x, [layers.Dense(1, name="value")(hidden), layers.Dense(3, name="kind")(hidden)])
    losses = ["mse", keras.losses.SparseCategoricalCrossentropy(from_logits=True)]
    model.compile(optimizer(), losses, loss_weights=[1.0, 0.5], metrics=[["mae"], ["accuracy"]])
    path = tmp_path / "step.onnx"
    written = graphc.export_onnx(model, path, train=True)
    state = graphc.initial_state(model)
    session = session_of(path)
    features, value, kind = numbers(6, 5), numbers(6, 1), np.arange(6) % 3
    assert {node.domain for node in written.graph.node} == {""}
    for _ in range(4):
        feed = {"features": features, "y_value": value, "y_kind": kind, **state}
        results = dict(zip((o.name for o in session.get_outputs()), session.run(None, feed), strict=True))
        state = {name: results[f"{name}.new"] for name in state}
        logs = model.train_on_batch(features, [value, kind], return_dict=True)
        assert results["loss"] == pytest.approx(logs["loss"], rel=1e-5)
    for weight in model.weights:
        if weight.path in state:
            np.testing.assert_allclose(state[weight.path], weight.numpy(), rtol=2e-4, atol=1e-6)
    assert {w.path for w in model.weights} <= state.keys()


def test_a_training_step_needs_a_compiled_model() -> None:
    with pytest.raises(ExportError, match="is not compiled, so it has no training step"):
        graphc.export_onnx(two_towers(), train=True)


@pytest.mark.parametrize("functional", [True, False])
def test_a_signature_names_the_inputs(functional: bool) -> None:
    stack = [keras.layers.Dense(2, name="out")]
    model = keras.Sequential([keras.Input((3,), name="given"), *stack] if functional else stack)
    model.build((None, 3))
    named = keras.InputSpec(shape=(None, 3), dtype="float32", name="rows")
    proto = graphc.export_onnx(model, specs=[named])
    assert [value.name for value in proto.graph.input] == ["rows"]
    proto = graphc.export_onnx(model, specs=[keras.InputSpec(shape=(4, 3), dtype="float32")])
    assert [value.name for value in proto.graph.input] != ["rows"]


class Scorer(keras.Model):
    """Two tensor arguments: class numbers and weights."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = layers.Embedding(5, 3)

    def call(self, ids: Any, training: bool = False, scale: Any = None) -> Any:
        return keras.ops.sum(self.embedding(ids), -1) * scale


def test_arguments_keep_their_names_and_dtypes(tmp_path: Path) -> None:
    model, path = Scorer(), tmp_path / "model.onnx"
    ids, scale = np.array([[0, 4], [2, 2]], np.int32), numbers(2, 2)
    expected = model(ids, scale=scale).numpy()
    model.export(path, verbose=False)
    session = session_of(path)
    assert [(i.name, i.type) for i in session.get_inputs()] == [("ids", "tensor(int32)"), ("scale", "tensor(float)")]
    (found,) = session.run(None, {"ids": ids, "scale": scale})
    np.testing.assert_allclose(found, expected, atol=1e-6)
    signature = [keras.InputSpec("int32", (None, 2)), keras.InputSpec("float32", (None, 2))]
    model.export(path, verbose=False, input_signature=signature)
    assert [i.name for i in session_of(path).get_inputs()] == ["ids", "scale"]
