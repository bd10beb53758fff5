"""What a table of values does not show: deviations from Keras, gradients, tracing, error messages."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import Input, Model, ops
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError

X = np.array([[1.5, -2.0, 3.0, 0.25], [0.5, 4.0, -1.0, 2.0]], np.float32)


# --- where open sizes matter -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("reverse", [False, True])
def test_an_associative_scan_along_an_axis_of_open_size(axis: int, reverse: bool) -> None:
    x = np.arange(24, dtype=np.float32).reshape(4, 3, 2)

    def join(a: Any, b: Any) -> Any:
        return a[0] + b[0], a[1] * b[1]

    run = tf.function(lambda t: ops.associative_scan(join, (t, t / 10), reverse, axis),
                      input_signature=[tf.TensorSpec([None, None, None])])  # fmt: skip
    turned = np.flip(x, axis) if reverse else x
    expected = [np.cumsum(turned, axis), np.cumprod(turned / 10, axis)]
    for have, want in zip(run(x), expected, strict=True):
        np.testing.assert_allclose(have.numpy(), np.flip(want, axis) if reverse else want, rtol=1e-5)
    assert ops.associative_scan(lambda a, b: a + b, Input((None, 4)), axis=1).shape == (None, None, 4)
    np.testing.assert_array_equal(run(x[:1, :1, :1])[0].numpy(), x[:1, :1, :1])


def test_a_block_from_a_tensor_on_to_the_end() -> None:
    x, start = np.arange(12, dtype=np.float32).reshape(3, 4), tf.constant([1, 2])
    assert ops.slice(x, start, (-1, -1)).numpy().tolist() == [[6, 7], [10, 11]]
    traced = tf.function(lambda x, start: ops.slice(x, start, (-1, 1)))
    assert traced(tf.constant(x), start).numpy().tolist() == [[6], [10]]
    described = ops.slice(Input((4,), batch_size=3), KerasTensor((2,), "int32"), (-1, 1))
    assert described.shape == (None, 1)


def test_the_number_of_segments_of_a_model_is_given() -> None:
    rows, ids = Input(batch_shape=(3, 2)), Input(batch_shape=(3,), dtype="int32")
    with pytest.raises(ArgumentError, match="only known when the graph runs; pass num_segments="):
        ops.segment_sum(rows, ids)
    assert ops.segment_sum(rows, ids, num_segments=5).shape == (5, 2)


# --- narrow dtypes ---------------------------------------------------------------------------------------------------


def test_a_variance_beyond_float16_is_its_largest_number() -> None:
    mean, variance = ops.moments(np.array([-741.0, 353.0, 1099.0, -1807.0], np.float16), axes=[0])
    assert (float(mean), float(variance)) == (-274.0, 65504.0)
    assert variance.dtype == "float16"


def test_alignments_of_half_precision_are_computed_in_float32() -> None:
    logits = np.linspace(-1, 1, 24, dtype=np.float16).reshape(2, 4, 3)
    assert ops.ctc_loss(np.array([[1, 2], [1, 0]]), logits, np.array([2, 1]), np.array([4, 4])).dtype == "float32"
    assert ops.ctc_decode(logits, np.array([4, 4]))[1].dtype == "float32"


def test_several_classes_as_booleans() -> None:
    np.testing.assert_array_equal(ops.multi_hot([0, 2], 3, dtype="bool").numpy(), [True, False, True])


# --- functions as arguments ------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("ops")
def doubled(x: Any) -> Any:
    return x + x


def test_models_with_functions_as_arguments_are_read_back() -> None:
    inputs = Input((4,))
    model = Model(inputs, ops.vectorized_map(doubled, inputs))
    again = Model.from_config(model.get_config())
    np.testing.assert_array_equal(again(X).numpy(), 2 * X)


# --- where graphc follows NumPy rather than Keras on TensorFlow ------------------------------------------------------


def test_nan_stays_nan_in_a_step() -> None:
    assert math.isnan(ops.heaviside(math.nan, 0.5))


def test_equal_infinities_are_close() -> None:
    assert bool(ops.isclose(math.inf, math.inf))
    assert not bool(ops.isclose(math.inf, 1.0))


def test_the_product_comes_in_the_dtype_asked_for() -> None:
    assert ops.prod(tf.constant([2, 3]), dtype="float16").dtype == "float16"


def test_padding_by_one_pair_or_number() -> None:
    for width in (1, (1, 1), ((1, 1),), np.array([[1, 1], [1, 1]])):
        np.testing.assert_array_equal(ops.pad(X, width).numpy(), np.pad(X, 1))
    np.testing.assert_array_equal(ops.pad(X, 1, "edge").numpy(), np.pad(X, 1, "edge"))


def test_bools_add_up_as_logic() -> None:
    a, b = np.array([True, True, False]), np.array([True, False, False])
    np.testing.assert_array_equal(ops.add(a, b).numpy(), a | b)
    np.testing.assert_array_equal(ops.multiply(a, b).numpy(), a & b)
    np.testing.assert_array_equal(ops.maximum(a, b).numpy(), a | b)
    np.testing.assert_array_equal(ops.minimum(a, b).numpy(), a & b)


def test_the_norm_of_any_rank() -> None:
    assert float(ops.norm(X.reshape(2, 2, 2))) == pytest.approx(float(np.linalg.norm(X)))


@pytest.mark.parametrize("q", [0.3, [0.1, 0.9], [[0.0, 0.5], [0.5, 1.0]]])
def test_quantiles_of_several_fractions(q: Any) -> None:
    damaged = X.copy()
    damaged[0, 1] = np.nan
    np.testing.assert_allclose(ops.quantile(X, q, axis=1).numpy(), np.quantile(X, q, axis=1), atol=1e-6)
    found = ops.nanquantile(damaged, q, axis=1)
    np.testing.assert_allclose(found.numpy(), np.nanquantile(damaged, q, axis=1), atol=1e-6)
    found = ops.quantile(X, q, axis=0, keepdims=True)
    np.testing.assert_allclose(found.numpy(), np.quantile(X, q, axis=0, keepdims=True), atol=1e-6)


def test_partitions() -> None:
    order = ops.argpartition(X, 1).numpy()
    smallest = np.take_along_axis(X, order[:, :2], 1)
    np.testing.assert_array_equal(np.sort(smallest, 1), np.sort(X, 1)[:, :2])


def test_rows_are_counted_one_by_one() -> None:
    found = ops.bincount([[0, 2, 2], [1, 1, 0]], minlength=4).numpy()
    np.testing.assert_array_equal(found, [[1, 0, 2, 0], [1, 2, 0, 0]])


@pytest.mark.parametrize("size", [7, 8, 64, 97, 210])
def test_fourier_transforms_of_any_length(size: int) -> None:
    rng = np.random.default_rng(size)
    x = rng.normal(size=(2, size)).astype(np.float32)
    real, imaginary = ops.rfft(x)
    wanted = np.fft.rfft(x)
    np.testing.assert_allclose(real.numpy(), wanted.real, atol=2e-5 * size)
    np.testing.assert_allclose(imaginary.numpy(), wanted.imag, atol=2e-5 * size)
    np.testing.assert_allclose(ops.irfft((real, imaginary), fft_length=size).numpy(), x, atol=1e-5)


@pytest.mark.parametrize("center", [True, False])
def test_short_time_transforms_invert(center: bool) -> None:
    x = np.random.default_rng(0).normal(size=(2, 24)).astype(np.float32)
    spectrum = ops.stft(x, 6, 2, 8, window="hamming", center=center)
    back = ops.istft(spectrum, 6, 2, 8, window="hamming", center=center).numpy()
    np.testing.assert_allclose(back[:, 8:16], x[:, 8:16], atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 4, 2)])
def test_full_factors_are_orthogonal(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    u, s, v = (t.numpy() for t in ops.svd(x))
    rows, columns = shape[-2:]
    np.testing.assert_allclose(u @ np.swapaxes(u, -1, -2), np.broadcast_to(np.eye(rows), u.shape), atol=1e-5)
    np.testing.assert_allclose(v @ np.swapaxes(v, -1, -2), np.broadcast_to(np.eye(columns), v.shape), atol=1e-5)
    count = min(rows, columns)
    np.testing.assert_allclose(u[..., :count] * s[..., None, :] @ v[..., :count, :], x, atol=1e-5)
    q, r = (t.numpy() for t in ops.qr(x, mode="complete"))
    assert (q.shape[-2:], r.shape[-2:]) == ((rows, rows), (rows, columns))
    np.testing.assert_allclose(q @ r, x, atol=1e-5)


# --- functions of functions ------------------------------------------------------------------------------------------


def test_the_derivative_in_a_direction() -> None:
    value, moved = ops.jvp(lambda a, b: a * a * b, (X[0], X[1]), (np.ones(4, "f"), np.zeros(4, "f")))
    np.testing.assert_allclose(value.numpy(), X[0] ** 2 * X[1])
    np.testing.assert_allclose(moved.numpy(), 2 * X[0] * X[1])
    *_, extra = ops.jvp(lambda a: (a * 2, "more"), (X[0],), (X[1],), has_aux=True)
    assert extra == "more"


def test_a_function_of_scalars() -> None:
    found = ops.vectorize(lambda a, b, factor: (a + b) * factor, excluded=[2])(X, X[:1], 3.0)
    np.testing.assert_allclose(found.numpy(), (X + X[:1]) * 3)
    with pytest.raises(ArgumentError, match="vectorizes functions of scalars only"):
        ops.vectorize(lambda a: a, signature="(n)->()")


def test_a_gradient_of_ones_own() -> None:
    @ops.custom_gradient
    def tripled(x: Any) -> Any:
        return x * 1.0, lambda upstream: upstream * 3.0

    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = tripled(x)
    assert float(tape.gradient(y, x)) == 3.0


def test_loops_inside_a_traced_function() -> None:
    @tf.function
    def f(x: Any) -> Any:
        doubled = ops.fori_loop(0, 3, lambda i, a: a * 2.0, x)
        last, all_sums = ops.scan(lambda c, row: (c + row, c), ops.zeros((4,)), x)
        chosen = ops.cond(ops.sum(x) > 0, lambda: last, lambda: -last)
        return doubled, all_sums, chosen, ops.while_loop(lambda n: n < 10, lambda n: n * 3, 1)

    doubled, all_sums, chosen, grown = f(X)
    np.testing.assert_allclose(doubled.numpy(), X * 8)
    np.testing.assert_allclose(all_sums.numpy(), [np.zeros(4), X[0]])
    np.testing.assert_allclose(chosen.numpy(), X.sum(0))
    assert int(grown) == 27


def test_an_open_size_inside_a_traced_function() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def f(x: Any) -> Any:
        rows, columns = ops.shape(x)
        assert columns == 4
        return ops.reshape(x, (rows, 2, 2)), ops.ones((rows, 1)), ops.quantile(x, 0.5, axis=0), ops.argmax(x, axis=0)

    for count in (1, 2):
        reshaped, ones, middle, places = f(X[:count])
        np.testing.assert_array_equal(reshaped.numpy(), X[:count].reshape(count, 2, 2))
        np.testing.assert_array_equal(ones.numpy(), np.ones((count, 1)))
        np.testing.assert_allclose(middle.numpy(), np.quantile(X[:count], 0.5, axis=0))
        np.testing.assert_array_equal(places.numpy(), X[:count].argmax(0))


GRADIENTS = [
    "sum(x * x)",
    "mean(sin(x) * exp(x))",
    "logsumexp(x)",
    "max(x)",
    "norm(x, ord=3, axis=1)[0]",
    "sum(softmax(x) * x)",
    "sum(cumsum(x, axis=1) * x)",
    "sum(take(x, [0, 0, 1], axis=1) ** 2)",
    "sum(where(x > 0, x, x * x))",
    "quantile(x, 0.3)",
    "sum(einsum('ij,kj->ik', x, x))",
    "sum(hypot(x, 1.0))",
    "sum(logaddexp(x, 0.5))",
    "sum(sinc(x))",
    "sum(stack([x, x * 2], axis=0) ** 2)",
    "sum(pad(x, 1, mode='reflect') ** 2)",
    "sum(scatter_update(x, [[0, 0]], [5.0]) ** 2)",
    "sum(slice(x, (0, 1), (2, 2)) ** 3)",
    "sum(rfft(x)[0] ** 2)",
    "sum(layer_normalization(x) * x)",
    "sum(cdist(x, x * 2))",
    "sum(image.resize(x[..., None], (3, 3)) ** 2)",
    "sum(sparse_categorical_crossentropy([1, 2], x, from_logits=True))",
]


@pytest.mark.parametrize("line", GRADIENTS)
def test_gradients_against_differences(line: str) -> None:
    names = {name: getattr(ops, name) for name in ops.__all__}
    x = tf.constant(X, "float64")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = eval(line, names, {"x": x})
    gradient = tape.gradient(y, x).numpy()
    step = 1e-6
    for place in np.ndindex(X.shape):
        moved = [X.astype(np.float64) for _ in range(2)]
        moved[0][place] += step
        moved[1][place] -= step
        up, down = (float(eval(line, names, {"x": tf.constant(m)})) for m in moved)
        assert gradient[place] == pytest.approx((up - down) / (2 * step), rel=2e-4, abs=2e-5)


def test_distances_of_equal_rows_have_a_gradient() -> None:
    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        y = ops.sum(ops.cdist(x, x))
    assert np.isfinite(tape.gradient(y, x).numpy()).all()


# --- recording -------------------------------------------------------------------------------------------------------


def test_a_keyword_that_is_symbolic() -> None:
    x = Input((4,))
    low = ops.min(x, axis=1, keepdims=True)
    model = Model(x, ops.clip(x, low, 2.0))
    np.testing.assert_allclose(model(X).numpy(), np.minimum(X, 2.0))


def test_rearranging_keras_tensors() -> None:
    x = Input((4, 6))
    y = ops.rearrange(x, "a (b c) d -> a b (d c)", b=2)
    assert y.shape == (None, 2, 12)
    data = np.arange(48, dtype=np.float32).reshape(2, 4, 6)
    wanted = data.reshape(2, 2, 2, 6).transpose(0, 1, 3, 2).reshape(2, 2, 12)
    np.testing.assert_array_equal(Model(x, y)(data).numpy(), wanted)


def test_an_unused_input_can_be_saved() -> None:
    x, unused = Input((4,), name="x"), Input((2,), name="unused")
    model = Model([x, unused], x * 2.0)
    loaded = keras.models.model_from_json(model.to_json())
    np.testing.assert_allclose(loaded([X, X[:, :2]]).numpy(), X * 2)


def test_names_count_up() -> None:
    x = Input((4,))
    names = [ops.mean(x).history.operation.name for _ in range(2)]
    first, second = (int(name.rpartition("_")[2]) if name != "mean" else 0 for name in names)
    assert second == first + 1


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("where(x > 0, x)", ArgumentError, "takes both x1 and x2, or neither"),
        ("select([x > 0], [x, x])", ArgumentError, "got 1 conditions and 2 choices"),
        ("take(x, [7], axis=1)", ArgumentError, "7"),
        ("rot90(x, axes=(0, 0))", ArgumentError, r"axes=\(0, 0\) name one axis twice"),
        ("pad(x, 1, mode='mirror')", ArgumentError, "got mode='mirror', expected one of constant, reflect"),
        ("pad(x, 1, mode='edge', constant_values=2)", ArgumentError, "constant_values=2 has no meaning"),
        ("array_split(x, 0)", ArgumentError, "into 0 parts; expected a known size"),
        ("split(x, 3, axis=1)", ArgumentError, "axis 1 of size 4 cannot be cut into 3"),
        ("quantile(x, 0.5, method='mean')", ArgumentError, "got method='mean', expected one of linear, lower"),
        ("bincount([1], sparse=True)", ArgumentError, "no sparse tensors"),
        ("histogram(x, 0)", ArgumentError, "bins=0, expected an integer of 1 or more"),
        ("correlate(x[0], x[0], mode='half')", ArgumentError, "'valid', 'same' or 'full'"),
        ("cross(x, x)", ArgumentError, "length 4 and 4, expected 2 or 3"),
        ("diag(x[None])", ShapeError, r"shape \(1, 2, 4\), expected a vector or a matrix"),
        ("unique(x, axis=0)", ArgumentError, "distinct elements, not slices"),
        ("searchsorted(x, 1.0)", ArgumentError, r"sequence of shape \(2, 4\), expected a vector"),
        ("ldexp(x, x)", DTypeError, "exponent of dtype float32, expected integers"),
        ("one_hot([1], 2, sparse=True)", ArgumentError, "no sparse tensors"),
        ("glu(x[:, :3])", ShapeError, "got size 3 along axis -1"),
        ("normalize(x, order=0)", ArgumentError, "order=0, expected a number of at least 1"),
        ("norm(x, ord='max', axis=1)", ArgumentError, "ord='max' for vectors, expected a number"),
        ("norm(x, ord=7, axis=(0, 1))", ArgumentError, "ord=7 for matrices, expected 'fro'"),
        ("qr(x, mode='full')", ArgumentError, "mode='full', expected 'reduced' or 'complete'"),
        ("categorical_crossentropy(x, x[:, :3])", ShapeError, "expected the same shape"),
        ("sparse_categorical_crossentropy([[1, 2]], x)", ShapeError, "expected it without axis -1"),
        ("scatter_update(x, [[0, 0]], [1.0], reduction='mean')", ArgumentError, "reduction='mean', expected None"),
        ("scan(lambda c, y: (c, y), 0.0)", ArgumentError, "neither xs nor length"),
        ("scan(3, 0.0, x)", ArgumentError, "got 3 as function"),
        ("scan(lambda c, y: (c, y), 0.0, x, unroll=-1)", ArgumentError, "unroll=-1, expected True, False"),
        ("associative_scan(lambda a, b: a, (x, x[:1]))", ShapeError, r"got the sizes \[2, 1\] along axis 0"),
        ("convert_to_tensor(x, sparse=True)", ArgumentError, "no sparse and ragged tensors"),
        ("view_as_complex(x)", ShapeError, "expected a last axis of size 2"),
        ("fft(x)", ArgumentError, r"takes a pair \(real, imaginary\)"),
        ("stft(x, 4, 1, 2)", ArgumentError, "fft_length=2, expected at least sequence_length=4"),
        ("stft(x, 2, 0, 4)", ArgumentError, "stft: got sequence_stride=0, expected a positive integer"),
        ("istft((x, x), 2, 1.5, 4)", ArgumentError, "istft: got sequence_stride=1.5"),
        ("istft((x[0], x[0]), 2, 1, 6)", ShapeError, "got one transform"),
        ("fft((x, x[:1]))", ShapeError, r"of one shape with at least one axis, got \(2, 4\) and \(1, 4\)"),
        ("rfft(1.0)", ShapeError, "rfft: got a scalar"),
        ("extract_sequences(1.0, 2, 1)", ShapeError, "extract_sequences: got a scalar"),
        ("ctc_decode(x[None], [2], strategy='beam_search')", ArgumentError, "greedily only"),
        ("dot_product_attention(x, x, x)", ShapeError, r"expected \(batch, length, heads, depth\)"),
        ("rearrange(x, 'a b')", ArgumentError, "expected two sides"),
        ("rearrange(x, 'a b -> a c')", ArgumentError, "each name once on both sides"),
        ("rearrange(x, 'a (b c) -> a b c')", ArgumentError, "leaves the lengths of b, c open"),
        ("rearrange(x, 'a (b c) -> a b c', b=3)", ShapeError, "does not divide into b c"),
        ("rearrange(x, 'a b c -> a b c')", ShapeError, "has 3 axes"),
        ("image.resize(x, (2, 2))", ShapeError, "expected .height, width, channels."),
        ("image.resize(x[..., None], (2, 2), interpolation='area')", ArgumentError, "expected one of nearest"),
        ("image.crop_images(x[..., None], 1)", ArgumentError, "got before of the amounts before and after"),
        ("image.rgb_to_hsv([[[1, 2, 3]]])", DTypeError, "int32, expected floats between 0 and 1"),
        ("image.affine_transform(x[..., None], [1.0, 0.0])", ShapeError, "expected 8 coefficients"),
        ("image.map_coordinates(x, [[0.0]], 1)", ShapeError, "expected 2 rows"),
        ("image.map_coordinates(x, [[0.0], [0.0]], 3)", ArgumentError, "order=3, expected 0 or 1"),
        ("unfold(x, 2)", ShapeError, r"expected \(batch, channels, height, width\)"),
        ("fold(x[None], (4, 4), 2)", ShapeError, "for 3 x 3 positions"),
    ],
)
def test_errors(line: str, error: type[Exception], message: str) -> None:
    names = {name: getattr(ops, name) for name in ops.__all__}
    with pytest.raises(error, match=message):
        eval(line, {**names, "x": tf.constant(X)})


@pytest.mark.parametrize("module", [ops, ops.numpy, ops.nn, ops.linalg, ops.image])
def test_every_listed_name_is_there_once(module: Any) -> None:
    assert len(set(module.__all__)) == len(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert module is ops.image or set(module.__all__) <= set(ops.__all__)


def test_tile_takes_repeats_as_a_tensor() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def tiled(x: Any) -> Any:
        rows = ops.shape(x)[0]
        return ops.tile(ops.ones((1, 2)), ops.concatenate([ops.expand_dims(rows, 0), ops.convert_to_tensor([2])], 0))

    assert tiled(np.ones((4, 3), "float32")).shape == (4, 4)
    assert ops.tile(np.ones((1, 2)), np.array([3, 1])).shape == (3, 2)
    assert ops.tile(np.ones((1, 2)), ops.convert_to_tensor(3)).shape == (1, 6)
