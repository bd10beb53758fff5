"""Less frequent names of TensorFlow: values as TensorFlow gives them, and what takes the place of the others."""

from __future__ import annotations

import logging
import time
import unittest
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.absent import ABSENT
from graphc.signal import hann_window, inverse_stft_window_fn
from graphc_ir.errors import ArgumentError, DTypeError, GradientError, ShapeError

X = np.arange(12, dtype=np.float32).reshape(3, 4)
SQUARE = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
ONES = np.ones((2, 2, 1), np.float32)
PLAIN = [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (lambda: tf.approx_top_k(X, 2)[1], [[3, 2]] * 3),
        (lambda: tf.approx_top_k(X, 1, reduction_dimension=0, is_max_k=False)[0], X[:1]),
        (lambda: tf.broadcast_dynamic_shape([2, 1], tf.constant([3])), [2, 3]),
        (lambda: tf.broadcast_dynamic_shape([], []), []),
        (lambda: tf.unravel_index([2, 5, 7], (3, 3)), [[0, 1, 2], [2, 2, 1]]),
        (lambda: tf.unravel_index(5, (3, 3)), [1, 2]),
        (lambda: tf.histogram_fixed_width([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0], [0.0, 5.0], 5), [2, 1, 1, 0, 2]),
        (lambda: tf.histogram_fixed_width_bins([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0], [0.0, 5.0], 5), [0, 0, 1, 2, 4, 4]),
        (lambda: tf.identity_n([X, 1])[1], 1),
        (lambda: tf.realdiv(3.0, 2.0), 1.5),
        (lambda: tf.guarantee_const(X), X),
        (lambda: tf.matrix_square_root([[4.0, 1.0], [1.0, 3.0]]), [[1.981578, 0.270832], [0.270832, 1.710745]]),
        (lambda: tf.eigvals([[1.0, 2.0], [3.0, 4.0]]), [-0.372281, 5.372281]),
        (lambda: tf.linalg.lu([[1.0, 2.0], [3.0, 4.0]])[0], [[3.0, 4.0], [1 / 3, 2 / 3]]),
        (lambda: tf.linalg.lu([[1.0, 2.0], [3.0, 4.0]])[1], [1, 0]),
        (lambda: tf.nn.sufficient_statistics(X, [0])[2], [80, 107, 140, 179]),
        (lambda: tf.nn.sufficient_statistics(X, [0], shift=1.0)[1], [9, 12, 15, 18]),
        (lambda: tf.nn.normalize_moments(4.0, X, X, None)[1][0], [0, 0.1875, 0.25, 0.1875]),
        (lambda: tf.nn.normalize_moments(4.0, X, X, 2.0)[0][0], [2, 2.25, 2.5, 2.75]),
        (lambda: tf.nn.max_pool_with_argmax(SQUARE, 2, 2, "VALID")[1][0, ..., 0], [[5, 7], [13, 15]]),
        (lambda: tf.nn.max_pool_with_argmax(np.concatenate([SQUARE] * 2), 2, 2, "SAME", include_batch_in_index=True)[1]
         [1, ..., 0], [[21, 23], [29, 31]]),
        (lambda: tf.nn.dilation2d(SQUARE, ONES, PLAIN, "SAME", "NHWC", PLAIN)[0, :, :, 0],
         [[6, 7, 8, 8], [10, 11, 12, 12], [14, 15, 16, 16], [14, 15, 16, 16]]),
        (lambda: tf.nn.erosion2d(SQUARE, ONES, PLAIN, "SAME", "NHWC", PLAIN)[0, :, :, 0],
         [[-1, 0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10], [11, 12, 13, 14]]),
        (lambda: tf.nn.dilation2d(SQUARE, ONES, [1, 2, 2, 1], "VALID", "NHWC", PLAIN)[0, :, :, 0], [[6, 8], [14, 16]]),
        (lambda: tf.nn.atrous_conv2d(SQUARE, np.ones((2, 2, 1, 1), "f"), 2, "VALID")[0, :, :, 0], [[20, 24], [36, 40]]),
        (lambda: tf.nn.atrous_conv2d_transpose(np.ones((1, 2, 2, 1), "f"), np.ones((2, 2, 1, 1), "f"), (1, 4, 4, 1), 2,
                                               "VALID")[0, :, :, 0], np.ones((4, 4))),
        (lambda: tf.nn.depthwise_conv2d_backprop_input((1, 4, 4, 1), np.ones((4, 4, 1, 1), "f"), [[[[2.0]]]], 1,
                                                       "VALID")[0, :, :, 0], np.full((4, 4), 2)),
        (lambda: tf.nn.depthwise_conv2d_backprop_filter(SQUARE, (4, 4, 1, 1), [[[[2.0]]]], 1, "VALID")[..., 0],
         SQUARE[0] * 2),
    ],
)  # fmt: skip
def test_values(call: Callable[[], Any], wanted: Any) -> None:
    np.testing.assert_allclose(call().numpy(), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 3)])
def test_lu_undone(shape: tuple[int, ...]) -> None:
    a = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    packed, order = tf.linalg.lu(a)
    np.testing.assert_allclose(tf.linalg.lu_reconstruct(packed, order).numpy(), a, atol=1e-5)
    solved = tf.linalg.lu_solve(packed, order, a[..., :2]).numpy()
    np.testing.assert_allclose(a @ solved, a[..., :2], atol=1e-5)
    np.testing.assert_allclose(tf.linalg.lu_matrix_inverse(packed, order).numpy(), np.linalg.inv(a), rtol=1e-3)


def test_eigenvectors() -> None:
    a = np.random.default_rng(0).normal(size=(2, 3, 3)).astype(np.float32)
    values, vectors = (t.numpy() for t in tf.linalg.eig(a))
    np.testing.assert_allclose(a @ vectors, vectors * values[:, None], atol=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(4, 2), (2, 4), (3, 3)])
def test_full_factors(rows: int, columns: int) -> None:
    a = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    q, r = (t.numpy() for t in tf.linalg.qr(a, full_matrices=True))
    assert (q.shape, r.shape) == ((rows, rows), (rows, columns))
    np.testing.assert_allclose(q @ r, a, atol=1e-5)
    s, u, v = (t.numpy() for t in tf.linalg.svd(a, full_matrices=True))
    count = min(rows, columns)
    np.testing.assert_allclose(u[:, :count] * s @ v[:, :count].T, a, atol=1e-5)
    np.testing.assert_allclose(u @ u.T, np.eye(rows), atol=1e-5)


def test_small_helpers() -> None:
    with tf.name_scope("a"), tf.name_scope("b"):
        assert tf.get_current_name_scope() == "a/b"
    assert tf.get_logger() is logging.getLogger("graphc")
    assert abs(float(tf.timestamp()) - time.time()) < 5
    spec = tf.type_spec_from_value(tf.Variable(X))
    assert spec.shape == (3, 4)
    assert spec.dtype == "float32"
    assert isinstance(spec, tf.TypeSpec)
    assert tf.CriticalSection().execute(lambda: 3) == 3
    assert tf.AggregationMethod.DEFAULT == tf.AggregationMethod.ADD_N


def test_switches() -> None:
    tf.config.set_soft_device_placement(True)
    assert tf.config.get_soft_device_placement() is False
    tf.config.optimizer.set_jit(True)
    assert tf.config.optimizer.get_experimental_options() == {}
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()])
    tf.debugging.enable_traceback_filtering()
    assert not tf.debugging.is_traceback_filtering_enabled()
    tf.debugging.set_log_device_placement(True)
    assert not tf.debugging.get_log_device_placement()
    tf.debugging.disable_check_numerics()
    tf.debugging.assert_proper_iterable([X])
    keras.config.set_backend("graphc")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tf.no_gradient("Square"), GradientError, "tf.stop_gradient"),
        (lambda: tf.type_spec_from_value("x"), ArgumentError, "got str, expected a tensor"),
        (lambda: tf.broadcast_dynamic_shape([2], [3]), ShapeError, "broadcast_dynamic_shape"),
        (lambda: tf.debugging.assert_proper_iterable(tf.constant(X)), TypeError, "tuple of tensors, got Tensor"),
        (lambda: tf.debugging.enable_check_numerics(), ArgumentError, "check_numerics.x, message"),
        (lambda: tf.nn.dilation2d(SQUARE, ONES, PLAIN, "SAME", "NCHW", PLAIN), ArgumentError, "expected 'NHWC'"),
        (lambda: tf.nn.max_pool_with_argmax(SQUARE, 2, 2, "SAME", "NCHW"), ArgumentError, "expected 'NHWC'"),
        (lambda: tf.signal.fft(X), DTypeError, "expected complex numbers; use rfft"),
        (lambda: keras.config.set_backend("jax"), ArgumentError, "got 'jax'"),
        (lambda: tf.config.set_logical_device_configuration(
            tf.config.PhysicalDevice("/physical_device:CPU:0", "CPU"), [tf.config.LogicalDeviceConfiguration(100)]),
         ArgumentError, "does not divide devices"),
    ],
)  # fmt: skip
def test_errors(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_names_that_cannot_be_say_what_to_use(name: str) -> None:
    assert name not in tf.__all__
    with pytest.raises(AttributeError, match=rf"graphc has no tf\.{name}: \w+"):
        getattr(tf, name)


# --- tf.signal -------------------------------------------------------------------------------------------------------


def test_transforms() -> None:
    rng = np.random.default_rng(0)
    z = (rng.normal(size=(2, 6)) + 1j * rng.normal(size=(2, 6))).astype(np.complex64)
    for ours, numpys in (
        (tf.signal.fft, np.fft.fft),
        (tf.signal.ifft, np.fft.ifft),
        (tf.signal.fft2d, np.fft.fft2),
        (tf.signal.ifft2d, np.fft.ifft2),
        (tf.signal.fftshift, np.fft.fftshift),
        (tf.signal.ifftshift, np.fft.ifftshift),
    ):
        np.testing.assert_allclose(ours(z).numpy(), numpys(z), atol=1e-5)
    np.testing.assert_allclose(tf.signal.rfft(z.real, [8]).numpy(), np.fft.rfft(z.real, 8), atol=1e-5)
    np.testing.assert_allclose(tf.signal.irfft(np.fft.rfft(z.real).astype("c8")).numpy(), z.real, atol=1e-5)


def test_windows_have_tensorflows_values() -> None:
    np.testing.assert_allclose(tf.signal.hann_window(4).numpy(), [0, 0.5, 1, 0.5], atol=1e-6)
    np.testing.assert_allclose(tf.signal.hann_window(3).numpy(), [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(tf.signal.hann_window(4, periodic=False).numpy(), [0, 0.75, 0.75, 0], atol=1e-6)
    np.testing.assert_allclose(tf.signal.hamming_window(4).numpy(), [0.08, 0.54, 1, 0.54], atol=1e-6)
    np.testing.assert_allclose(tf.signal.kaiser_window(3, 2.0).numpy(), np.kaiser(3, 2.0), atol=1e-6)


def test_frames() -> None:
    x = np.arange(7, dtype=np.float32)
    np.testing.assert_array_equal(tf.signal.frame(x, 3, 2).numpy(), [[0, 1, 2], [2, 3, 4], [4, 5, 6]])
    padded = tf.signal.frame(x, 3, 2, pad_end=True, pad_value=9).numpy()
    np.testing.assert_array_equal(padded, [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 9, 9]])
    assert tf.signal.frame(np.zeros((7, 2)), 3, 2, axis=0).shape == (3, 3, 2)
    np.testing.assert_array_equal(tf.signal.overlap_and_add(np.ones((3, 3), "f"), 2).numpy(), [1, 1, 2, 1, 2, 1, 1])


def test_the_short_time_transform_and_back() -> None:
    x = np.random.default_rng(0).normal(size=(2, 40)).astype(np.float32)
    spectrum = tf.signal.stft(x, 8, 4)
    assert (spectrum.shape, spectrum.dtype) == ((2, 9, 5), "complex64")
    back = tf.signal.inverse_stft(spectrum, 8, 4, window_fn=inverse_stft_window_fn(4, hann_window)).numpy()
    np.testing.assert_allclose(back[:, 8:-8], x[:, 8:-8], atol=1e-5)


# --- tf.test ---------------------------------------------------------------------------------------------------------


class Assertions(tf.test.TestCase):
    def test_all(self) -> None:
        self.assertAllClose(tf.constant([1.0, 2.0]), [1.0, 2.0000001])
        self.assertAllClose({"a": X}, {"a": X})
        self.assertAllEqual([1, 2], np.array([1, 2]))
        self.assertNotAllClose([1.0], [2.0])
        self.assertShapeEqual(X, tf.zeros((3, 4)))
        self.assertAllInRange(X, 0, 11)
        self.assertAllInSet([1, 2, 1], {1, 2})
        assert self.evaluate({"a": tf.constant(1)}) == {"a": 1}
        assert self.get_temp_dir()

    def test_failures(self) -> None:
        calls: tuple[Callable[[], None], ...] = (
            lambda: self.assertAllClose([1.0], [1.1]),
            lambda: self.assertAllClose({"a": 1}, {"b": 1}),
            lambda: self.assertAllEqual([1], [2]),
            lambda: self.assertNotAllClose([1.0], [1.0]),
            lambda: self.assertShapeEqual(X, X.T),
            lambda: self.assertAllInRange(X, 0, 10),
            lambda: self.assertAllInSet([3], {1, 2}),
        )
        for call in calls:
            with pytest.raises(AssertionError):
                call()


def test_the_test_case_is_one_of_unittest() -> None:
    assert issubclass(tf.test.TestCase, unittest.TestCase)
    exact, near = tf.test.compute_gradient(lambda a, b: a * b, [X[0], X[1]])
    for a, b in zip(exact, near, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-2)
    assert tf.test.is_gpu_available() == bool(tf.test.gpu_device_name()) == tf.test.is_built_with_cuda()
