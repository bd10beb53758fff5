"""``keras.export.ExportArchive``: endpoints as ONNX files, compared with what they were made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import layers
from graphc.keras.export import ExportArchive
from graphc_ir.errors import ArgumentError, ExportError


def model_of(kind: str) -> Any:
    stack = [layers.Dense(5, activation="relu"), layers.BatchNormalization(), layers.Dense(2)]
    if kind == "sequential":
        return keras.Sequential([keras.Input((3,)), *stack])
    if kind == "functional":
        inputs = outputs = keras.Input((3,))
        for layer in stack:
            outputs = layer(outputs)
        return keras.Model(inputs, outputs)

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.stack = stack

        def call(self, x: Any) -> Any:
            for layer in self.stack:
                x = layer(x)
            return x

    model = Own()
    model(np.ones((1, 3), np.float32))
    return model


def session_of(path: Path) -> ort.InferenceSession:
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def run(path: Path, *inputs: Any) -> list[Any]:
    session = session_of(path)
    names = [argument.name for argument in session.get_inputs()]
    found: list[Any] = session.run(None, dict(zip(names, inputs, strict=True)))
    return found


def rows(count: int, width: int = 3) -> Any:
    return np.random.default_rng(count).normal(size=(count, width)).astype("float32")


SPEC = keras.InputSpec(shape=(None, 3), dtype="float32")


@pytest.mark.parametrize("kind", ["sequential", "functional", "subclass"])
@pytest.mark.parametrize(
    "spec",
    [SPEC, tf.TensorSpec((None, 3), tf.float32), keras.KerasTensor((None, 3)), tf.ones((2, 3)), np.ones((2, 3), "f4")],
    ids=["InputSpec", "TensorSpec", "KerasTensor", "tensor", "array"],
)
def test_a_model_is_exported_for_any_batch(kind: str, spec: Any, tmp_path: Path) -> None:
    model, archive = model_of(kind), ExportArchive()
    archive.track(model)
    assert [len(v) for v in (archive.variables, archive.trainable_variables, archive.non_trainable_variables)] == [
        8, 6, 2,
    ]  # fmt: skip
    serve = archive.add_endpoint("serve", model.__call__, input_signature=[spec])
    archive.write_out(tmp_path / "out", verbose=False)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["serve.onnx"]
    for count in (1, 4):
        x = rows(count)
        np.testing.assert_allclose(run(tmp_path / "out" / "serve.onnx", x)[0], model(x), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(serve(x), model(x), rtol=1e-5, atol=1e-6)


def test_structures_of_inputs_and_several_endpoints(tmp_path: Path) -> None:
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    model = keras.Model({"a": a, "b": b}, layers.Dense(2)(layers.Concatenate()([a, b])))
    archive = ExportArchive()
    archive.track_and_add_endpoint("serve", model, [{"a": SPEC, "b": SPEC}])
    archive.add_endpoint("double", lambda x, y: {"sum": x + y, "twice": 2.0 * x}, [SPEC, SPEC])
    archive.write_out(str(tmp_path / "out"), verbose=False)
    x, y = rows(4), rows(4) + 1
    np.testing.assert_allclose(run(tmp_path / "out/serve.onnx", x, y)[0], model({"a": x, "b": y}), rtol=1e-5, atol=1e-6)
    total, twice = run(tmp_path / "out/double.onnx", x, y)
    np.testing.assert_allclose((total, twice), (x + y, 2 * x), rtol=1e-6)


def test_traced_functions_need_no_signature(tmp_path: Path) -> None:
    model, archive = model_of("sequential"), ExportArchive()
    called = tf.function(lambda x: model(x) + 1.0)
    with pytest.raises(ArgumentError, match=r"has never been called; call it, or give an `input_signature`"):
        archive.add_endpoint("called", called)
    x = rows(2)
    expected = called(x)
    assert archive.add_endpoint("called", called) is called
    archive.add_endpoint("signed", tf.function(lambda x: model(x), input_signature=[tf.TensorSpec((None, 3))]))
    archive.add_endpoint("concrete", called.get_concrete_function(tf.TensorSpec((None, 3))))
    archive.write_out(tmp_path, verbose=False)
    np.testing.assert_allclose(run(tmp_path / "called.onnx", x)[0], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run(tmp_path / "signed.onnx", rows(5))[0], model(rows(5)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run(tmp_path / "concrete.onnx", rows(5))[0], model(rows(5)) + 1.0, rtol=1e-5, atol=1e-6)


def test_an_endpoint_that_assigns_has_its_state_beside(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(), layers.Dropout(0.5, seed=1)])
    archive = ExportArchive()
    archive.add_endpoint("training", lambda x: model(x, training=True), [SPEC])
    archive.write_out(tmp_path, verbose=False)
    state = dict(np.load(tmp_path / "training.state.npz"))
    session = session_of(tmp_path / "training.onnx")
    names = [argument.name for argument in session.get_inputs()]
    assert set(names[1:]) == set(state)
    outputs = [argument.name for argument in session.get_outputs()]
    x = rows(6)
    found = dict(zip(outputs, session.run(None, {names[0]: x, **state}), strict=True))
    expected = model(x, training=True)
    np.testing.assert_allclose(found[outputs[0]], expected, rtol=1e-4, atol=1e-5)
    mean = next(name for name in state if name.endswith("moving_mean"))
    np.testing.assert_allclose(found[f"{mean}.new"], model.layers[0].moving_mean, rtol=1e-5, atol=1e-6)


def test_variable_collections_are_arrays_by_path(tmp_path: Path) -> None:
    model, archive = model_of("sequential"), ExportArchive()
    model.compile("adam", "mse")
    model.fit(rows(4), rows(4, 2), verbose=0)
    half = keras.Variable([1.5], dtype="bfloat16", name="half")
    archive.track_and_add_endpoint("serve", model, [SPEC])
    archive.add_variable_collection("optimizer_variables", model.optimizer.variables)
    archive.add_variable_collection("others", (half, half))
    archive.write_out(tmp_path, verbose=False)
    arrays = np.load(tmp_path / "optimizer_variables.npz")
    assert len(arrays.files) == len(model.optimizer.variables)
    for variable in model.optimizer.variables:
        np.testing.assert_array_equal(arrays[variable.path], variable.numpy())
    others = np.load(tmp_path / "others.npz")
    assert others.files == ["half", "half_1"]
    np.testing.assert_array_equal(others["half"], np.array([1.5], np.float32))


def test_one_endpoint_may_be_one_file(tmp_path: Path) -> None:
    archive = ExportArchive()
    archive.add_endpoint("serve", lambda x: x + 1.0, [SPEC])
    archive.write_out(tmp_path / "model.onnx", verbose=False)
    np.testing.assert_allclose(run(tmp_path / "model.onnx", rows(2))[0], rows(2) + 1.0)
    archive.add_endpoint("more", lambda x: x, [SPEC])
    with pytest.raises(ArgumentError, match=r"got the endpoints \['serve', 'more'\].*give a folder"):
        archive.write_out(tmp_path / "model.onnx", verbose=False)


def test_nothing_appears_unless_all_is_well(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    archive = ExportArchive()
    archive.add_endpoint("good", lambda x: x + 1.0, [SPEC])
    archive.write_out(folder, verbose=False)
    (folder / "notes.txt").write_text("mine")
    before = (folder / "good.onnx").read_bytes()
    worse = ExportArchive()
    worse.add_endpoint("good", lambda x: x + 2.0, [SPEC])
    worse.add_endpoint("late", lambda x: tf.random.stateless_binomial((2,), (1, 2), x[0, :2], x[0, :2]), [SPEC])
    for target in (folder, tmp_path / "new"):
        with pytest.raises(ExportError):
            worse.write_out(target, verbose=False)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out"]
    assert sorted(file.name for file in folder.iterdir()) == ["good.onnx", "notes.txt"]
    assert (folder / "good.onnx").read_bytes() == before


def test_the_endpoints_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = ExportArchive()
    archive.add_endpoint("serve", lambda x: x + 1.0, [keras.InputSpec(shape=(None, 3), dtype="float32", name="rows")])
    archive.write_out(tmp_path / "out")
    printed = capsys.readouterr().out
    assert f"Saved artifact at '{tmp_path / 'out'}'. The following endpoints are available:" in printed
    assert "* Endpoint 'serve'\n inputs:\n  rows: f32[batch, 3]\n outputs:\n  f32[batch, 3]" in printed


def test_what_an_archive_refuses(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"got format='saved_model', but graphc writes ONNX files"):
        ExportArchive("saved_model")
    archive = ExportArchive()
    with pytest.raises(ArgumentError, match=r"No endpoints have been set yet"):
        archive.write_out(tmp_path / "out")
    with pytest.raises(ArgumentError, match=r"layer 'd' has not yet been built"):
        archive.track(layers.Dense(2, name="d"))
    with pytest.raises(ArgumentError, match=r"Invalid resource type: got 3 of type int, expected a Layer"):
        archive.track(3)
    with pytest.raises(ArgumentError, match=r"is not a `tf.function`, so you must provide an `input_signature`"):
        archive.add_endpoint("serve", lambda x: x)
    with pytest.raises(ExportError, match=r"a signature is made of tf.TensorSpec or keras.InputSpec"):
        archive.add_endpoint("serve", lambda x: x, [123])
    with pytest.raises(ArgumentError, match=r"becomes a file name: got '../x', expected letters"):
        archive.add_endpoint("../x", lambda x: x, [SPEC])
    archive.add_endpoint("serve", lambda x: x, [SPEC])
    with pytest.raises(ArgumentError, match=r"Endpoint name 'serve' is already taken; the archive has \['serve'\]"):
        archive.add_endpoint("serve", lambda x: x, [SPEC])
    with pytest.raises(ArgumentError, match=r"Expected `variables` to be a list/tuple/set, got dict"):
        archive.add_variable_collection("a", {})
    with pytest.raises(ArgumentError, match=r"to be Variables, got also int"):
        archive.add_variable_collection("a", [keras.Variable(1.0), 2])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match=r"got options=1, which are for SavedModels"):
        archive.write_out(tmp_path / "out", options=1)
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=r"is a file, expected a folder or a new name"):
        archive.write_out(tmp_path / "file")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file"]


def test_tracked_variables_count_once() -> None:
    model, archive = model_of("sequential"), ExportArchive()
    archive.track(model)
    archive.track(model.layers[0])
    extra = tf.Variable(1.0)
    archive.track(extra)
    assert len(archive.variables) == 9
    assert archive.variables[-1] is extra
