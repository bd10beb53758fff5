"""keras.random: what a seed means, and the distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import Input, random, utils
from graphc_ir.errors import ArgumentError

DRAWS: list[tuple[str, Callable[[Any], Any]]] = [
    ("normal", lambda seed: random.normal((4, 5), seed=seed)),
    ("truncated_normal", lambda seed: random.truncated_normal((4, 5), seed=seed)),
    ("uniform", lambda seed: random.uniform((4, 5), seed=seed)),
    ("randint", lambda seed: random.randint((4, 5), 0, 1000, seed=seed)),
    ("categorical", lambda seed: random.categorical(np.zeros((4, 50), np.float32), 5, seed=seed)),
    ("dropout", lambda seed: random.dropout(np.ones((40, 5), np.float32), 0.5, seed=seed)),
    ("shuffle", lambda seed: random.shuffle(np.arange(40), seed=seed)),
    ("gamma", lambda seed: random.gamma((4, 5), 2.0, seed=seed)),
    ("beta", lambda seed: random.beta((4, 5), 2.0, 3.0, seed=seed)),
    ("binomial", lambda seed: random.binomial((4, 5), 100.0, 0.5, seed=seed)),
]


@pytest.mark.parametrize(("name", "draw"), DRAWS)
def test_seeds(name: str, draw: Callable[[Any], Any]) -> None:
    same = [draw(3).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*same)
    generator = random.SeedGenerator(3)
    moving = [draw(generator).numpy() for _ in range(2)]
    assert not np.array_equal(*moving)
    repeated = random.SeedGenerator(3)
    np.testing.assert_array_equal(draw(repeated).numpy(), moving[0])
    utils.set_random_seed(0)
    first = draw(None).numpy()
    assert not np.array_equal(draw(None).numpy(), first)
    utils.set_random_seed(0)
    np.testing.assert_array_equal(draw(None).numpy(), first)


@pytest.mark.parametrize(("name", "draw"), [d for d in DRAWS if d[0] not in ("gamma", "beta", "binomial")])
def test_each_run_of_a_traced_function_draws_anew(name: str, draw: Callable[[Any], Any]) -> None:
    generator = random.SeedGenerator(1)
    traced = tf.function(lambda: draw(generator))
    runs = [traced().numpy() for _ in range(2)]
    assert not np.array_equal(*runs)
    eager = random.SeedGenerator(1)
    np.testing.assert_allclose(draw(eager).numpy(), runs[0], rtol=1e-6)


COUNT = 20000


@pytest.mark.parametrize(
    ("draws", "mean", "deviation"),
    [
        (lambda: random.normal((COUNT,), 2.0, 3.0, seed=0), 2.0, 3.0),
        (lambda: random.truncated_normal((COUNT,), seed=0), 0.0, 0.8796),
        (lambda: random.uniform((COUNT,), -1.0, 3.0, seed=0), 1.0, 4 / 12**0.5),
        (lambda: random.randint((COUNT,), 2, 5, seed=0), 3.0, (2 / 3) ** 0.5),
        (lambda: random.categorical(np.log([[0.2, 0.8]]).astype(np.float32), COUNT, seed=0), 0.8, 0.4),
        (lambda: random.dropout(np.ones(COUNT, np.float32), 0.75, seed=0), 1.0, 3**0.5),
        (lambda: random.gamma((COUNT,), 4.0, seed=0), 4.0, 2.0),
        (lambda: random.beta((COUNT,), 2.0, 3.0, seed=0), 0.4, 0.2),
        (lambda: random.binomial((COUNT,), 10.0, 0.3, seed=0), 3.0, 2.1**0.5),
    ],
)
def test_mean_and_deviation(draws: Callable[[], Any], mean: float, deviation: float) -> None:
    values = draws().numpy().astype(np.float64)
    error = 5 * deviation / COUNT**0.5
    assert values.mean() == pytest.approx(mean, abs=error)
    assert values.std() == pytest.approx(deviation, rel=0.03)


def test_dtypes_and_shapes() -> None:
    assert random.normal((2,)).dtype == "float32"
    assert random.uniform((2,), dtype="float16").dtype == "float16"
    assert random.randint((2,), 0, 5, dtype="uint8").dtype == "uint8"
    assert random.categorical(np.zeros((3, 2), np.float32), 4).shape == (3, 4)
    assert random.beta((2, 3), np.ones(3, np.float32), [1.0, 2.0, 3.0]).shape == (2, 3)
    mixed = random.shuffle(np.arange(12).reshape(3, 4), axis=1, seed=0).numpy()
    np.testing.assert_array_equal(np.sort(mixed, 1), np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(random.dropout(np.ones((2, 3), np.float32), 1.0, seed=0).numpy(), np.zeros((2, 3)))
    shared = random.dropout(np.ones((6, 50), np.float32), 0.5, noise_shape=(6, 1), seed=0).numpy()
    assert (shared == shared[:, :1]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random.normal((2,), dtype="int32"), "normal: got dtype='int32', expected a float dtype"),
        (lambda: random.randint((2,), 0, 5, dtype="float32"), "randint: got dtype='float32', expected an integer"),
        (lambda: random.uniform((2,), seed="x"), "got seed='x', expected an integer"),
        (lambda: random.dropout(Input((3,)), 0.5), "random.dropout got a KerasTensor.*keras.layers.Dropout"),
        (lambda: random.shuffle(Input((3,))), "random.shuffle got a KerasTensor"),
    ],
)
def test_errors(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()
