"""tf.random: one stream in eager, NumPy and ONNX Runtime runs; seeds, shapes, gradients, statistics, errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import graphc as tf
from graphc import generator, random, variable_initializers
from graphc.data import shuffle as data_shuffle
from graphc_ir import random_bits
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.ops.shape import shape as shape_of

BACKENDS = ("numpy", "onnxruntime")
N = 100_000
Array = npt.NDArray[Any]


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    random.set_seed(1234)
    yield
    generator._global.forget()


def arrays(result: Any) -> list[Array]:
    return [np.asarray(t.numpy()) for t in (result if isinstance(result, (tuple, list)) else [result])]


DRAWS: dict[str, Callable[[], Any]] = {
    "normal": lambda: random.normal((3, 5)),
    "normal-odd-f64": lambda: random.normal([7], 1.0, 2.0, "float64"),
    "normal-scalar": lambda: random.normal(()),
    "uniform": lambda: random.uniform((4,), -2.0, 3.0),
    "uniform-tensor-bounds": lambda: random.uniform((2, 3), tf.constant([0.0, 1.0, 2.0]), tf.constant(5.0)),
    "uniform-int": lambda: random.uniform((6,), -3, 9, "int32"),
    "uniform-int-tensors": lambda: random.uniform((6,), tf.constant(2), tf.constant(9), tf.constant(0).dtype),
    "truncated-normal": lambda: random.truncated_normal((8,), 1.0, 0.5),
    "half": lambda: random.uniform((5,), dtype="float16"),
    "shuffle": lambda: random.shuffle(tf.constant([[1, 2], [3, 4], [5, 6], [7, 8]])),
    "categorical": lambda: random.categorical(tf.constant([[0.0, 1.0, 3.0], [2.0, 0.0, 0.0]]), 6),
    "op-seed": lambda: random.normal((3,), seed=7),
    "dropout": lambda: random.dropout(tf.constant(np.ones((4, 6), np.float32)), 0.4),
    "dropout-noise-shape": lambda: random.dropout(tf.constant(np.ones((4, 6), np.float32)), 0.5, [None, 1], seed=3),
    "stateless-normal": lambda: random.stateless_normal((3,), [1, 2]),
    "stateless-full-int": lambda: random.stateless_uniform((3,), [1, 2], None, None, "int32"),
    "stateless-seed-tensor": lambda: random.stateless_uniform((3,), random.fold_in(tf.constant([4, 5]), 3)),
    "stateless-shuffle": lambda: random.stateless_shuffle(tf.constant([1, 2, 3, 4]), (0, 9)),
    "split": lambda: random.split([3, 4], 3),
    "generator": lambda: random.get_global_generator().uniform_full_int((3,), "int64"),
    "seeds": lambda: random.get_global_generator().make_seeds(2),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", DRAWS)
def test_streams_are_equal_in_eager_and_traced_runs(name: str, backend: str) -> None:
    draw = DRAWS[name]
    traced = tf.function(lambda: (draw(), draw()), backend=backend)
    expected = [a for _ in range(2) for a in arrays((draw(), draw()))]
    random.set_seed(1234)
    received = [a for _ in range(2) for a in arrays(traced())]
    for have, want in zip(received, expected, strict=True):
        assert (have.dtype, have.shape) == (want.dtype, want.shape)
        np.testing.assert_allclose(have, want, rtol=2e-6, atol=2e-6)
    if not name.startswith(("stateless", "split")):
        assert not np.array_equal(expected[0], expected[1])
        assert not np.array_equal(expected[0], expected[2])


@pytest.mark.parametrize("backend", BACKENDS)
def test_eager_and_traced_draws_continue_one_another(backend: str) -> None:
    traced = tf.function(lambda: random.uniform((3,)), backend=backend)
    mixed = [random.uniform((3,)), traced(), random.uniform((3,)), traced()]
    random.set_seed(1234)
    plain = [random.uniform((3,)) for _ in range(4)]
    for a, b in zip(mixed, plain, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("backend", BACKENDS)
def test_sizes_known_only_when_run(backend: str) -> None:
    def draw(x: Any) -> Any:
        n = shape_of(x)[0]
        return x + random.normal(shape_of(x)), random.uniform([n, 2]), random.shuffle(x), random.dropout(x, 0.5)

    noisy = tf.function(draw, input_signature=[tf.TensorSpec([None, 3])], backend=backend)

    for rows in (1, 4, 7):
        x = tf.constant(np.arange(3.0 * rows, dtype=np.float32).reshape(rows, 3))
        random.set_seed(rows)
        received = arrays(noisy(x))
        random.set_seed(rows)
        expected = arrays((x + random.normal((rows, 3)), random.uniform((rows, 2)), random.shuffle(x),
                           random.dropout(x, 0.5)))  # fmt: skip
        for have, want in zip(received, expected, strict=True):
            np.testing.assert_allclose(have, want, rtol=2e-6, atol=2e-6)
    assert noisy.experimental_get_tracing_count() == 1


# --- seeds -----------------------------------------------------------------------------------------------------------


def test_set_seed_starts_over_and_seeds_differ() -> None:
    first = random.normal((4,)).numpy()
    random.set_seed(1234)
    np.testing.assert_array_equal(random.normal((4,)).numpy(), first)
    random.set_seed(1235)
    assert not np.array_equal(random.normal((4,)).numpy(), first)


def test_op_seeds_have_streams_of_their_own() -> None:
    first, second = random.uniform((2,), seed=1), random.uniform((2,), seed=1)
    assert not np.array_equal(first.numpy(), second.numpy())
    random.set_seed(1234)
    random.uniform((100,))  # does not move the stream of seed 1
    np.testing.assert_array_equal(random.uniform((2,), seed=1).numpy(), first.numpy())
    assert not np.array_equal(random.uniform((2,), seed=2).numpy(), first.numpy())
    np.testing.assert_array_equal(random.uniform((2,), seed=1).numpy(), second.numpy())


def test_without_a_global_seed_op_seeds_still_reproduce() -> None:
    generator._global.forget()
    first = random.normal((3,), seed=5).numpy()
    free = random.normal((3,)).numpy()
    generator._global.forget()
    np.testing.assert_array_equal(random.normal((3,), seed=5).numpy(), first)
    assert not np.array_equal(random.normal((3,)).numpy(), free)


def test_a_functions_later_signatures_may_draw_first() -> None:
    generator._global.forget()

    def draws(x: Any, draw: bool) -> Any:
        return x + random.normal((2,), seed=11) + random.normal((2,)) if draw else x

    maybe = tf.function(draws, backend="numpy")
    x = tf.constant([1.0, 2.0])
    maybe(x, False)
    assert not np.array_equal(maybe(x, True).numpy(), maybe(x, True).numpy())


def test_datasets_follow_the_global_seed() -> None:
    first = [data_shuffle.global_seed() for _ in range(3)]
    assert len(set(first)) == 3
    random.set_seed(1234)
    assert [data_shuffle.global_seed() for _ in range(3)] == first
    generator._global.forget()
    assert data_shuffle.global_seed() is None


def test_threads_never_share_a_key() -> None:
    drawn: list[list[float]] = [[] for _ in range(4)]

    def work(out: list[float]) -> None:
        out.extend(float(random.uniform((), dtype="float64")) for _ in range(100))

    threads = [threading.Thread(target=work, args=(out,)) for out in drawn]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({value for out in drawn for value in out}) == 400


def test_stateless_draws_depend_on_the_seed_alone() -> None:
    a = random.stateless_normal((3,), seed=[1, 2]).numpy()
    np.testing.assert_array_equal(random.stateless_normal((3,), seed=tf.constant([1, 2])).numpy(), a)
    np.testing.assert_array_equal(random.stateless_normal((3,), seed=np.array([1, 2])).numpy(), a)
    assert not np.array_equal(random.stateless_normal((3,), seed=[1, 3]).numpy(), a)
    assert not np.array_equal(random.stateless_normal((3,), seed=[2, 2]).numpy(), a)


def test_split_and_fold_in_make_new_seeds() -> None:
    seeds = random.split([1, 2], 4).numpy()
    assert seeds.shape == (4, 2)
    assert len({tuple(seed) for seed in seeds}) == 4
    np.testing.assert_array_equal(random.fold_in([1, 2], 3).numpy(), seeds[3])
    np.testing.assert_array_equal(random.experimental.stateless_split([1, 2], 4).numpy(), seeds)


# --- generators ------------------------------------------------------------------------------------------------------


def test_generators_from_seeds_and_states() -> None:
    a, b = random.Generator.from_seed(5), random.Generator.from_seed(5, alg="philox")
    np.testing.assert_array_equal(a.normal((3,)).numpy(), b.normal((3,)).numpy())
    copy = random.Generator(copy_from=a)
    resumed = random.Generator.from_state(a.state)
    expected = a.uniform((2,)).numpy()
    np.testing.assert_array_equal(copy.uniform((2,)).numpy(), expected)
    np.testing.assert_array_equal(resumed.uniform((2,)).numpy(), expected)
    a.reset_from_seed(5)
    a.skip(1)
    np.testing.assert_array_equal(a.uniform((2,)).numpy(), expected)
    assert int(a.key) == int(a.state.numpy()[0])
    key_counter = random.Generator.from_key_counter(int(a.key), [1])
    np.testing.assert_array_equal(key_counter.uniform((2,)).numpy(), expected)


def test_generators_do_not_repeat_each_other() -> None:
    parent = random.Generator.from_seed([1, 2, 3])
    draws = [g.uniform((4,)).numpy() for g in (*parent.split(3), parent, *parent.split(1))]
    draws += [random.Generator.from_non_deterministic_state().uniform((4,)).numpy() for _ in range(2)]
    assert len({d.tobytes() for d in draws}) == 7


@pytest.mark.parametrize("backend", BACKENDS[:1])
def test_a_generator_is_state_of_a_function(backend: str) -> None:
    g = random.Generator.from_seed(2)
    step = tf.function(lambda: g.truncated_normal((3,)), backend=backend)
    first, second = step().numpy(), step().numpy()
    assert g.state.numpy()[1] == 2
    g.reset_from_seed(2)
    np.testing.assert_array_equal([step().numpy(), step().numpy()], [first, second])
    graph = step.get_concrete_function().graph
    assert [(s.name, s.output is not None) for s in graph.states] == [("random_state", True)]


def test_the_global_generator_can_be_replaced() -> None:
    random.set_global_generator(random.Generator.from_seed(9))
    drawn = random.normal((3,)).numpy()
    np.testing.assert_array_equal(random.Generator.from_seed(9).normal((3,)).numpy(), drawn)


def test_a_state_is_not_tied_to_the_array_it_came_from() -> None:
    state = random_bits.make_key(3)
    g = random.Generator.from_state(state)
    state[0] = 99
    assert int(g.key) == 3


# --- gradients, shapes, statistics -----------------------------------------------------------------------------------


def test_gradients_reach_mean_and_stddev() -> None:
    mean, stddev = tf.Variable([1.0, 2.0]), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        draws = random.normal((5, 2), mean, stddev)
        total = reduce_sum(draws)
    to_mean, to_stddev = tape.gradient(total, [mean, stddev])
    np.testing.assert_allclose(to_mean.numpy(), [5.0, 5.0])
    z = (draws.numpy() - mean.numpy()) / 3.0
    np.testing.assert_allclose(to_stddev.numpy(), z.sum(), rtol=1e-4, atol=1e-5)


def test_gradients_reach_bounds_beta_and_dropped_values() -> None:
    low, beta, x = tf.Variable(1.0), tf.Variable(2.0), tf.Variable([1.0] * 50)
    with tf.GradientTape(persistent=True) as tape:
        u = reduce_sum(random.uniform((3,), low, 4.0))
        gammas = reduce_sum(random.gamma((3,), 2.0, beta))
        kept = random.dropout(x, 0.2)
        total = reduce_sum(kept)
    assert 0 < float(tape.gradient(u, low)) < 3
    np.testing.assert_allclose(float(tape.gradient(gammas, beta)), -float(gammas) / 2.0, rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(total, x).numpy(), kept.numpy())
    assert set(np.round(kept.numpy(), 4)) == {0.0, 1.25}


def test_statistics() -> None:
    z = random.normal((N,), 2.0, 3.0).numpy()
    assert abs(z.mean() - 2) < 4.5 * 3 / N**0.5
    assert abs(z.std() / 3 - 1) < 0.015
    u = random.uniform((N,), -1.0, 1.0).numpy()
    assert abs(u.mean()) < 4.5 / (3 * N) ** 0.5
    assert -1 <= u.min() < -0.999
    assert np.abs(random.truncated_normal((N,), 0.0, 2.0).numpy()).max() <= 4.0
    dropped = random.dropout(tf.constant(np.ones(N, np.float32)), 0.25).numpy()
    assert abs((dropped == 0).mean() - 0.25) < 0.007
    assert abs(dropped.mean() - 1) < 0.01
    counts = np.bincount(random.uniform((N,), maxval=5, dtype="int32").numpy()) / N
    np.testing.assert_allclose(counts, 0.2, atol=0.006)
    classes = random.categorical(np.log([[0.2, 0.8]]).astype(np.float32), N).numpy()
    assert abs(classes.mean() - 0.8) < 0.007


def test_numpy_only_draws() -> None:
    g = random.gamma([N], [0.5, 4.0], beta=2.0)
    assert g.shape == (N, 2)
    np.testing.assert_allclose(g.numpy().mean(0), [0.25, 2.0], rtol=0.03)
    p = random.poisson([N], [1.0, 6.0], dtype="int32")
    assert p.dtype == "int32"
    np.testing.assert_allclose(p.numpy().mean(0), [1.0, 6.0], rtol=0.03)
    b = random.Generator.from_seed(1).binomial([N], 10, 0.3)
    np.testing.assert_allclose(b.numpy().mean(), 3.0, rtol=0.03)
    first = random.stateless_gamma((3,), [1, 2], 2.0).numpy()
    np.testing.assert_array_equal(random.stateless_gamma((3,), [1, 2], 2.0).numpy(), first)
    assert random.stateless_poisson((2, 2), [1, 2], 3.0).dtype == "int32"
    assert random.stateless_binomial((4,), [1, 2], 5, [0.0, 0.0, 1.0, 1.0]).numpy().tolist() == [0, 0, 5, 5]


def test_shapes_and_dtypes() -> None:
    assert random.normal(tf.constant([2, 3])).shape == (2, 3)
    assert random.normal([tf.constant(2), 3]).shape == (2, 3)
    assert random.uniform((0, 3)).shape == (0, 3)
    assert random.normal((2,), dtype="bfloat16").dtype == "bfloat16"
    assert random.categorical([[0.0, 1.0]], 3, dtype="int32").dtype == "int32"
    assert sorted(random.shuffle([3, 1, 2]).numpy().tolist()) == [1, 2, 3]
    u = random.uniform((1000,), maxval=tf.constant(7, "int64"), dtype="int64").numpy()
    assert (u.min(), u.max()) == (0, 6)


def test_dropout_keeps_everything_at_rate_zero_and_shares_decisions() -> None:
    x = tf.constant(np.ones((40, 30), np.float32))
    assert random.dropout(x, 0) is x
    rows = random.dropout(x, 0.5, noise_shape=(40, 1)).numpy()
    assert (rows == rows[:, :1]).all()
    assert 5 < (rows[:, 0] == 0).sum() < 35
    by_tensor = random.stateless_dropout(x, tf.constant(0.5), [1, 2]).numpy()
    np.testing.assert_array_equal(by_tensor, random.stateless_dropout(x, 0.5, [1, 2]).numpy())


# --- initializers ----------------------------------------------------------------------------------------------------


def test_initializers() -> None:
    assert variable_initializers.zeros_initializer()((2, 2)).numpy().tolist() == [[0, 0], [0, 0]]
    assert variable_initializers.ones_initializer()(shape=(2,), dtype="int32").numpy().tolist() == [1, 1]
    assert variable_initializers.constant_initializer([1.0, 2.0])((2, 1)).numpy().tolist() == [[1.0], [2.0]]
    free = variable_initializers.random_normal_initializer()
    assert not np.array_equal(free((3,)).numpy(), free((3,)).numpy())
    fixed = variable_initializers.random_uniform_initializer(0, 5, seed=3)
    np.testing.assert_array_equal(fixed((9,), "int32").numpy(), fixed((9,), "int32").numpy())
    assert abs(variable_initializers.random_normal_initializer(stddev=0.1, seed=1)((N,)).numpy().std() - 0.1) < 0.001
    again = variable_initializers.random_normal_initializer.from_config(
        variable_initializers.random_normal_initializer(0.0, 0.1, 4).get_config()
    )
    assert repr(again) == "random_normal_initializer(mean=0.0, stddev=0.1, seed=4)"


# --- errors ----------------------------------------------------------------------------------------------------------

ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: random.normal((2,), dtype="int32"), DTypeError, "random_normal: got dtype int32, expected float16"),
    (lambda: random.normal((2, -1)), ShapeError, r"random_normal: shape \[2, -1\] has the negative size -1"),
    (lambda: random.normal((None, 2)), ArgumentError, "a size is None"),
    (lambda: random.uniform((2,), dtype="int32"), ArgumentError, "need maxval"),
    (lambda: random.uniform((2,), 5, 2, "int32"), ArgumentError, "minval=5 and maxval=2"),
    (lambda: random.set_seed("a"), ArgumentError, r"a seed must be an integer, got 'a' \(str\)"),
    (lambda: random.stateless_normal((2,), 5), ArgumentError, r"a pair of integers, e.g. seed=\[1, 2\]; got i64\[\]"),
    (lambda: random.dropout(tf.constant([1.0]), 1.0), ArgumentError, r"rate=1.0, expected a fraction in \[0, 1\)"),
    (lambda: random.dropout(tf.constant([1]), 0.5), DTypeError, "dropout: got x of int32, expected floats"),
    (lambda: random.dropout(tf.constant([1.0, 2.0]), 0.5, (3,)), ShapeError, r"noise_shape=\(3,\) does not broadcast"),
    (lambda: random.shuffle(3), ShapeError, "shuffle: got a scalar"),
    (lambda: random.fold_in([1, 2], -1), ArgumentError, "data=-1, expected an integer >= 0"),
    (lambda: random.Generator(), ArgumentError, "needs copy_from= or state="),
    (lambda: variable_initializers.random_normal_initializer()((2,), "int32"), DTypeError, "expected a float dtype"),
]


@pytest.mark.parametrize(("call", "error", "match"), ERRORS, ids=[match[:30] for *_, match in ERRORS])
def test_wrong_calls_are_explained(call: Callable[[], Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()
