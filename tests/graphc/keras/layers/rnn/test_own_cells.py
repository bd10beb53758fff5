"""Cells of one's own inside RNN and StackedRNNCells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.keras import layers, ops

X = np.arange(12, dtype=np.float32).reshape(2, 3, 2)


class Total(layers.Layer):
    """Adds up its inputs: one state, which is the output."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state_size = units

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.state_size), initializer="ones", name="kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        following = ops.matmul(inputs, self.kernel) + states[0]
        return following, [following]


def test_a_number_as_state_size_gives_a_tensor_as_state() -> None:
    layer = layers.RNN([Total(4), Total(2)], return_state=True)
    output, first, second = layer(X)
    assert first.shape == (2, 4)
    assert second.shape == (2, 2)
    np.testing.assert_allclose(first.numpy()[:, 0], X.sum((1, 2)))
    np.testing.assert_allclose(output.numpy(), second.numpy())
    again = layer(X, initial_state=[first, second])[1]
    np.testing.assert_allclose(again.numpy(), 2 * first.numpy())


@pytest.mark.parametrize("return_sequences", [False, True])
def test_cells_of_another_dtype_than_the_layer(return_sequences: bool) -> None:
    cells = [Total(4, dtype="float32"), layers.GRUCell(2, dtype="float32")]
    layer = layers.RNN(cells, return_sequences=return_sequences, dtype="mixed_float16")
    assert layer(X).dtype == "float16"
    assert layer.compute_output_shape((2, 3, 2)) == ((2, 3, 2) if return_sequences else (2, 2))
