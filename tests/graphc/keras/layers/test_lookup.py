"""layers.serialize and layers.deserialize."""

from __future__ import annotations

import pytest

from graphc import keras
from graphc.keras import layers
from graphc_ir.errors import ArgumentError


def test_a_config_gives_an_equal_layer() -> None:
    config = layers.serialize(layers.Dense(3, activation="relu", name="d"))
    copy = layers.deserialize(config)
    assert (copy.name, copy.units, layers.serialize(copy)) == ("d", 3, config)


def test_other_objects_are_refused() -> None:
    config = keras.initializers.serialize(keras.initializers.Zeros())
    with pytest.raises(ArgumentError, match="expected a layer"):
        layers.deserialize(config)
