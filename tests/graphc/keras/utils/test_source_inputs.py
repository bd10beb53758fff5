"""``keras.utils.get_source_inputs``."""

from __future__ import annotations

import pytest

from graphc import keras
from graphc.keras.utils import get_source_inputs
from graphc_ir.errors import ArgumentError


def test_the_inputs_of_a_tensor_each_once_in_order() -> None:
    a, b, c = (keras.Input((2,), name=name) for name in "abc")
    shared = keras.layers.Dense(2)(b)
    joined = keras.layers.Concatenate()([keras.layers.Add()([shared, a]), shared, b])
    assert [tensor.name for tensor in get_source_inputs(joined)] == ["b", "a"]
    assert get_source_inputs(c)[0] is c
    assert [tensor.name for tensor in get_source_inputs(keras.ops.relu(c) * 2.0)] == ["c"]


def test_a_deep_model_is_no_recursion() -> None:
    first = tensor = keras.Input((2,))
    for _ in range(1500):
        tensor = keras.layers.ReLU()(tensor)
    assert get_source_inputs(tensor)[0] is first


def test_other_tensors() -> None:
    free = keras.KerasTensor((None, 2))
    assert get_source_inputs(free)[0] is free
    with pytest.raises(ArgumentError, match=r"got int, expected a KerasTensor"):
        get_source_inputs(3)  # type: ignore[arg-type]
