"""Initializers: distributions, seeds, configs, names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import Variable, initializers
from graphc.keras.config import set_floatx
from graphc.keras.initializers.scaling import compute_fans
from graphc.keras.random import SeedGenerator
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError

RANDOM = ["GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal",
          "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"]  # fmt: skip
CLASSES = [*RANDOM, "Constant", "Identity", "Ones", "Zeros"]


# --- constants -------------------------------------------------------------------------------------------------------


def test_constants() -> None:
    assert initializers.Zeros()((2, 2), dtype="int32").numpy().tolist() == [[0, 0], [0, 0]]
    assert initializers.Ones()((2,)).numpy().tolist() == [1, 1]
    assert initializers.Zeros()((2,), dtype="bool").dtype == "bool"
    assert initializers.Constant(0.3)((1, 2)).numpy() == pytest.approx(np.full((1, 2), 0.3))
    assert initializers.Constant([1, 2])((2, 2)).numpy().tolist() == [[1, 2], [1, 2]]
    with pytest.raises(ShapeError):
        initializers.Constant([1, 2, 3])((2, 2))


def test_identity() -> None:
    assert initializers.Identity(gain=2.0)((2, 3)).numpy().tolist() == [[2, 0, 0], [0, 2, 0]]
    with pytest.raises(ArgumentError, match="expected that of a matrix"):
        initializers.Identity()((2, 3, 4))


def test_the_dtype_is_floatx_unless_given() -> None:
    set_floatx("float64")
    try:
        assert {initializers.get(name)((2, 2)).dtype.name for name in CLASSES} == {"float64"}
    finally:
        set_floatx("float32")
    assert {initializers.get(name)((2, 2), dtype="bfloat16").dtype.name for name in CLASSES} == {"bfloat16"}


def test_given_values() -> None:
    values = np.array([[1.0, 2.0]])
    initializer = initializers.get(values)
    assert initializer((1, 2), dtype="float32").dtype == "float32"
    assert initializers.get(tf.constant(values))((1, 2)).numpy().tolist() == [[1, 2]]
    with pytest.raises(ShapeError, match=r"for a weight of shape \(2, 2\)"):
        initializer((2, 2))
    again = initializers.deserialize(initializers.serialize(initializer))
    assert isinstance(again, initializers.Constant)
    assert again((1, 2)).numpy().tolist() == [[1, 2]]


# --- distributions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape", "limit"),
    [
        ("GlorotUniform", (300, 100), math.sqrt(6 / 400)),
        ("HeUniform", (300, 100), math.sqrt(6 / 300)),
        ("LecunUniform", (300, 100), math.sqrt(3 / 300)),
        ("GlorotUniform", (3, 3, 40, 60), math.sqrt(6 / (9 * 100))),
        ("HeUniform", (30000,), math.sqrt(6 / 30000)),
        ("RandomUniform", (100, 100), 0.05),
    ],
)
def test_uniform_ones_fill_their_interval(name: str, shape: tuple[int, ...], limit: float) -> None:
    drawn = getattr(initializers, name)(seed=1)(shape).numpy()
    assert np.abs(drawn).max() <= limit
    assert drawn.max() > 0.99 * limit
    assert drawn.min() < -0.99 * limit
    assert drawn.std() == pytest.approx(limit / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize(
    ("name", "shape", "stddev"),
    [
        ("GlorotNormal", (300, 100), math.sqrt(2 / 400)),
        ("HeNormal", (300, 100), math.sqrt(2 / 300)),
        ("LecunNormal", (300, 100), math.sqrt(1 / 300)),
        ("LecunNormal", (5, 5, 30, 40), math.sqrt(1 / 750)),
    ],
)
def test_truncated_ones_keep_their_variance(name: str, shape: tuple[int, ...], stddev: float) -> None:
    drawn = getattr(initializers, name)(seed=2)(shape).numpy()
    assert drawn.std() == pytest.approx(stddev, rel=0.02)
    assert drawn.mean() == pytest.approx(0, abs=0.02 * stddev)
    assert np.abs(drawn).max() <= 2 * stddev / 0.87962566103423978 * 1.0001


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 200), ("fan_out", 50), ("fan_avg", 125), ("FAN_AVG", 125)])
def test_modes_of_variance_scaling(mode: str, fan: int) -> None:
    initializer = initializers.VarianceScaling(3.0, mode, "untruncated_normal", seed=3)
    assert initializer((200, 50)).numpy().std() == pytest.approx(math.sqrt(3 / fan), rel=0.03)


def test_axes_of_inputs_and_outputs() -> None:
    assert compute_fans((8, 3, 5)) == (24, 40)
    assert compute_fans((8, 3, 5), [0], [1, 2]) == (8, 15)
    assert compute_fans(()) == (1, 1)
    assert compute_fans((7,)) == (7, 7)
    drawn = initializers.GlorotUniform(seed=1, input_axes=[0], output_axes=[1, 2])((80, 30, 50)).numpy()
    assert np.abs(drawn).max() == pytest.approx(math.sqrt(6 / (80 + 1500)), rel=1e-2)


def test_normal_ones_have_their_mean_and_deviation() -> None:
    plain = initializers.RandomNormal(2.0, 0.5, seed=1)((200, 200)).numpy()
    assert (plain.mean(), plain.std()) == pytest.approx((2.0, 0.5), rel=0.01)
    cut = initializers.TruncatedNormal(2.0, 0.5, seed=1)((200, 200)).numpy()
    assert np.abs(cut - 2).max() <= 1.0001
    assert cut.std() == pytest.approx(0.5 * 0.87962566103423978, rel=0.01)


def test_integers() -> None:
    drawn = initializers.RandomUniform(0, 10, seed=1)((1000,), dtype="int32").numpy()
    assert set(drawn.tolist()) == set(range(10))
    with pytest.raises(DTypeError):
        initializers.RandomNormal()((2,), dtype="int32")


@pytest.mark.parametrize(
    ("shape", "small"), [((4, 6), 4), ((6, 4), 4), ((5, 5), 5), ((3, 2, 4), 4), ((2, 3, 4, 40), 24)]
)
def test_orthogonal_ones(shape: tuple[int, ...], small: int) -> None:
    matrix = initializers.Orthogonal(gain=2.0, seed=4)(shape).numpy().reshape(-1, shape[-1])
    product = matrix @ matrix.T if matrix.shape[0] == small else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(small), atol=1e-5)


def test_orthogonal_ones_are_not_biased_in_sign() -> None:
    drawn = [initializers.Orthogonal(seed=i)((3, 3)).numpy()[0, 0] for i in range(60)]
    assert 10 < sum(x > 0 for x in drawn) < 50
    with pytest.raises(ArgumentError, match="at least two axes"):
        initializers.Orthogonal()((3,))


# --- seeds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANDOM)
def test_an_initializer_gives_the_same_values_at_every_call(name: str) -> None:
    cls = getattr(initializers, name)
    seeded, unseeded = cls(seed=7), cls()
    np.testing.assert_array_equal(seeded((3, 4)), seeded((3, 4)))
    np.testing.assert_array_equal(seeded((3, 4)), cls(seed=7)((3, 4)))
    np.testing.assert_array_equal(unseeded((3, 4)), unseeded((3, 4)))
    assert not np.array_equal(seeded((3, 4)), cls(seed=8)((3, 4)))
    assert not np.array_equal(unseeded((3, 4)), cls()((3, 4)))
    np.testing.assert_array_equal(seeded((3, 4)), seeded.clone()((3, 4)))


def test_seeds_follow_from_the_global_one() -> None:
    drawn = []
    for _ in range(2):
        tf.random.set_seed(3)
        drawn.append([initializers.GlorotUniform()((4,)).numpy() for _ in range(2)])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0][0], drawn[0][1])


def test_a_seed_generator_moves_on() -> None:
    first = initializers.RandomNormal(seed=SeedGenerator(1))
    second = initializers.RandomNormal(seed=SeedGenerator(1))
    values = [first((4,)).numpy() for _ in range(2)]
    assert not np.array_equal(*values)
    np.testing.assert_array_equal(values, [second((4,)).numpy() for _ in range(2)])
    again = initializers.deserialize(initializers.serialize(first))
    np.testing.assert_array_equal(again((4,)), values[0])


def test_wrong_arguments() -> None:
    with pytest.raises(ArgumentError, match="got seed='a', expected an integer"):
        initializers.GlorotUniform(seed="a")
    with pytest.raises(ArgumentError, match="scale=-1"):
        initializers.VarianceScaling(scale=-1)
    with pytest.raises(ArgumentError, match="mode='fan', expected one of fan_in, fan_out, fan_avg"):
        initializers.VarianceScaling(mode="fan")
    with pytest.raises(ArgumentError, match="distribution='beta'"):
        initializers.VarianceScaling(distribution="beta")


# --- configs and names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLASSES)
def test_configs(name: str) -> None:
    initializer = getattr(initializers, name)()
    config = initializers.serialize(initializer)
    assert (config["module"], config["class_name"]) == ("keras.initializers", name)
    again = initializers.deserialize(config)
    assert type(again) is type(initializer)
    assert again.get_config() == initializer.get_config()


def test_configs_hold_what_keras_expects() -> None:
    assert initializers.GlorotUniform(3).get_config() == {"seed": 3, "input_axes": None, "output_axes": None}
    assert initializers.VarianceScaling(distribution="normal").get_config() == {
        "seed": None, "scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal", "input_axes": None,
        "output_axes": None,
    }  # fmt: skip
    assert initializers.Orthogonal(2.0, 5).get_config() == {"seed": 5, "gain": 2.0}
    assert initializers.RandomUniform().get_config() == {"seed": None, "minval": -0.05, "maxval": 0.05}
    assert initializers.Constant(2).get_config() == {"value": 2}
    assert initializers.Zeros().get_config() == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("glorot_uniform", "GlorotUniform"), ("he_normal", "HeNormal"), ("lecun_uniform", "LecunUniform"),
        ("zeros", "Zeros"), ("Ones", "Ones"), ("orthogonal", "Orthogonal"), ("OrthogonalInitializer", "Orthogonal"),
        ("identity", "Identity"), ("IdentityInitializer", "Identity"), ("constant", "Constant"),
        ("variance_scaling", "VarianceScaling"), ("normal", "RandomNormal"), ("uniform", "RandomUniform"),
        ("zero", "Zeros"), ("one", "Ones"), ("truncated_normal", "TruncatedNormal"),
    ],
)  # fmt: skip
def test_names(name: str, expected: str) -> None:
    assert type(initializers.get(name)) is getattr(initializers, expected)


def test_other_identifiers() -> None:
    assert initializers.get(None) is None
    assert isinstance(initializers.get(initializers.HeNormal), initializers.HeNormal)
    config = {"class_name": "RandomNormal", "config": {"stddev": 2.0}}
    assert initializers.get(config).stddev == 2.0
    assert "RandomNormal(seed=None, mean=0.0, stddev=2.0)" in repr(initializers.get(config))
    with pytest.raises(ArgumentError, match="did you mean"):
        initializers.get("glorot")
    with pytest.raises(ArgumentError, match="expected a name"):
        initializers.get(3.0)


def test_own_initializers_and_weights() -> None:
    class Ramp(initializers.Initializer):
        def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
            return tf.reshape(tf.range(float(math.prod(shape))), shape)

    assert Variable(Ramp(), shape=(2, 2)).numpy().tolist() == [[0, 1], [2, 3]]
    assert Variable(initializers.get("ones"), shape=(2,), dtype="float16").dtype == "float16"
    assert Ramp().get_config() == {}
    made = tf.function(lambda: initializers.Orthogonal(seed=1)((2, 2)))()
    np.testing.assert_allclose(made, initializers.Orthogonal(seed=1)((2, 2)), atol=1e-6)
