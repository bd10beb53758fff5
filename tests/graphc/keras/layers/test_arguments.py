"""Arguments of a wrong type, which callers may catch as the TypeError that Keras raises or as a ValueError."""

from __future__ import annotations

from typing import Any

import pytest

from graphc import keras
from graphc_ir.errors import ArgumentError

layers: Any = keras.layers


@pytest.mark.parametrize("error", [TypeError, ValueError, ArgumentError])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Embedding("3", 8), r"input_dim must be an integer, got '3' \(str\)"),
        (lambda: layers.Embedding(3, 8.0), r"output_dim must be an integer, got 8.0 \(float\)"),
        (lambda: layers.RepeatVector(3.5), "must be an integer, got 3.5"),
        (lambda: layers.UpSampling1D("2"), "must be an integer, got '2'"),
        (lambda: layers.LayerNormalization(axis={"axis": -1}), "expected an integer or a list of integers"),
        (lambda: layers.UnitNormalization(axis=1.0), "expected an integer or a list of integers"),
        (lambda: layers.deserialize({"class_name": "Dense", "module": "keras.layers", "config": [1]}), "to be a dict"),
    ],
)
def test_a_wrong_type_is_a_type_error(make: Any, message: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=message):
        make()
