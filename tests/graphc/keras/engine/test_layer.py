"""Layer: weights, building, calls, losses, masks, configuration."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import Variable
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer
from graphc.keras.layers import Dense, Input
from graphc_ir.errors import ArgumentError, ShapeError


class Linear(Layer):
    def __init__(self, units: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="ones", name="w")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=False, name="b")

    def call(self, x: Any) -> Any:
        return tf.matmul(x, self.w) + self.b


class Block(Layer):
    """Layers in a list that grows after it was assigned, and in a dict."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stack: list[Layer] = []
        self.stack.append(Linear(3))
        self.heads = {"a": Linear(1)}

    def call(self, x: Any, training: bool | None = None) -> Any:
        for layer in self.stack:
            x = layer(x)
        self.add_loss(0.5 * tf.reduce_sum(x))
        return self.heads["a"](x)


def test_weights_are_made_at_the_first_call_with_paths() -> None:
    layer = Linear(3, name="lin")
    assert layer.weights == []
    assert np.array_equal(layer(np.ones((2, 4))).numpy(), np.full((2, 3), 4.0))
    assert [v.path for v in layer.weights] == ["lin/w", "lin/b"]
    assert [v.name for v in layer.trainable_weights] == ["w"]
    assert layer.count_params() == 15


def test_sublayers_in_lists_and_dicts_are_found() -> None:
    block = Block(name="block")
    block(tf.ones((2, 4)))
    assert len(block.weights) == 4
    assert all(v.path.startswith("block/linear") for v in block.weights)


def test_raw_variables_in_attributes_are_weights() -> None:
    class Old(Layer):
        def __init__(self) -> None:
            super(Old, self).__init__()  # noqa: UP008
            self.w = tf.Variable(tf.ones((2, 2)), trainable=True)
            self.total = tf.Variable(tf.zeros((2,)), trainable=False)

        def call(self, x: Any) -> Any:
            self.total.assign_add(tf.reduce_sum(x, axis=0))
            return self.total

    layer = Old()
    layer(tf.ones((2, 2)))
    assert layer(tf.ones((2, 2))).numpy().tolist() == [4.0, 4.0]
    assert len(layer.trainable_weights) == len(layer.non_trainable_weights) == 1


def test_attributes_may_be_set_before_super_init() -> None:
    class Early(Layer):
        def __init__(self) -> None:
            self.inner = Linear(2)
            super().__init__()

        def call(self, x: Any) -> Any:
            return self.inner(x)

    layer = Early()
    layer(tf.ones((1, 3)))
    assert len(layer.weights) == 2


def test_add_weight_takes_both_orders() -> None:
    layer = Layer()
    assert tuple(layer.add_weight("k", (2, 3), "float32", "ones").shape) == (2, 3)
    assert tuple(layer.add_weight((4,), "zeros").shape) == (4,)
    assert tuple(layer.add_weight(name="scalar", initializer="zeros").shape) == ()
    with pytest.raises(ArgumentError, match="unknown arguments \\['wide'\\]"):
        layer.add_weight((2,), wide=True)


def test_trainable_switches_all_that_is_inside() -> None:
    block = Block()
    block(tf.ones((1, 2)))
    assert len(block.trainable_weights) == 2
    block.trainable = False
    assert block.trainable_weights == []
    assert len(block.non_trainable_weights) == 4
    assert not block.stack[0].trainable_weights
    block.trainable = True
    assert len(block.trainable_weights) == 2


def test_losses_are_those_of_the_last_call() -> None:
    block = Block()
    for _ in range(3):
        block(tf.ones((2, 4)))
    assert [float(loss) for loss in block.losses] == [12.0]
    block(Input((4,)))
    assert block.losses == []


def test_losses_of_a_shared_layer_are_those_of_the_latest_outer_call() -> None:
    inner = Block()

    class Outer(Layer):
        def __init__(self, inner: Layer) -> None:
            super().__init__()
            self.inner = inner

        def call(self, x: Any) -> Any:
            return self.inner(self.inner(tf.ones((1, 4))) * 0 + x[:, :1] * tf.ones((1, 4)))

    first, second = Outer(inner), Outer(inner)
    first(tf.ones((1, 4)))
    assert len(first.losses) == 2
    second(tf.ones((1, 4)))
    assert len(inner.losses) == 2


def test_regularizers_add_losses() -> None:
    layer = Dense(2, kernel_regularizer="l2", kernel_initializer="ones")
    layer(tf.ones((1, 3)))
    assert [round(float(loss), 6) for loss in layer.losses] == [0.06]


def test_activity_regularizer_is_per_example() -> None:
    layer = Dense(1, activity_regularizer=lambda x: tf.reduce_sum(x), kernel_initializer="ones")
    layer(tf.ones((4, 3)))
    assert [float(loss) for loss in layer.losses] == [3.0]


def test_training_comes_from_the_outer_call() -> None:
    seen: list[Any] = []

    class Probe(Layer):
        def call(self, x: Any, training: bool | None = None) -> Any:
            seen.append(training)
            return x

    class Outer(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.probe = Probe()

        def call(self, x: Any, training: bool = False) -> Any:
            self.probe(x, training=True)
            return self.probe(x)

    outer = Outer()
    outer(tf.ones((1,)), training=True)
    outer(tf.ones((1,)))
    assert seen == [True, True, True, False]


def test_numbers_in_lists_become_tensors_and_floats_get_the_compute_dtype() -> None:
    layer = Dense(1, kernel_initializer="ones", dtype="mixed_float16")
    out = layer([[1.0, 2.0]])
    assert (out.dtype, float(out[0, 0])) == ("float16", 3.0)
    assert (layer.compute_dtype, layer.variable_dtype, layer.kernel.dtype) == ("float16", "float32", "float32")


def test_gradients_reach_float32_weights_through_mixed_precision() -> None:
    layer = Dense(1, kernel_initializer="ones", dtype="mixed_bfloat16")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.ones((2, 3))))
    gradient = tape.gradient(loss, layer.kernel)
    assert gradient.dtype == "float32"
    assert gradient.numpy().ravel().tolist() == [2.0, 2.0, 2.0]


def test_masks_travel_through_layers_that_support_them() -> None:
    class Passing(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

        def call(self, x: Any, mask: Any = None) -> Any:
            return x if mask is None else x * tf.cast(mask, x.dtype)[:, None]

    class Marking(Layer):
        def call(self, x: Any) -> Any:
            return x + 0.0

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return tf.reduce_any(tf.not_equal(inputs, 0.0), -1)

    x = Passing()(Marking()(tf.constant([[0.0, 0.0], [1.0, 2.0]])))
    assert x._keras_mask.numpy().tolist() == [False, True]
    with pytest.warns(UserWarning, match="does not support masking"):
        Linear()(x)


def test_a_symbolic_call_builds_and_keeps_open_sizes_open() -> None:
    layer = Linear(3)
    out = layer(Input((None, 4)))
    assert isinstance(out, KerasTensor)
    assert out.shape == (None, None, 3)
    assert layer.built
    assert layer.output is out
    assert layer.compute_output_shape((None, 7, 4)) == (None, 7, 3)


def test_build_config_rebuilds() -> None:
    layer = Linear(3)
    layer.build((None, 5))
    copy = Linear(3)
    copy.build_from_config(layer.get_build_config() or {})
    assert [tuple(v.shape) for v in copy.weights] == [(5, 3), (3,)]


def test_building_a_layer_without_build_builds_what_is_inside() -> None:
    block = Block()
    block.build((None, 4))
    assert len(block.weights) == 4
    assert block.losses == []


def test_config_of_a_user_class_is_its_arguments() -> None:
    class Plain(Layer):
        def __init__(self, factor: float, shift: int = 1, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

    layer = Plain(2.0, name="p")
    config = layer.get_config()
    assert {"factor": 2.0, "name": "p"}.items() <= config.items()
    assert Plain.from_config(config).factor == 2.0
    with pytest.raises(NotImplementedError, match="Define get_config in Plain"):
        Plain(object()).get_config()  # type: ignore[arg-type]


def test_set_weights_changes_nothing_when_it_fails() -> None:
    layer = Linear(2)
    layer.build((None, 2))
    before = layer.get_weights()
    with pytest.raises(ArgumentError, match="has 2 weights, but set_weights got 1"):
        layer.set_weights([np.zeros((2, 2))])
    with pytest.raises(ShapeError, match=r"linear.*/b has shape \(2,\), but the array given for it has shape \(3,\)"):
        layer.set_weights([np.zeros((2, 2)), np.zeros(3)])
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


def test_errors_name_the_layer() -> None:
    layer = Dense(1, name="d")
    layer(tf.ones((2, 4)))
    with pytest.raises(ShapeError, match=r"Input 0 of layer 'd' is incompatible.*axis -1.*4, found shape \(2, 3\)"):
        layer(tf.ones((2, 3)))
    with pytest.raises(ArgumentError, match=r"of layer 'linear.*' does not take these arguments"):
        Linear()(tf.ones((1, 1)), 2, 3)
    with pytest.raises(ArgumentError, match="does not know the arguments unitz"):
        Dense(2, unitz=3)
    with pytest.raises(ArgumentError, match="is not built"):
        Linear().count_params()


def test_layers_run_inside_traced_functions() -> None:
    layer = Linear(2)
    traced = tf.function(lambda x: layer(x))
    assert traced(tf.ones((1, 3))).numpy().tolist() == [[3.0, 3.0]]
    assert len(layer.weights) == 2
    layer.w.assign(np.zeros((3, 2)))
    assert traced(tf.ones((1, 3))).numpy().tolist() == [[0.0, 0.0]]


def test_keras_variables_read_in_both_spellings() -> None:
    v = Variable([1.0, 2.0], name="v", dtype="float64")
    assert v.value.dtype == "float64"
    v.assign_add(np.ones(2, np.float32))
    assert v.numpy().tolist() == [2.0, 3.0]
    assert tf.Variable(1.0).value().numpy() == 1.0


def test_calls_without_masks_warn_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Block()(tf.ones((1, 2)))


def test_a_number_is_no_shape() -> None:
    with pytest.raises(ArgumentError, match=r"expected a shape, .* got 2; for one axis write \(n,\)"):
        Dense(1).compute_output_shape(2)


def test_layers_inside_a_traced_build_have_one_scope() -> None:
    block = Block(name="block")
    block.build((None, 4))
    assert block.weights[0].path.count("block") == 1


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([np.ones((2, 3)), np.ones((2, 3))], r"'d' expects 1 input\(s\), but it received 2 input tensors"),
        ("hello", "Layer 'd' got 'hello'"),
        (None, "input 0 is None"),
        (np.ones(3), "expected min_ndim=2, found ndim=1"),
    ],
)
def test_inputs_are_checked_before_the_layer_is_built(inputs: Any, message: str) -> None:
    layer = Dense(2, name="d")
    with pytest.raises((ArgumentError, ShapeError), match=message):
        layer(inputs)
    assert not layer.built


def test_building_twice_is_an_error_unless_no_weights_are_added() -> None:
    layer = Dense(2, name="twice")
    layer.build((None, 3))
    with pytest.raises(ArgumentError, match="'twice' was built before"):
        layer.build((None, 3))
    block = Block()
    block.build((None, 4))
    block.build((None, 4))
    assert len(block.weights) == 4
