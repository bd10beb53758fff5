"""The state of optimizers: its order and names in files, the learning rate, saving, and optimizers of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc_ir.errors import ArgumentError, ShapeError

optimizers = keras.optimizers
ONE = tf.constant([1.0, 1.0])


def weights() -> list[Any]:
    return [keras.Variable(np.ones((3, 2), np.float32), name="k"), keras.Variable([1.0, 2.0], name="b")]


ORDER: list[tuple[str, dict[str, Any], str]] = [
    ("SGD", {}, ""),
    ("SGD", {"momentum": 0.9}, "k_momentum b_momentum"),
    ("Adam", {}, "k_momentum k_velocity b_momentum b_velocity"),
    ("Adam", {"amsgrad": True}, "k_momentum k_velocity b_momentum b_velocity k_velocity_hat b_velocity_hat"),
    ("Adamax", {}, "k_momentum k_norm b_momentum b_norm"),
    ("Nadam", {}, "k_momentum k_velocity b_momentum b_velocity u_product"),
    ("RMSprop", {"momentum": 0.5, "centered": True},
     "k_velocity b_velocity k_momentum b_momentum k_average_gradient b_average_gradient"),
    ("Adagrad", {}, "k_accumulator b_accumulator"),
    ("Adadelta", {}, "k_accumulated_grad k_accumulated_delta_var b_accumulated_grad b_accumulated_delta_var"),
    ("Adafactor", {}, "k k k_velocity b b b_velocity"),
    ("Ftrl", {}, "k_accumulator k_linear b_accumulator b_linear"),
    ("Lion", {}, "k_momentum b_momentum"),
    ("Muon", {}, "k_momentum b_momentum b_velocity"),
    ("SGD", {"use_ema": True, "gradient_accumulation_steps": 2, "momentum": 0.9},
     "k_average b_average k_gradient_accumulator b_gradient_accumulator k_momentum b_momentum"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "expected"), ORDER)
def test_state_stands_in_the_order_of_keras(name: str, options: dict[str, Any], expected: str) -> None:
    optimizer = getattr(optimizers, name)(name="opt", **options)
    optimizer.build(weights())
    assert [v.path for v in optimizer.variables] == [
        f"opt/{n}" for n in ["iteration", "learning_rate", *expected.split()]
    ]
    assert [v.dtype.name for v in optimizer.variables[:2]] == ["int64", "float32"]
    assert not any(v.trainable for v in optimizer.variables)


def test_adafactor_factors_matrices_only() -> None:
    optimizer = optimizers.Adafactor()
    optimizer.build(weights())
    assert [(tuple(v.shape), v.dtype.name) for v in optimizer.variables[2:]] == [
        ((3,), "float32"), ((2,), "float32"), ((3, 2), "float32"), ((), "int32"), ((), "int32"), ((2,), "float32"),
    ]  # fmt: skip


def test_unnamed_optimizers_are_counted() -> None:
    first, second = optimizers.RMSprop(), optimizers.RMSprop()
    assert first.name.startswith("rm_sprop")
    assert first.name != second.name


# --- learning rate and step count ------------------------------------------------------------------------------------


def test_the_learning_rate_is_a_variable_that_can_be_set() -> None:
    optimizer = optimizers.SGD(0.5)
    assert float(optimizer.learning_rate) == 0.5
    optimizer.learning_rate = 0.25
    optimizer.lr = optimizer.lr * 2
    assert float(optimizer.learning_rate) == 0.5
    optimizer.learning_rate.assign(0.125)
    assert optimizer.get_config()["learning_rate"] == 0.125


@pytest.mark.parametrize("rate", [1, np.float32(1.0), np.array(1.0), tf.constant(1.0), lambda: 1.0])
def test_learning_rates_are_numbers_of_any_kind_or_functions(rate: Any) -> None:
    variable = keras.Variable([1.0, 2.0])
    optimizers.SGD(rate).apply_gradients([(ONE, variable)])
    np.testing.assert_allclose(variable.numpy(), [0.0, 1.0])


def test_what_is_no_learning_rate_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"learning_rate must be a number, .* got 'fast' \(str\)"):
        optimizers.SGD("fast")
    with pytest.raises(ArgumentError, match="is the Variable v, whose later changes"):
        optimizers.SGD(keras.Variable(0.1, name="v"))


def test_a_function_may_read_a_variable() -> None:
    rate, variable = tf.Variable(1.0), keras.Variable([1.0, 2.0])
    optimizer = optimizers.SGD(lambda: rate)
    step = tf.function(lambda g: optimizer.apply([g], [variable]))
    step(ONE)
    rate.assign(0.5)
    step(ONE)
    np.testing.assert_allclose(variable.numpy(), [-0.5, 0.5])


def test_the_step_count_can_be_set_or_shared() -> None:
    optimizer, variable = optimizers.SGD(), keras.Variable([1.0, 2.0])
    optimizer.apply_gradients([(ONE, variable)])
    assert int(optimizer.iterations) == 1
    optimizer.iterations = 10
    assert int(optimizer.apply_gradients([(ONE, variable)])) == 11
    shared = tf.Variable(np.int64(3))
    optimizer.iterations = shared
    optimizer.apply_gradients([(ONE, variable)])
    assert int(shared) == 4
    assert optimizer.variables[0] is shared
    with pytest.raises(TypeError, match="must be an int64 Variable, got float32"):
        optimizer.iterations = tf.Variable(1.0)


# --- arguments -------------------------------------------------------------------------------------------------------


def test_older_spellings() -> None:
    assert float(optimizers.Adam(lr=0.5).learning_rate) == 0.5
    with pytest.warns(UserWarning, match="decay of optimizers is ignored"):
        optimizers.SGD(0.1, decay=1e-6)


def test_unknown_arguments_get_a_hint() -> None:
    with pytest.raises(ArgumentError, match="unknown argument 'beta1' of an optimizer; did you mean 'beta_1'"):
        optimizers.Adam(beta1=0.8)  # type: ignore[call-arg]
    with pytest.raises(ArgumentError, match=r"unknown argument 'clip_norm' .* did you mean 'clipnorm'"):
        optimizers.SGD(clip_norm=1.0)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.SGD(momentum=2.0), r"momentum must lie in \[0, 1\], got 2.0"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=1), "must be an integer >= 2"),
        (lambda: optimizers.SGD(use_ema=True, ema_momentum=1.5), r"ema_momentum must lie in \[0, 1\], got 1.5"),
        (lambda: optimizers.SGD(use_ema=True, ema_overwrite_frequency=-1), "must be an integer >= 1 or None"),
        (lambda: optimizers.AdamW(weight_decay=None), "AdamW needs a weight_decay"),  # type: ignore[arg-type]
        (lambda: optimizers.Lion(beta_1=0.0), r"beta_1 must lie in \(0, 1\], got 0.0"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), "l1_regularization_strength must not be negative"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "learning_rate_power must not be positive"),
    ],
)
def test_values_out_of_range_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


# --- saving ----------------------------------------------------------------------------------------------------------


def test_state_goes_through_a_store() -> None:
    variables = weights()
    trained = optimizers.Adam(0.5)
    for _ in range(2):
        trained.apply([tf.ones([3, 2]), ONE], variables)
    store: dict[str, Any] = {}
    trained.save_own_variables(store)
    assert list(store) == [str(i) for i in range(6)]
    assert store["0"] == 2
    fresh = optimizers.Adam(0.1)
    fresh.build(variables)
    fresh.load_own_variables(store)
    for mine, theirs in zip(fresh.variables, trained.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_state_of_another_size_is_skipped_with_a_warning() -> None:
    optimizer = optimizers.Adam(0.5)
    with pytest.warns(UserWarning, match="it has 2 variables, the file 3 .it is not built yet."):
        optimizer.load_own_variables({"0": 1, "1": 2.0, "2": 3.0})
    assert int(optimizer.iterations) == 0


def test_weights_can_be_read_and_set() -> None:
    optimizer = optimizers.SGD(0.5, momentum=0.9)
    with pytest.raises(ArgumentError, match="call build"):
        optimizer.set_weights([1, 0.1])
    optimizer.build([keras.Variable([1.0, 2.0])])
    optimizer.set_weights([3, 0.25, [1.0, 2.0]])
    assert [w.tolist() for w in optimizer.get_weights()] == [3, 0.25, [1.0, 2.0]]
    with pytest.raises(ArgumentError, match="has 3 variables, got 1 weights"):
        optimizer.set_weights([3])
    with pytest.raises(ShapeError):
        optimizer.set_weights([3, 0.25, [1.0]])


# --- optimizers of the user's own ------------------------------------------------------------------------------------


class Momentum(optimizers.Optimizer):
    """The example of Keras's documentation."""

    def __init__(self, momentum: float = 0.9, **options: Any) -> None:
        super().__init__(**options)
        self.momentum = momentum

    def build(self, variables: Sequence[Any]) -> None:
        super().build(variables)
        self.momentums = [self.add_variable_from_reference(v, name="momentum") for v in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        learning_rate = tf.cast(learning_rate, variable.dtype)
        m = self.momentums[self._get_variable_index(variable)]
        self.assign(m, m * self.momentum - gradient * learning_rate)
        self.assign_add(variable, m)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}


@pytest.mark.parametrize("compiled", [False, True])
def test_an_optimizer_of_ones_own_equals_the_built_in_one(compiled: bool) -> None:
    results = []
    for optimizer in (Momentum(learning_rate=0.1), optimizers.SGD(0.1, momentum=0.9)):
        variable = keras.Variable([1.0, 2.0], name="w")
        function = tf.function(optimizer.apply) if compiled else optimizer.apply
        optimizer.build([variable])
        for _ in range(3):
            function([ONE])
        results.append(variable.numpy())
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)
    assert Momentum.from_config(Momentum(0.5, learning_rate=0.1).get_config()).momentum == 0.5


class Projected(optimizers.AdamW):
    """Reads the weight right after the update of its base."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient, variable, learning_rate)
        variable.assign(tf.maximum(variable, 0.0))


def test_a_subclass_may_extend_an_update() -> None:
    variables, plain = [keras.Variable([1.0, 0.25]) for _ in range(2)], keras.Variable([1.0, 0.25])
    Projected(0.5, weight_decay=0.2).apply([ONE, ONE], variables)
    optimizers.AdamW(0.5, weight_decay=0.2).apply([ONE], [plain])
    np.testing.assert_allclose(plain.numpy(), [0.4, -0.275], rtol=1e-4)
    for variable in variables:
        np.testing.assert_allclose(variable.numpy(), [0.4, 0.0], rtol=1e-4)


def test_an_optimizer_without_update_step_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Optimizer does not define update_step"):
        optimizers.Optimizer().apply_gradients([(ONE, keras.Variable([1.0, 2.0]))])


def test_several_slots_want_as_many_initializers() -> None:
    optimizer = optimizers.SGD()
    variables = weights()
    ones, zeros = optimizer.add_optimizer_variables(variables, ["x", "y"], ["ones", "zeros"])
    assert [float(v.numpy().mean()) for v in (*ones, *zeros)] == [1.0, 1.0, 0.0, 0.0]
    with pytest.raises(ArgumentError, match=r"2 names .* need as many initializers, got 1"):
        optimizer.add_optimizer_variables(variables, ["x", "y"], ["ones"])
