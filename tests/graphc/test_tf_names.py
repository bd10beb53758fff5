"""Names of TensorFlow's top level: devices, indexed slices, variable creators, and those that cannot be."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import devices
from graphc.mode import mode
from graphc_backends import Backend
from graphc_ir.errors import ArgumentError, BackendError, GradientError


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake(Backend):
        def device_count(self, kind: str) -> int:
            return {"cpu": 1, "cuda": 2}[kind]

    monkeypatch.setattr(devices, "get_backend", lambda name: Fake())


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("/CPU:0", "cpu"),
        ("cpu", "cpu"),
        ("cpu:0", "cpu"),
        ("/device:CPU:0", "cpu"),
        (None, "cpu"),
        (tf.constant(1.0).device, "cpu"),
        ("/GPU:0", "cuda:0"),
        ("gpu:1", "cuda:1"),
        ("/job:localhost/replica:0/task:0/device:GPU:1", "cuda:1"),
        ("/gpu:*", "cuda:0"),
        ("cuda:1", "cuda:1"),
    ],
)
def test_device_names(name: str | None, wanted: str, two_gpus: None) -> None:
    with tf.device(name):
        assert mode.device == wanted
        with tf.device("/cpu:0"):
            assert mode.device == "cpu"
        assert mode.device == wanted
    assert mode.device == "cpu"


@pytest.mark.parametrize("name", ["/TPU:0", "gpu0", "CPU:x", "somewhere", 3])
def test_what_is_no_device_name(name: Any) -> None:
    with pytest.raises(ArgumentError, match=r"not a device name; expected one like '/CPU:0', '/GPU:0'"):
        tf.device(name)


@pytest.mark.parametrize("name", ["/CPU:1", "/GPU:99"])
def test_a_device_that_is_not_there(name: str) -> None:
    with pytest.raises(BackendError, match=rf"tf\.device\('{name}'\): there are \d+ devices"):
        tf.device(name)


def test_functions_compile_for_the_device_around_the_call(two_gpus: None) -> None:
    @tf.function
    def double(x: Any) -> Any:
        return x * 2.0

    own = tf.function(lambda x: x + 1.0, device="cpu")
    spec = tf.TensorSpec([None])
    with tf.device("/GPU:1"):
        assert double.get_concrete_function(spec).device == "cuda:1"
        assert own.get_concrete_function(spec).device == "cpu"
    assert double.get_concrete_function(spec).device == "cpu"
    np.testing.assert_array_equal(double(tf.constant([1.0])).numpy(), [2.0])
    assert "the device changed from cuda:1 to cpu" in double.explain_retrace()


def test_a_device_block_inside_a_trace_warns_that_it_has_no_effect(two_gpus: None) -> None:
    def double(x: Any) -> Any:
        with tf.device("/GPU:0"):
            return x * 2.0

    with pytest.warns(UserWarning, match="inside a traced function has no effect") as caught:
        assert float(tf.function(double)(tf.constant(2.0))) == 4.0
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(double(tf.constant(2.0))) == 4.0


def test_indexed_slices_stand_for_the_dense_tensor() -> None:
    rows = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), tf.constant([2, 0, 2]), [3, 2])
    dense = [[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]]
    assert rows.dtype is tf.float32
    assert rows.shape == (3, 2)
    np.testing.assert_array_equal(tf.convert_to_tensor(rows).numpy(), dense)
    np.testing.assert_array_equal(tf.convert_to_tensor(-rows).numpy(), -np.array(dense))
    np.testing.assert_array_equal((tf.ones([3, 2]) + rows).numpy(), np.array(dense) + 1)
    assert repr(rows).startswith("IndexedSlices(indices=tf.Tensor([2 0 2]")


def test_indexed_slices_in_a_trace() -> None:
    @tf.function
    def f(values: Any, indices: Any) -> Any:
        return tf.convert_to_tensor(tf.IndexedSlices(values, indices, tf.constant([3, 1])))

    np.testing.assert_array_equal(f([[2.0], [3.0]], [1, 1]).numpy(), [[0.0], [5.0], [0.0]])


def test_indexed_slices_without_a_dense_shape() -> None:
    rows = tf.IndexedSlices(tf.ones([1, 2]), [0])
    assert rows.shape.as_list() == [None, 2]
    with pytest.raises(ArgumentError, match="has no dense_shape"):
        tf.convert_to_tensor(rows)


def test_variable_creators_run_from_the_innermost_out() -> None:
    calls: list[str] = []

    def outer(next_creator: Any, **kwargs: Any) -> Any:
        calls.append("outer")
        return next_creator(**{**kwargs, "name": kwargs["name"] + "_outer"})

    def inner(next_creator: Any, **kwargs: Any) -> Any:
        calls.append("inner")
        assert kwargs["trainable"] is False
        assert kwargs["dtype"] is None
        return next_creator(**{**kwargs, "name": kwargs["name"] + "_inner"})

    with tf.variable_creator_scope(outer):
        with tf.variable_creator_scope(inner):
            v = tf.Variable(1.0, False, name="v", aggregation=tf.VariableAggregation.SUM)
        w = tf.Variable(2.0, name="w", synchronization=tf.VariableSynchronization.ON_READ)
    assert calls == ["inner", "outer", "outer"]
    assert isinstance(v, tf.Variable)
    assert (v.name, v.trainable, w.name) == ("v_inner_outer:0", False, "w_outer:0")
    assert tf.Variable(3.0, name="x").name == "x:0"


def test_a_creator_may_return_something_else() -> None:
    known = tf.Variable(5.0)
    with tf.variable_creator_scope(lambda next_creator, **kwargs: known):
        assert tf.Variable(1.0) is known
    assert known.numpy() == 5.0


@pytest.mark.parametrize(
    ("use", "rewrite"),
    [
        (lambda x: tf.gradients(x * x, x), r"with tf\.GradientTape\(\) as tape: .*tape\.gradient\(ys, xs\)"),
        (lambda x: tf.hessians(x * x, [x]), r"outer\.jacobian\(g, xs\)"),
        (lambda x: tf.RegisterGradient("Square"), r"@tf\.custom_gradient"),
    ],
)
def test_tensorflow_1s_gradients_name_the_rewrite(use: Any, rewrite: str) -> None:
    with pytest.raises(GradientError, match=rewrite):
        use(tf.constant(1.0))


def test_compat() -> None:
    assert tf.compat.v2 is tf
    with pytest.raises(AttributeError, match=r"no tf\.compat\.v1.*TensorFlow 2"):
        tf.compat.v1  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'v3'"):
        tf.compat.v3  # noqa: B018


def test_training_exports_are_at_the_top() -> None:
    v = tf.Variable(1.0, name="v")
    step = tf.function(lambda x: v.assign_add(x).value(), input_signature=[tf.TensorSpec([])])
    assert {k: float(a) for k, a in tf.initial_state(step).items()} == {"v": 1.0}
    assert callable(tf.import_onnx_with_state)
