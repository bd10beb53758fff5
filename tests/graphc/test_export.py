"""Exporting functions and graphs, importing models: the public way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest

import graphc as tf
from graphc import export as exporting
from graphc.export import export_onnx, import_onnx, import_onnx_with_state, initial_state
from graphc_backends.onnx import export as writing
from graphc_ir.errors import ArgumentError, ExportError, ImportModelError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph

Array = npt.NDArray[Any]


def floats(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


class Model:
    """A linear model with a training step."""

    def __init__(self) -> None:
        self.w = tf.Variable(floats(3, 2), name="dense/w")
        self.b = tf.Variable(np.zeros(2, np.float32), name="dense/b")

    def predict(self, x: tf.Tensor) -> Any:
        return tf.matmul(x, self.w) + self.b

    def step(self, x: tf.Tensor, y: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.predict(x) - y))
        for variable, gradient in zip((self.w, self.b), tape.gradient(loss, [self.w, self.b]), strict=True):
            variable.assign_sub(0.1 * gradient)
        return loss


STEP_SPECS = [tf.TensorSpec(["n", 3]), tf.TensorSpec(["n", 2])]


def session(path: Path) -> Any:
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_a_function_with_variables(tmp_path: Path) -> None:
    model, path = Model(), tmp_path / "m.onnx"
    written = export_onnx(model.predict, path, specs=[tf.TensorSpec(["batch", 3])])
    assert {t.name for t in written.graph.initializer} == {"dense/w", "dense/b"}
    assert written.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert {o.domain: o.version for o in written.opset_import} == {"": 21}
    assert written.ir_version == 10
    for rows in (1, 7):
        x = floats(rows, 3)
        (result,) = session(path).run(None, {written.graph.input[0].name: x})
        np.testing.assert_allclose(result, model.predict(tf.constant(x)).numpy(), 1e-5)


@pytest.mark.parametrize("how", ["function with signature", "concrete function", "graph"])
def test_what_can_be_exported(how: str) -> None:
    signature = [tf.TensorSpec([None, 2])]

    @tf.function(input_signature=signature)
    def double(x: tf.Tensor) -> Any:
        return x + x

    concrete = double.get_concrete_function()
    obj = {"function with signature": double, "concrete function": concrete, "graph": concrete.graph}[how]
    written = export_onnx(obj, input_names=["x"], output_names=["twice"])
    assert [o.name for o in written.graph.output] == ["twice"]
    np.testing.assert_allclose(evaluate(import_onnx(written), [floats(4, 2)])[0], 2 * floats(4, 2))


def test_a_training_step_trains_in_plain_onnxruntime(tmp_path: Path) -> None:
    model, path = Model(), tmp_path / "step.onnx"
    step = tf.function(model.step)
    export_onnx(step, path, train=True, specs=STEP_SPECS)
    state = initial_state(step, STEP_SPECS)
    assert list(state) == ["dense/w", "dense/b"]
    running = session(path)
    inputs, outputs = [i.name for i in running.get_inputs()], [o.name for o in running.get_outputs()]
    assert inputs[2:] == list(state)
    assert outputs[1:] == [f"{name}.new" for name in state]
    x, y = floats(8, 3, seed=1), floats(8, 2, seed=2)
    for _ in range(3):
        loss, *new = running.run(None, {inputs[0]: x, inputs[1]: y, **state})
        state = dict(zip(state, new, strict=True))
        np.testing.assert_allclose(loss, step(tf.constant(x), tf.constant(y)).numpy(), 1e-5)
    np.testing.assert_allclose(state["dense/w"], model.w.numpy(), 1e-5)
    again = import_onnx(path)
    assert [s.name for s in again.states] == ["dense/w", "dense/b"]


def test_variables_that_a_training_step_only_reads_are_initializers() -> None:
    rate, w = tf.Variable(np.float32(0.5), name="rate"), tf.Variable(floats(2), name="w")

    def decay(x: tf.Tensor) -> Any:
        w.assign(tf.add(w.value() * rate.value(), x))
        return x

    written = export_onnx(decay, specs=[tf.TensorSpec([2])], train=True)
    assert [i.name for i in written.graph.input][1:] == ["w"]
    assert "rate" in {t.name for t in written.graph.initializer}


def test_an_assignment_is_never_lost() -> None:
    model = Model()
    with pytest.raises(
        ExportError, match=r"step assigns dense/w, dense/b, which an inference model would lose.*train=True"
    ):
        export_onnx(model.step, specs=STEP_SPECS)
    with pytest.raises(ExportError, match="assigns no Variable"):
        export_onnx(model.predict, specs=[tf.TensorSpec([2, 3])], train=True)


def test_arguments_that_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="cannot export a int"):
        export_onnx(3)
    with pytest.raises(ArgumentError, match="argument types of predict are not known; pass specs"):
        export_onnx(Model().predict)
    with pytest.raises(ArgumentError, match="a Graph has its types already"):
        export_onnx(Graph(), specs=[])
    with pytest.raises(ExportError, match="external_data=True needs a path"):
        export_onnx(Model().predict, specs=[tf.TensorSpec([2, 3])], external_data=True)


def test_a_wrong_model_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> onnx.ModelProto:
        model = writing.to_model(*args, **kwargs)
        model.graph.node[-1].op_type = "Sub"
        return model

    monkeypatch.setattr(exporting, "to_model", broken)
    path = tmp_path / "m.onnx"
    with pytest.raises(ExportError, match="the exported model is wrong: output 'output'"):
        export_onnx(lambda x: x + 1.0, path, specs=[tf.TensorSpec([2])])
    assert list(tmp_path.iterdir()) == []
    export_onnx(lambda x: x + 1.0, path, specs=[tf.TensorSpec([2])], verify=False)
    assert path.exists()


def test_external_data(tmp_path: Path) -> None:
    w = tf.Variable(floats(64, 64), name="w")
    path = tmp_path / "m.onnx"
    export_onnx(lambda x: tf.matmul(x, w), path, specs=[tf.TensorSpec([None, 64])], external_data=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "m.onnx.data"]
    x = floats(2, 64)
    np.testing.assert_allclose(evaluate(import_onnx(path), [x])[0], x @ w.numpy(), 1e-4, 1e-4)


def test_inputs_to_verify_with_can_be_given() -> None:
    export_onnx(lambda x: tf.sqrt(x), specs=[tf.TensorSpec([2])], verify=[np.array([1.0, 4.0], np.float32)])
    with pytest.raises(ExportError, match="verify got 0 arrays"):
        export_onnx(lambda x: tf.sqrt(x), specs=[tf.TensorSpec([2])], verify=[])


def test_imported_weights_can_be_state() -> None:
    model = Model()
    written = export_onnx(model.predict, specs=[tf.TensorSpec([None, 3])])
    graph, values = import_onnx_with_state(written)
    assert [s.name for s in graph.states] == list(values)
    x = floats(2, 3)
    result = evaluate(graph, [x, *(values[s.name] for s in graph.states)])[0]
    np.testing.assert_allclose(result, model.predict(tf.constant(x)).numpy(), 1e-5)


def test_import_errors_are_ours(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"not a model at all")
    with pytest.raises(ImportModelError, match=r"m\.onnx .* is no readable ONNX model"):
        import_onnx(path)


def test_a_counter_is_state_of_rank_zero() -> None:
    count = tf.Variable(np.int64(3), name="count")

    @tf.function(input_signature=[])
    def step() -> Any:
        return count.assign_add(1)

    model = export_onnx(step, train=True)
    assert [i.name for i in model.graph.input] == ["count"]
