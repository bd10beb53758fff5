"""Small things that programs written for TensorFlow 2 take for granted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc_ir.errors import ArgumentError, DTypeError

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])


@BACKENDS
def test_results_of_several_parts_have_names(backend: str) -> None:
    x = tf.constant([1.0, 3.0, 2.0])
    traced = tf.function(lambda x: tf.math.top_k(x, 2), backend=backend)
    for found in (tf.math.top_k(x, 2), traced(x)):
        assert found.values.numpy().tolist() == [3.0, 2.0]
        assert found.indices.numpy().tolist() == [1, 2]
    values, indices = tf.math.top_k(x, 2)
    assert (values.shape, indices.shape) == ((2,), (2,))
    distinct = tf.unique_with_counts(tf.constant([3, 1, 3]))
    assert [part.numpy().tolist() for part in (distinct.y, distinct.idx, distinct.count)] == [[3, 1], [0, 1, 0], [2, 1]]
    assert tf.unique(tf.constant([3, 1, 3])).idx.numpy().tolist() == [0, 1, 0]
    matrix = tf.constant([[4.0, 0.0], [0.0, 0.5]])
    assert tf.linalg.slogdet(matrix).sign.numpy() == 1.0
    np.testing.assert_allclose(tf.linalg.slogdet(matrix).log_abs_determinant, np.log(2.0), rtol=1e-6)
    np.testing.assert_allclose(tf.abs(tf.linalg.qr(matrix).r), matrix, rtol=1e-6)
    assert tf.linalg.qr(matrix, full_matrices=True).q.shape == (2, 2)
    assert tf.linalg.lu(matrix).p.numpy().tolist() == [0, 1]
    np.testing.assert_allclose(tf.linalg.lu(matrix).lu, matrix, rtol=1e-6)


def test_joining_one_tensor_gives_it_back() -> None:
    x = tf.ones([2, 3])
    assert tf.concat(x, 0).shape == (2, 3)
    assert tf.concat(tf.Variable(x), 1).shape == (2, 3)
    assert tf.concat([x, x], 0).shape == (4, 3)


def test_a_range_object_is_a_list_of_python_numbers() -> None:
    assert tf.convert_to_tensor(range(3)).dtype == "int32"
    assert tf.constant([range(2), range(2)]).dtype == "int32"
    assert (tf.constant([1.0, 2.0]) * range(2)).numpy().tolist() == [0.0, 2.0]


@BACKENDS
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32"])
def test_the_mean_of_large_integers_does_not_wrap_around(dtype: str, backend: str) -> None:
    largest = int(np.iinfo(dtype).max)
    x = tf.constant([[largest, largest], [largest, largest - 4]], dtype)
    mean = tf.function(tf.reduce_mean, backend=backend)
    for found in (tf.reduce_mean(x), mean(x)):
        assert (found.dtype, int(found)) == (dtype, largest - 1)


@BACKENDS
def test_reductions_over_nothing(backend: str) -> None:
    none = tf.zeros([0], tf.bool)
    assert not tf.function(tf.reduce_any, backend=backend)(none)
    assert tf.function(tf.reduce_all, backend=backend)(none)
    norms = tf.function(lambda x: tf.math.reduce_euclidean_norm(x, axis=[]), backend=backend)
    assert norms(tf.constant([-2.0, 3.0])).numpy().tolist() == [2.0, 3.0]


@BACKENDS
def test_functions_without_tensor_results(backend: str) -> None:
    assert tf.function(lambda x: None, backend=backend)(tf.ones([2])) is None
    assert tf.function(lambda x: {"a": [None, "text"]}, backend=backend)(tf.ones([2])) == {"a": [None, "text"]}


def test_the_gradient_of_a_variable_by_itself_is_one() -> None:
    x, v, w = tf.constant(1.0), tf.Variable([2.0, 3.0]), tf.Variable([2.0, 3.0])

    def branch(x: Any) -> Any:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            result = v if x > 0.0 else w * w
        return tape.gradient(result, [v, w])

    ones, nothing = branch(x)
    assert ones.numpy().tolist() == [1.0, 1.0]
    assert nothing is None
    nothing, slope = branch(-x)
    assert nothing is None
    assert slope.numpy().tolist() == [4.0, 6.0]


def test_text_is_not_silently_unequal_to_text() -> None:
    with pytest.raises(DTypeError, match="dtype string"):
        _ = tf.constant("a") == "a"
    assert (tf.constant(1) == "a") is False
    assert (tf.constant("a") == None) is False  # noqa: E711  (the operator is what is tested)


@pytest.mark.parametrize("traced", [False, True])
def test_variables_are_scattered_into(traced: bool) -> None:
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])

    def change() -> None:
        v.scatter_nd_update([[0, 0]], [9.0])
        v.scatter_nd_add([[1, 1], [1, 1]], [1.0, 1.0])
        v.scatter_nd_sub([[2]], [[1.0, 1.0]])
        v.scatter_nd_max([[0, 1]], [7.0])
        v.scatter_nd_min([[0, 0]], [8.0])
        v.scatter_add(tf.IndexedSlices(tf.constant([[10.0, 10.0]]), tf.constant([2])))
        v.scatter_sub(tf.IndexedSlices(tf.constant([[1.0, 0.0]]), tf.constant([1])))

    (tf.function(change) if traced else change)()
    assert v.numpy().tolist() == [[8.0, 7.0], [2.0, 6.0], [14.0, 15.0]]
    rows = tf.constant([1])
    for method in (v.scatter_update, v.scatter_max, v.scatter_min):
        assert method(tf.IndexedSlices(tf.constant([[5.0, 5.0]]), rows)) is v
        assert v.numpy()[1].tolist() == [5.0, 5.0]
    assert v.sparse_read([0, 0]).numpy().tolist() == [[8.0, 7.0]] * 2
    assert v.gather_nd([[2, 1]]).numpy().tolist() == [15.0]


def test_module_methods_run_in_the_name_scope_of_the_module() -> None:
    class Scaled(tf.Module):
        @tf.Module.with_name_scope
        def __call__(self, x: Any) -> Any:
            """Twice as much."""
            assert tf.get_current_name_scope() == "scaled"
            return x * 2.0

    module = Scaled(name="scaled")
    assert module(tf.constant(2.0)).numpy() == 4.0
    assert module.name_scope.name == "scaled"
    assert Scaled.__call__.__doc__ == "Twice as much."


def test_padding_to_a_number() -> None:
    rows = tf.data.Dataset.range(1, 4).map(lambda n: tf.fill([n], n)).padded_batch(3, padded_shapes=4)
    assert next(iter(rows)).numpy().tolist() == [[1, 0, 0, 0], [2, 2, 0, 0], [3, 3, 3, 0]]


def test_graphs_print_themselves_whatever_was_imported() -> None:
    program = "from graphc_ir.graph import Graph; print(Graph('empty'))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("graph @empty()")


def test_concrete_functions_take_tensors_by_name() -> None:
    spec = tf.TensorSpec([], tf.float32)
    minus = tf.function(lambda x, y: x - y).get_concrete_function(spec, spec)
    one, two = tf.constant(1.0), tf.constant(2.0)
    assert [float(minus(one, two)), float(minus(one, y=two)), float(minus(y=one, x=two))] == [-1.0, -1.0, 1.0]
    wrongs: tuple[Callable[[], Any], ...] = (
        lambda: minus(one),
        lambda: minus(one, z=two),
        lambda: minus(one, two, two),
        lambda: minus(one, x=two),
    )
    for wrong in wrongs:
        with pytest.raises(ArgumentError, match="takes 2 tensors"):
            wrong()


def test_loop_variables_are_tensors() -> None:
    i, a = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2.0), [0, 1.0])
    assert (int(i), float(a), i.dtype, a.dtype) == (3, 8.0, "int32", "float32")
    (untouched,) = tf.while_loop(lambda i: i < 0, lambda i: [i], [7])
    assert untouched.numpy() == 7


@BACKENDS
def test_pictures_are_resized_by_cubic_curves(backend: str) -> None:
    pictures = tf.reshape(tf.range(2 * 6 * 6 * 3, dtype=tf.float32), [2, 6, 6, 3]) / 100.0
    resize = tf.function(lambda x: tf.image.resize(x, [4, 9], method="bicubic"), backend=backend)
    np.testing.assert_allclose(resize(pictures), tf.image.resize(pictures, [4, 9], method="bicubic"), atol=1e-5)
