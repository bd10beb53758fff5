"""Eager tensors: construction, printing, operators, NumPy interop, indexing."""

from __future__ import annotations

import copy
import operator
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError


def test_printing_is_tensorflows() -> None:
    assert str(tf.constant([[5, 2], [1, 3]])) == "tf.Tensor(\n[[5 2]\n [1 3]], shape=(2, 2), dtype=int32)"
    assert str(tf.constant(1.0)) == "tf.Tensor(1.0, shape=(), dtype=float32)"
    assert str(tf.constant([1, 2])) == "tf.Tensor([1 2], shape=(2,), dtype=int32)"
    expected = "<tf.Tensor: shape=(2, 2), dtype=float32, numpy=\narray([[1., 1.],\n       [1., 1.]], dtype=float32)>"
    assert repr(tf.ones((2, 2))) == expected
    assert repr(tf.constant(5)) == "<tf.Tensor: shape=(), dtype=int32, numpy=5>"
    assert repr(tf.float32) == "tf.float32"
    assert str(tf.constant(1).dtype) == "<dtype: 'int32'>"
    assert str(tf.ones((2, 3)).shape) == "(2, 3)"
    assert f"{tf.constant(0.5):.3f}" == "0.500"


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1, "int32"),
        (1.5, "float32"),
        (True, "bool"),
        ([1, 2.5], "float32"),
        ([[1], [2]], "int32"),
        (1j, "complex128"),
        (np.float64(1), "float64"),
        (np.array([1, 2]), "int64"),
        (np.float16(2), "float16"),
        ([], "float32"),
    ],
)
def test_dtypes_of_data(value: Any, dtype: str) -> None:
    assert tf.constant(value).dtype == dtype
    assert tf.convert_to_tensor(value).dtype is tf.as_dtype(dtype)


def test_constant_with_dtype_and_shape() -> None:
    assert tf.constant([1, 2], tf.float64).dtype is tf.float64
    np.testing.assert_array_equal(tf.constant(7, shape=(2, 2)).numpy(), np.full((2, 2), 7))
    np.testing.assert_array_equal(tf.constant([1, 2, 3, 4], shape=(2, 2)).numpy(), [[1, 2], [3, 4]])
    with pytest.raises(ArgumentError, match=r"cannot fill shape \(2, 2\) \(4 elements\) with 3 elements"):
        tf.constant([1, 2, 3], shape=(2, 2))
    with pytest.raises(DTypeError, match="dtype int32 from float32 data"):
        tf.constant(1.5, dtype="int32")
    with pytest.raises(DTypeError, match=r"300 does not fit uint8 \(0\.\.255\)"):
        tf.constant(300, dtype="uint8")
    with pytest.raises(ArgumentError, match="must be rectangular"):
        tf.constant([[1, 2], [3]])
    with pytest.raises(ArgumentError, match="expected numbers"):
        tf.constant([object()])


def test_a_constant_is_a_copy() -> None:
    array = np.array([1.0, 2.0], np.float32)
    tensor = tf.constant(array)
    array[0] = 5.0
    tensor.numpy()
    np.testing.assert_array_equal(tensor.numpy(), [1.0, 2.0])


def test_operators() -> None:
    a, b = tf.constant([6.0, -7.0]), tf.constant([4.0, 2.0])
    cases: list[tuple[Any, list[float]]] = [
        (a + b, [10, -5]), (a - b, [2, -9]), (a * b, [24, -14]), (a / b, [1.5, -3.5]), (a // b, [1, -4]),
        (a % b, [2, 1]), (a**2.0, [36, 49]), (-a, [-6, 7]), (+a, [6, -7]), (abs(a), [6, 7]), (1 + a, [7, -6]),
        (1 - a, [-5, 8]), (2 * a, [12, -14]), (12 / b, [3, 6]), (2**b, [16, 4]), (9 // b, [2, 4]), (9 % b, [1, 1]),
    ]  # fmt: skip
    for found, expected in cases:
        np.testing.assert_allclose(found.numpy(), np.array(expected, np.float32))
        assert found.dtype is tf.float32
    n = tf.constant([6, 3])
    assert [(n & 5).numpy().tolist(), (n | 1).numpy().tolist(), (n ^ 2).numpy().tolist(), (~n).numpy().tolist()] == [
        [4, 1], [7, 3], [4, 1], [-7, -4]]  # fmt: skip
    p, q = tf.constant([True, False]), tf.constant([True, True])
    assert [(p & q).numpy().tolist(), (p | q).numpy().tolist(), (p ^ q).numpy().tolist(), (~p).numpy().tolist()] == [
        [True, False], [True, True], [False, True], [False, True]]  # fmt: skip
    assert (tf.constant([3, 4]) / 2).dtype is tf.float64
    np.testing.assert_array_equal((tf.ones((2, 3)) @ tf.ones((3, 1))).numpy(), [[3.0], [3.0]])


def test_comparisons_are_element_wise() -> None:
    a = tf.constant([1.0, 2.0, 3.0])
    pairs = [
        (a == 2.0, [0, 1, 0]),
        (a != 2.0, [1, 0, 1]),
        (a < 2.0, [1, 0, 0]),
        (a <= 2.0, [1, 1, 0]),
        (a > 2.0, [0, 0, 1]),
        (a >= 2.0, [0, 1, 1]),
    ]
    for found, expected in pairs:
        np.testing.assert_array_equal(found.numpy(), np.array(expected, bool))
    assert (a == None) is False  # noqa: E711
    assert (a != None) is True  # noqa: E711
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)
    assert {a.ref(): 1}[a.ref()] == 1
    assert a.ref().deref() is a


def test_mixed_dtypes_are_refused_and_weak_numbers_adapt() -> None:
    a = tf.constant([1.0])
    for wrong in (tf.constant([1]), tf.constant([1.0], tf.float64), tf.constant([True])):
        with pytest.raises(DTypeError, match="both must be the same: cast"):
            a + wrong
    assert (a + 1).dtype is tf.float32
    assert (tf.constant([1], tf.int64) + 1).dtype is tf.int64
    assert (tf.constant([1.0], tf.float16) * 2.5).dtype is tf.float16
    with pytest.raises(DTypeError, match="cast"):
        tf.constant([1]) + 1.5


def test_shapes_that_do_not_broadcast_are_shown() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3\).*\(4,\)"):
        tf.ones((2, 3)) + tf.ones((4,))
    with pytest.raises(ShapeError, match="matmul"):
        tf.ones((2, 3)) @ tf.ones((4, 2))


def test_numpy_interop() -> None:
    a = tf.constant([[1.0, 2.0]])
    assert isinstance(a.numpy(), np.ndarray)
    assert isinstance(tf.constant(1.0).numpy(), np.float32)
    assert isinstance(np.ones((1, 2), np.float32) + a, tf.Tensor)
    assert isinstance(a * np.float64(2.0), tf.Tensor)
    assert (a * np.float64(2.0)).dtype is tf.float32
    np.testing.assert_array_equal(np.asarray(a, np.float64), [[1.0, 2.0]])
    np.testing.assert_array_equal(np.sum(np.asarray(a)), 3.0)
    assert [float(x) for x in a[0]] == [1.0, 2.0]
    assert (int(tf.constant(3)), float(tf.constant([2.5])), bool(tf.constant(0)), len(a)) == (3, 2.5, False, 1)
    assert list(range(tf.constant(2))) == [0, 1]
    with pytest.raises(ArgumentError, match="ambiguous"):
        bool(tf.constant([1, 2]))
    with pytest.raises(DTypeError, match="integer scalar"):
        range(tf.constant(1.0))
    restored = pickle.loads(pickle.dumps(a))
    np.testing.assert_array_equal(restored.numpy(), a.numpy())
    assert copy.deepcopy(a) is a


@pytest.mark.parametrize("make", [tf.constant, tf.Variable])
def test_numpy_functions_take_tensors(make: Any) -> None:
    x = make([1.0, 4.0])
    np.testing.assert_array_equal(np.sqrt(x), [1.0, 2.0])
    np.testing.assert_array_equal(np.maximum(x, 2.0), [2.0, 4.0])
    assert (np.min(x), np.sum(x)) == (1.0, 5.0)


@pytest.mark.parametrize("make", [tf.constant, tf.Variable])
@pytest.mark.parametrize("left", [np.array([2.0, 3.0], np.float32), np.float32(2.0)])
@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow", "mod", "lt", "ge", "eq", "ne"])
def test_operators_behind_an_array_are_those_of_tensors(make: Any, left: Any, name: str) -> None:
    apply = getattr(operator, name)
    found = apply(left, make([1.0, 4.0]))
    assert isinstance(found, tf.Tensor)
    np.testing.assert_allclose(found.numpy(), apply(left, np.array([1.0, 4.0], np.float32)))


def test_ranges_of_floats_have_numpys_length() -> None:
    for start, limit, delta in ((0.1, 1.1, 0.1), (0.0, 1.0, 0.1), (1.0, 0.0, -0.25), (2.0, 1.0, 0.5)):
        expected = np.arange(start, limit, delta)
        np.testing.assert_allclose(tf.range(start, limit, delta).numpy(), expected, atol=1e-6)
        computed = tf.range(*(tf.constant(v) for v in (start, limit, delta)))
        np.testing.assert_allclose(computed.numpy(), expected, atol=1e-6)


_ARRAY = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
_KEYS: list[Any] = [
    0,
    -1,
    (1, 2),
    (1, 2, 3),
    slice(None),
    slice(1, None),
    (slice(None), slice(0, 2)),
    (slice(None), slice(None, None, -1)),
    (Ellipsis, 0),
    (Ellipsis, slice(1, 4, 2)),
    (None, 0),
    (slice(None), None, 1),
    (0, Ellipsis, -1),
    (slice(-2, None), 1),
    (slice(None), slice(2, 0, -1)),
    slice(5, 9),
    (slice(None), [0, 2]),
    (slice(None), np.array([1, 1, 0])),
    np.array([[0, 1], [1, 0]]),
    np.array([True, False]),
    (0, np.array([True, False, True])),
    _ARRAY > 10,
    (slice(None), [0, 2], [1, 3]),
]


@pytest.mark.parametrize("key", _KEYS, ids=repr)
@pytest.mark.parametrize("traced", [False, True], ids=["eager", "function"])
def test_indexing_is_numpys(key: Any, traced: bool) -> None:
    def take(x: Any) -> Any:
        return x[key]

    found = (tf.function(take) if traced else take)(tf.constant(_ARRAY))
    np.testing.assert_array_equal(found.numpy(), _ARRAY[key])


def test_indexing_with_tensors_and_errors() -> None:
    a = tf.constant(_ARRAY)
    np.testing.assert_array_equal(a[tf.constant(1)].numpy(), _ARRAY[1])
    np.testing.assert_array_equal(a[:, tf.constant(1) : tf.constant(3)].numpy(), _ARRAY[:, 1:3])
    np.testing.assert_array_equal(a[a > 5.0].numpy(), _ARRAY[_ARRAY > 5])
    dynamic = tf.function(lambda x, i: x[i, 0])
    np.testing.assert_array_equal(dynamic(a, tf.constant(1)).numpy(), _ARRAY[1, 0])
    with pytest.raises(ArgumentError, match="out of range"):
        a[2]
    with pytest.raises(ArgumentError, match="too many indices"):
        a[0, 0, 0, 0]


def test_shapes_behave_like_tuples() -> None:
    shape = tf.ones((2, 3)).shape
    assert shape == (2, 3)
    assert shape == [2, 3]
    assert (shape[0], shape[-1], shape[:1], shape.as_list(), shape.rank) == (2, 3, (2,), [2, 3], 2)
    assert shape.num_elements() == 6
    assert isinstance(operator.add(shape, [1]), tf.TensorShape)
    seen: list[Any] = []

    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def remember(x: tf.Tensor) -> tf.Tensor:
        seen.append(x.shape)
        return x

    remember(tf.ones((2, 3)))
    assert seen[0].as_list() == [None, 3]
    assert str(seen[0]) == "(None, 3)"
    assert not seen[0].is_fully_defined()
    assert seen[0].is_compatible_with((7, 3))


def test_lists_with_tensors_are_stacked_and_differentiable() -> None:
    a, b = tf.constant(1.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        tape.watch(a)
        y = tf.reduce_sum(tf.convert_to_tensor([[a, b], [3.0, a]]) * [[1.0, 10.0], [100.0, 1000.0]])
    found = tape.gradient(y, [a, b])
    assert [float(g) for g in found] == [1001.0, 10.0]


@pytest.mark.parametrize("make", [tf.zeros, tf.ones, tf.random.normal, lambda s: tf.fill(s, 1.0)], ids=str)
def test_shapes_may_hold_scalar_tensors(make: Callable[[Any], Any]) -> None:
    x = tf.ones((4, 2))
    assert make([tf.shape(x)[0], 3]).shape == (4, 3)
    traced = tf.function(lambda x: make([tf.shape(x)[0], 3]), input_signature=[tf.TensorSpec([None, 2])])
    assert traced(x).shape == (4, 3)


def test_two_eager_floats_take_the_short_way_with_the_same_result() -> None:
    a = tf.constant(np.array([1e38, -1.0], np.float32))
    np.testing.assert_array_equal((a + a).numpy(), tf.add(a, a).numpy())
    np.testing.assert_array_equal((a * a).numpy(), [np.inf, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(a)
        y = a + a
    np.testing.assert_array_equal(tape.gradient(y, a).numpy(), [2.0, 2.0])


def test_arithmetic_on_the_edge_is_silent() -> None:
    program = "import graphc as tf; a = tf.constant([3e38]); print((a * a / 0.0 + tf.math.log(a - a)).numpy())"
    found = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", program], capture_output=True, text=True
    )
    assert (found.stdout.strip(), found.stderr) == ("[nan]", "")


def test_mixed_kinds_name_the_cast_that_keeps_the_values() -> None:
    wanted = r"add got .*int32 and float32; .*cast the int32 one, tf\.cast\(x, tf\.float32\)"
    with pytest.raises(DTypeError, match=wanted):
        tf.constant([1, 2]) + 2.5
    with pytest.raises(DTypeError, match=r"cast the bool one, tf\.cast\(x, tf\.float32\)"):
        tf.constant([1.0]) * tf.constant([True])
    with pytest.raises(DTypeError, match=r"cast one of them, e\.g\. tf\.cast\(x, tf\.float32\)"):
        tf.constant([1.0]) * tf.constant([1.0], tf.float64)
