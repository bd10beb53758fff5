"""Arguments, configs and masks of core layers beyond their values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.keras import KerasTensor, layers
from graphc.keras.serialization import SafeModeError
from graphc_ir.errors import ArgumentError


@pytest.mark.parametrize("size", [True, False, 4.0, "3", None, -1, 0])
def test_sizes_of_an_embedding_are_positive_integers(size: Any) -> None:
    with pytest.raises(ArgumentError, match="input_dim must be"):
        layers.Embedding(size, 8)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"shape": (4,)}, r"got shape=\(4,\) for a tensor .* with shape \(3,\)"),
        ({"batch_shape": (2, 4)}, r"got batch_shape=\(2, 4\)"),
        ({"batch_size": 5}, "got batch_size=5"),
        ({"dtype": "float16"}, "got dtype=float16"),
    ],
)
def test_an_input_may_not_contradict_its_tensor(claims: dict[str, Any], message: str) -> None:
    tensor = KerasTensor((2, 3))
    with pytest.raises(ArgumentError, match=message):
        layers.InputLayer(input_tensor=tensor, **claims)
    layer = layers.InputLayer(shape=(3,), batch_size=2, dtype="float32", input_tensor=tensor)
    assert layer.output is tensor


def test_the_size_of_the_batch_is_given_once() -> None:
    with pytest.raises(ArgumentError, match="has the size of the batch already, got batch_size=4"):
        layers.InputLayer(batch_size=4, batch_shape=(2, 3))


def test_only_the_way_into_a_reversible_embedding_has_a_mask() -> None:
    layer = layers.ReversibleEmbedding(3, 2, mask_zero=True)
    vectors = layer(np.array([[2, 1, 0]]))
    np.testing.assert_array_equal(vectors._keras_mask.numpy(), [[True, True, False]])
    back = layer(np.zeros((2, 2), np.float32), reverse=True)
    assert getattr(back, "_keras_mask", None) is None


def test_steps_of_integers_are_masked_as_integers() -> None:
    result = layers.Masking()(np.array([[[0, 0], [1, 2], [0, 3]]], np.int32))
    assert result.dtype == "int32"
    np.testing.assert_array_equal(result._keras_mask.numpy(), [[False, True, True]])


class Doubled(layers.Layer):
    """A layer that no registry knows."""

    def call(self, inputs: Any) -> Any:
        return 2 * inputs


@pytest.mark.parametrize("wrap", [layers.TimeDistributed, layers.Wrapper])
def test_wrapped_layers_are_looked_up_in_custom_objects(wrap: Any) -> None:
    config = wrap(Doubled()).get_config()
    assert isinstance(wrap.from_config(config, {"Doubled": Doubled}).layer, Doubled)
    with pytest.raises(ArgumentError, match="'Doubled'"):
        wrap.from_config(config)


def test_named_functions_of_lambda_layers_are_looked_up_in_custom_objects() -> None:
    def triple(x: Any) -> Any:
        return 3 * x

    layer = layers.Lambda.from_config(layers.Lambda(triple).get_config(), custom_objects={"triple": triple})
    assert layer.function is triple


def test_bytecode_is_not_run_even_if_it_is_asked_for() -> None:
    config = layers.Lambda(lambda x: x).get_config()
    with pytest.raises(SafeModeError, match="does not execute"):
        layers.Lambda.from_config(config, safe_mode=False)
