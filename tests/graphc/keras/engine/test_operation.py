"""Operations, Functions and KerasTensors by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import Function, KerasTensor, Operation
from graphc.keras.layers import Dense, Input, Layer
from graphc.keras.models import Model
from graphc_ir.errors import ArgumentError, ShapeError


class Affine(Operation):
    def __init__(self, scale: float, *, shift: float = 1.0, name: str | None = None) -> None:
        super().__init__(name=name)
        self.scale, self.shift = scale, shift

    def call(self, x: Any) -> Any:
        return self.scale * x + self.shift


def test_an_operation_computes_and_is_recorded() -> None:
    affine = Affine(2.0)
    assert affine(tf.ones(2)).numpy().tolist() == [3.0, 3.0]
    x = Input((2,))
    y = affine(x)
    assert affine.input is x
    assert affine.output is y
    affine(y)
    assert affine.output is y, "of the first call"
    assert Model(x, y)(np.ones((1, 2))).numpy().tolist() == [[3.0, 3.0]]


def test_without_a_call_there_is_no_input() -> None:
    for layer in (Dense(1), Affine(1.0), keras.Sequential([Dense(1)])):
        assert not hasattr(layer, "input")
        assert not hasattr(layer, "output")
    with pytest.raises(ArgumentError, match="has never been called on a KerasTensor and thus has no input"):
        _ = Dense(1).input


def test_configs_are_the_arguments_of_the_constructor() -> None:
    assert Affine(0.5, name="a").get_config() == {"scale": 0.5, "shift": 1.0, "name": "a"}
    unnamed = Affine(0.5, shift=2.0)
    again = Affine.from_config(unnamed.get_config())
    assert (again.scale, again.shift, again.name) == (0.5, 2.0, unnamed.name)

    class Nameless(Operation):
        def __init__(self, scale: float) -> None:
            super().__init__()

    assert Nameless(2.0).get_config() == {"scale": 2.0}

    class Variadic(Operation):
        def __init__(self, *scales: float) -> None:
            super().__init__()

    assert Variadic().get_config() == {}
    with pytest.raises(NotImplementedError, match=r"was given \*scales, which have no names. Define get_config in"):
        Variadic(1.0).get_config()
    with pytest.raises(NotImplementedError, match="cannot serialize <object"):
        Affine(object()).get_config()  # type: ignore[arg-type]


def test_configs_of_layers_hold_what_their_constructors_take() -> None:
    class Bare(Layer):
        def __init__(self, units: int, scale: int = 2) -> None:
            super().__init__()
            self.units = units

    config = Bare(3).get_config()
    assert config == {"units": 3, "scale": 2}
    assert Bare.from_config(config).units == 3


@pytest.mark.parametrize("name", ["a/b", 3])
def test_names_are_parts_of_paths(name: Any) -> None:
    with pytest.raises(ArgumentError, match="must be a string and cannot contain character `/`"):
        Affine(1.0, name=name)
    with pytest.raises(ArgumentError, match="must be a string and cannot contain character `/`"):
        Dense(1, name=name)


def test_keras_tensors_compare_by_element_and_are_found_by_identity() -> None:
    x, y = KerasTensor((2, 3)), KerasTensor((2, 3))
    compared: Any = x == y
    assert compared.dtype == "bool"
    assert x in [y, x]
    assert y not in [x]
    assert bool(x == y) is False
    assert x != y
    with pytest.raises(TypeError, match="has no value"):
        bool(x > y)


# --- Function ----------------------------------------------------------------------------------------------------


def _sums(x: Any, y: Any) -> Any:
    total = x + y
    return {"triple": total * 3.0, "square": total**2}


def test_a_function_runs_on_data_and_on_keras_tensors() -> None:
    x, y = KerasTensor((2, 3)), KerasTensor((2, 3))
    function = Function({"x": x, "y": y}, _sums(x, y), name="sums")
    ones = np.ones((2, 3), np.float32)
    values = function({"x": ones, "y": ones})
    assert (float(values["triple"][0, 0]), float(values["square"][0, 0])) == (6.0, 4.0)
    a, b = KerasTensor((2, 3)), KerasTensor((2, 3))
    outer = Function([a, b], function({"x": a, "y": b})["square"])
    assert outer([ones, 2 * ones]).numpy()[0, 0] == 9.0
    assert [op.name for op in outer.operations] == ["sums"]


def test_a_function_infers_shapes() -> None:
    x = KerasTensor((None, 3))
    function = Function(x, x * 2.0)
    assert function.compute_output_spec(KerasTensor((4, 3))).shape == (4, 3)
    assert function.compute_output_shape((None, 3)) == (None, 3)


def test_a_function_may_begin_anywhere() -> None:
    x = Input((3,))
    middle = x * 2.0
    last = middle + 1.0
    function = Function(middle, last)
    assert [op.name for op in function.operations] == [last.history.operation.name]
    assert function(np.ones((1, 3))).numpy().tolist() == [[2.0, 2.0, 2.0]]
    assert Function(middle, middle)(np.ones((1, 3))).numpy().tolist() == [[1.0, 1.0, 1.0]]


def test_functions_refuse_what_does_not_fit() -> None:
    x, y = KerasTensor((2, 3)), KerasTensor((2, 3))
    function = Function([x, y], x + y)
    with pytest.raises(ArgumentError, match="invalid input structure"):
        function(np.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"incompatible inputs: expected shape \(2, 3\).* got \(4, 3\)"):
        function([np.ones((4, 3)), np.ones((2, 3))])
    with pytest.raises(ArgumentError, match="`inputs` argument cannot be empty"):
        Function([], x)
    with pytest.raises(ArgumentError, match="`outputs` argument cannot be empty"):
        Function(x, [])
    with pytest.raises(ArgumentError, match=r"Output .* is not connected to `inputs`: it follows from .*other"):
        Function(Input((3,)), Input((3,), name="other") + 1.0)


# --- layers ------------------------------------------------------------------------------------------------------


def test_an_own_compute_output_shape_is_believed() -> None:
    class Doubling(Layer):
        def call(self, x: Any) -> Any:
            raise AssertionError("not needed for the shape")

        def compute_output_shape(self, input_shape: Any) -> Any:
            return {"a": input_shape, "b": [input_shape, (2 * input_shape[0],)]}

    found = Doubling().compute_output_spec(KerasTensor((2, 3)))
    assert (found["a"].shape, found["b"][0].shape, found["b"][1].shape) == ((2, 3), (2, 3), (4,))


def test_output_shapes_of_several_arguments() -> None:
    class Scaled(Layer):
        def call(self, x: Any, scale: Any) -> Any:
            return x * scale

    assert Scaled().compute_output_shape((None, 3), (1, 3)) == (None, 3)
    assert Scaled().compute_output_shape(scale_shape=(2, 3), x_shape=(1, 3)) == (2, 3)


def test_build_gets_shapes_by_name() -> None:
    class Two(Layer):
        def build(self, b_shape: Any, a_shape: Any, attention_mask_shape: Any = None) -> None:
            self.shapes = a_shape, b_shape, attention_mask_shape

        def call(self, a: Any, b: Any, attention_mask: Any = None) -> Any:
            return a

    layer = Two()
    layer(np.ones((4, 1)), np.ones((4, 2)), attention_mask=np.ones((4, 3)))
    assert layer.shapes == ((4, 1), (4, 2), (4, 3))


def test_build_parameters_must_name_arguments() -> None:
    class NoSuffix(Layer):
        def build(self, a_shape: Any, b: Any) -> None: ...

        def call(self, a: Any, b: Any) -> Any: ...

    class Unknown(Layer):
        def build(self, a_shape: Any, c_shape: Any) -> None: ...

        def call(self, a: Any, b: Any) -> Any: ...

    x = np.ones((2, 2))
    with pytest.raises(ArgumentError, match="argument `b`, which does not end in `_shape`"):
        NoSuffix()(x, x)
    with pytest.raises(ArgumentError, match=r"`c_shape`, but `call\(\)` does not have argument `c`"):
        Unknown()(x, x)


def test_weights_are_not_made_anew_in_each_call() -> None:
    class Leaking(Layer):
        def call(self, x: Any) -> Any:
            self.w = self.add_weight(shape=())
            return x

    with pytest.raises(ArgumentError, match="cannot add new elements of state"):
        Leaking()(np.ones((1, 1)))


def test_weights_made_in_the_constructor_are_named_after_the_layer() -> None:
    class Early(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.w = self.add_weight(shape=(), name="w")

    class Outer(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Early()

    outer = Outer()
    outer.build(None)
    assert [w.path for w in outer.weights] == [f"{outer.inner.name}/w"]


def test_weights_have_the_dtype_of_the_computation_inside_a_call() -> None:
    seen = []

    class Mixed(Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight(shape=(), name="w")
            self.kept = self.add_weight(shape=(), autocast=False)

        def call(self, x: Any) -> Any:
            seen.append((self.w.dtype.name, self.kept.dtype.name))
            return x * self.w

    layer = Mixed(dtype="mixed_float16")
    assert layer(np.ones((1, 1))).dtype == "float16"
    assert seen == [("float16", "float32")]
    assert layer.w.dtype == "float32"


def test_dtype_policies_can_be_set() -> None:
    layer = Dense(2)
    layer.dtype_policy = "mixed_bfloat16"
    assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_trainable_is_a_boolean(value: Any) -> None:
    with pytest.raises(ArgumentError, match="to be a boolean"):
        Dense(2, trainable=value)


def test_variables_hold_no_state_of_metrics() -> None:
    class Measured(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.mean = keras.metrics.Mean()
            self.generator = keras.random.SeedGenerator(1)

        def call(self, x: Any) -> Any:
            return x

    layer = Measured()
    assert [v.shape for v in layer.variables] == [(2,)]
    assert len(layer.metrics_variables) == 2


def test_regularized_activities_of_an_empty_batch_cost_nothing() -> None:
    class Plain(Layer):
        def call(self, x: Any) -> Any:
            return x

    layer = Plain(activity_regularizer="l2")
    layer(np.zeros((0, 5)))
    assert float(layer.losses[0]) == 0.0
    layer(2 * np.ones((4, 5)))
    assert float(layer.losses[0]) == pytest.approx(0.2)
