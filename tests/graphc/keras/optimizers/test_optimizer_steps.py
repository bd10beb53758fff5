"""What one step does beside the update itself: missing and sparse gradients, constraints, averages, compiled steps."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.optim import AdamUpdate

SGD, Adam = keras.optimizers.SGD, keras.optimizers.Adam
ONE = tf.constant([1.0, 1.0])


def weight(name: str = "weight", value: Any = (1.0, 2.0), **options: Any) -> Any:
    return keras.Variable(np.asarray(value, np.float32), name=name, **options)


# --- gradients -------------------------------------------------------------------------------------------------------


def test_a_missing_gradient_is_named_and_its_weight_stays() -> None:
    used, unused = weight("used"), weight("unused")
    optimizer = Adam(0.5)
    with pytest.warns(UserWarning, match=r"gradients do not exist for variables \['unused'\]"):
        optimizer.apply_gradients([(ONE, used), (None, unused)])
    np.testing.assert_allclose(used.numpy(), [0.5, 1.5], rtol=1e-4)
    np.testing.assert_array_equal(unused.numpy(), [1.0, 2.0])
    assert len(optimizer.variables) == 2 + 2 * 2


def test_without_any_gradient_there_is_no_step() -> None:
    optimizer, variable = SGD(), weight()
    with pytest.raises(ArgumentError, match="no gradients for weight; compute the loss"):
        optimizer.apply_gradients([(None, variable)])
    with pytest.raises(ArgumentError, match="no gradients for no Variables"):
        optimizer.apply_gradients([])
    optimizer.apply([])
    assert int(optimizer.iterations) == 0


def test_weights_that_came_later_are_refused() -> None:
    optimizer = SGD()
    optimizer.build([weight("old")])
    with pytest.raises(ArgumentError, match=r"new is an unknown variable: sgd.* was built with old"):
        optimizer.apply_gradients([(ONE, weight("new"))])


def test_numbers_and_shapes_of_gradients_are_checked() -> None:
    optimizer, variable = SGD(), weight()
    with pytest.raises(ArgumentError, match="is not built, so the weights must be given"):
        optimizer.apply([ONE])
    with pytest.raises(ArgumentError, match="got 2 gradients for 1 variables"):
        optimizer.apply([ONE, ONE], [variable])
    with pytest.raises(ShapeError, match=r"gradient of weight has shape \(3,\), the variable \(2,\)"):
        optimizer.apply([tf.ones([3])], [variable])


def test_gradients_without_their_weights_are_those_of_build() -> None:
    optimizer, variable = SGD(0.5), weight()
    optimizer.build([variable])
    optimizer.apply([ONE])
    np.testing.assert_allclose(variable.numpy(), [0.5, 1.5])


def test_sparse_gradients_change_their_rows() -> None:
    table = weight("table", np.ones((4, 2)))
    rows = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0], [1.0, 1.0]]), tf.constant([0, 2, 0]))
    SGD(0.5).apply_gradients([(rows, table)])
    np.testing.assert_allclose(table.numpy(), [[0.0, -0.5], [1.0, 1.0], [-0.5, -1.0], [1.0, 1.0]])


def test_gradients_may_be_arrays_and_of_another_float_dtype() -> None:
    variable = weight()
    SGD(0.5).apply_gradients([(np.array([1.0, 2.0]), variable)])
    SGD(0.5).apply_gradients([(tf.ones([2], tf.float16), variable)])
    np.testing.assert_allclose(variable.numpy(), [0.0, 0.5])


def test_only_one_way_of_clipping() -> None:
    with pytest.raises(ArgumentError, match=r"clipped in one way, got clipnorm=1.0, clipvalue=0.5"):
        SGD(clipnorm=1.0, clipvalue=0.5)


# --- weights ---------------------------------------------------------------------------------------------------------


def test_constraints_hold_after_the_step() -> None:
    constrained = weight(value=(3.0, 4.0), constraint=keras.constraints.MaxNorm(1.0, axis=0))
    SGD(0.5).apply_gradients([(tf.zeros([2]), constrained)])
    np.testing.assert_allclose(constrained.numpy(), [0.6, 0.8], rtol=1e-5)


def test_averages_replace_the_weights_at_the_end() -> None:
    variable = weight()
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.apply_gradients([(ONE, variable)])
    np.testing.assert_allclose(variable.numpy(), [-1.0, 0.0])
    optimizer.finalize_variable_values([variable])
    np.testing.assert_allclose(variable.numpy(), [-0.5, 0.5])  # the first step sets the average to the weights


def test_excluded_weights_do_not_decay() -> None:
    kernel, bias, other = weight("kernel"), weight("bias"), weight("other")
    for optimizer in (keras.optimizers.AdamW(1.0, weight_decay=0.5), SGD(1.0, weight_decay=0.5)):
        for variable in (kernel, bias, other):
            variable.assign([2.0, 2.0])
        optimizer.exclude_from_weight_decay(var_list=[other], var_names=["bias"])
        optimizer.apply([tf.zeros([2])] * 3, [kernel, bias, other])
        np.testing.assert_allclose([v.numpy()[0] for v in (kernel, bias, other)], [1.0, 2.0, 2.0], rtol=1e-6)


def test_a_gradient_may_be_the_new_value() -> None:
    scale, variable = keras.Variable([1.0, 2.0]), weight()
    scale.overwrite_with_gradient = True
    SGD(1.0, loss_scale_factor=2.0).apply([3 * ONE, 2 * ONE], [scale, variable])
    np.testing.assert_allclose(scale.numpy(), [3.0, 3.0])
    np.testing.assert_allclose(variable.numpy(), [0.0, 1.0])
    SGD(1.0).apply([ONE], [scale])
    np.testing.assert_allclose(scale.numpy(), [1.0, 1.0])
    scaling = keras.optimizers.LossScaleOptimizer(SGD(1.0))
    scaling.apply([5 * ONE], [scale])
    np.testing.assert_allclose(scale.numpy(), [5.0, 5.0])


def test_the_largest_gradient_of_the_accumulated_steps_is_the_new_value() -> None:
    scale = keras.Variable([1.0, 2.0])
    scale.overwrite_with_gradient = True
    optimizer = SGD(1.0, gradient_accumulation_steps=2)
    for gradient, expected in ((4 * ONE, [1.0, 2.0]), (3 * ONE, [4.0, 4.0]), (ONE, [4.0, 4.0]), (2 * ONE, [2.0, 2.0])):
        optimizer.apply([gradient], [scale])
        np.testing.assert_allclose(scale.numpy(), expected)


def test_accumulation_waits_and_takes_the_mean() -> None:
    variable = weight()
    optimizer = SGD(1.0, gradient_accumulation_steps=2)
    optimizer.apply_gradients([(ONE, variable)])
    np.testing.assert_allclose(variable.numpy(), [1.0, 2.0])
    assert int(optimizer.iterations) == 0
    optimizer.apply_gradients([(3 * ONE, variable)])
    np.testing.assert_allclose(variable.numpy(), [-1.0, 0.0])
    assert int(optimizer.iterations) == 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_slots_have_the_dtype_of_their_weight(dtype: str) -> None:
    variable = keras.Variable([1.0, 2.0], dtype=dtype, name="weight")
    optimizer = Adam(0.5)
    for _ in range(3):
        optimizer.apply_gradients([(tf.cast(ONE, dtype), variable)])
    assert [v.dtype.name for v in optimizer.variables] == ["int64", "float32", dtype, dtype]
    np.testing.assert_allclose(variable.numpy().astype(np.float64), [-0.5, 0.5], rtol=2e-2)


# --- many weights, of several sizes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_weights_that_are_updated_together_get_what_each_gets_alone(name: str) -> None:
    rng = np.random.default_rng(0)
    shapes: Sequence[tuple[int, ...]] = [(3, 2), (), (5000,), (7,), (0, 3)]
    values = [rng.normal(size=s).astype(np.float32) for s in shapes]
    grads = [tf.constant(rng.normal(size=s).astype(np.float32)) for s in shapes]
    together = [weight(f"w{i}", v) for i, v in enumerate(values)]
    optimizer = getattr(keras.optimizers, name)(0.1)
    optimizer.exclude_from_weight_decay(var_names=["w3"])
    for _ in range(2):
        optimizer.apply(grads, together)
    for i, (value, gradient) in enumerate(zip(values, grads, strict=True)):
        alone = weight(f"w{i}", value)
        single = getattr(keras.optimizers, name)(0.1)
        single.exclude_from_weight_decay(var_names=["w3"])
        for _ in range(2):
            single.apply([gradient], [alone])
        np.testing.assert_array_equal(together[i].numpy(), alone.numpy())


def test_a_step_of_adam_is_one_update_op_per_weight() -> None:
    variables = [weight("a"), weight("b")]
    optimizer = keras.optimizers.AdamW(0.1)
    optimizer.exclude_from_weight_decay(var_names=["b"])
    step = tf.function(lambda g: optimizer.apply([g, g], variables), input_signature=[tf.TensorSpec([2])])
    updates = [node for node in tf.trace(step).nodes() if isinstance(node.op, AdamUpdate)]
    assert [len(node.operands) for node in updates] == [6, 5]  # with the decay, and without


def test_the_graph_of_sgd_is_an_update_and_a_count() -> None:
    variable, optimizer = weight(), SGD(0.1)
    step = tf.function(lambda g: optimizer.apply([g], [variable]), input_signature=[tf.TensorSpec([2])])
    assert [node.op.name for node in tf.trace(step).nodes()] == ["constant", "add", "sgd_update"]


def test_a_new_learning_rate_reaches_a_compiled_step() -> None:
    variable, optimizer = weight(), SGD(1.0)
    step = tf.function(lambda g: optimizer.apply([g], [variable]))
    step(ONE)
    optimizer.learning_rate = 0.25
    step(ONE)
    np.testing.assert_allclose(variable.numpy(), [-0.25, 0.75])
    assert step.experimental_get_tracing_count() == 1


# --- denormal numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adamax", "Nadam", "RMSprop", "Adadelta", "Lion", "Lamb", "Muon"])
def test_averages_of_a_gradient_that_stays_0_do_not_become_denormal(name: str) -> None:
    options = {"momentum": 0.3} if name == "SGD" else {}
    variable = weight("matrix", np.ones((2, 2)))
    optimizer = getattr(keras.optimizers, name)(0.1, **options)
    optimizer.build([variable])
    slots = [v for v in optimizer.variables[2:] if v.dtype == "float32" and v.ndim]
    for slot in slots:
        slot.assign(np.full(tuple(slot.shape), 1e-36, np.float32))
    for _ in range(10):
        optimizer.apply([tf.zeros([2, 2])])
    for slot in slots:
        value = np.abs(slot.numpy())
        assert ((value == 0) | (value >= np.finfo(np.float32).tiny)).all()


@pytest.mark.parametrize("name", ["Lion", "Lamb", "Muon"])
def test_a_weight_without_gradient_does_not_drift(name: str) -> None:
    variable = weight("matrix", np.ones((2, 2)))
    options = {"weight_decay": None} if name == "Muon" else {}
    optimizer = getattr(keras.optimizers, name)(0.1, **options)
    for _ in range(3):
        optimizer.apply([tf.zeros([2, 2])], [variable])
    np.testing.assert_array_equal(variable.numpy(), np.ones((2, 2)))


# --- other ways to step ----------------------------------------------------------------------------------------------


def test_minimize_a_function_or_a_recorded_tensor() -> None:
    variable, optimizer = weight(), SGD(0.25)
    optimizer.minimize(lambda: tf.reduce_sum(variable * variable), [variable])
    np.testing.assert_allclose(variable.numpy(), [0.5, 1.0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(variable * variable)
    assert int(optimizer.minimize(loss, lambda: [variable], tape=tape)) == 2
    np.testing.assert_allclose(variable.numpy(), [0.25, 0.5])
    with pytest.raises(ArgumentError, match="needs the tape that recorded it"):
        optimizer.minimize(loss, [variable])


@pytest.mark.parametrize("compiled", [False, True])
def test_stateless_apply_gives_new_values_and_changes_nothing(compiled: bool) -> None:
    variable, optimizer = weight(), SGD(1.0, momentum=0.5)
    optimizer.build([variable])
    state = [tf.constant(5, tf.int64), tf.constant(0.5), tf.constant([1.0, 1.0])]
    function = tf.function(optimizer.stateless_apply) if compiled else optimizer.stateless_apply
    weights, new = function(state, [ONE], [tf.constant([10.0, 20.0])])
    np.testing.assert_allclose(weights[0].numpy(), [10.0, 20.0])  # 10 + 0.5 * 1 - 0.5 * 1
    np.testing.assert_allclose(new[2].numpy(), [0.0, 0.0], atol=1e-6)
    assert int(new[0]) == 6
    np.testing.assert_array_equal(variable.numpy(), [1.0, 2.0])
    assert [float(np.sum(v.numpy())) for v in optimizer.variables] == [0.0, 1.0, 0.0]
    with pytest.raises(ArgumentError, match="has 3 optimizer variables, got 1 values"):
        optimizer.stateless_apply(state[:1], [ONE], [ONE])


def test_scale_loss_and_gradients_cancel() -> None:
    variable, optimizer = weight(), SGD(1.0, loss_scale_factor=8.0)
    assert float(optimizer.scale_loss(tf.constant(2.0))) == 16.0
    optimizer.apply_gradients([(8.0 * ONE, variable)])
    np.testing.assert_allclose(variable.numpy(), [0.0, 1.0])


def test_a_step_leaves_open_tapes_alone() -> None:
    variable, optimizer = weight(), Adam(0.5)
    with tf.GradientTape() as tape, warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = tf.reduce_sum(variable * variable)
        optimizer.apply_gradients([(ONE, variable)])
    np.testing.assert_allclose(tape.gradient(loss, variable).numpy(), [2.0, 4.0])
