"""What attention layers say about themselves: masks, shapes, arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.keras import layers

PAIR = [np.ones((2, 3, 4), np.float32), np.ones((2, 5, 4), np.float32)]


@pytest.mark.parametrize("layer", [layers.Attention(), layers.AdditiveAttention()])
def test_the_mask_of_the_result_is_that_of_the_query(layer: Any) -> None:
    query_mask, value_mask = np.array([[True, False, True]] * 2), np.ones((2, 5), bool)
    np.testing.assert_array_equal(layer.compute_mask(PAIR, mask=[query_mask, value_mask]).numpy(), query_mask)
    assert layer.compute_mask(inputs=PAIR, mask=[None, value_mask]) is None
    assert layer.compute_mask(PAIR) is None


@pytest.mark.parametrize(
    "layer",
    [
        layers.MultiHeadAttention(num_heads=2, key_dim=3, sliding_window=2),
        layers.GroupedQueryAttention(head_dim=3, num_query_heads=2, num_key_value_heads=1, sliding_window=2),
    ],
)
def test_the_shape_of_the_result_without_keys_of_their_own(layer: Any) -> None:
    assert layer.compute_output_shape((2, 4, 8), (2, 5, 8), None) == (2, 4, 8)
    assert layer.compute_output_shape((None, 4, 8), (None, 5, 8)) == (None, 4, 8)
    assert layer.sliding_window == 2
