"""BatchNormalization and GroupNormalization: masks that broadcast, arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.keras import layers
from graphc_ir.errors import ArgumentError
from tests.graphc.keras.layers.checks import numbers


def test_a_mask_that_stands_for_several_rows_counts_them_all() -> None:
    x = numbers(1, 2, 3, 4)
    mask = np.array([[[True], [False]]])
    layer, reference = layers.BatchNormalization(momentum=0.0), layers.BatchNormalization(momentum=0.0)
    found = layer(x, training=True, mask=mask).numpy()
    expected = reference(x[:, :1], training=True).numpy()
    np.testing.assert_allclose(found[:, :1], expected, 1e-4, 1e-5)
    np.testing.assert_allclose(layer.moving_mean.numpy(), x[:, :1].mean((0, 1, 2)), 1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x[:, :1].var((0, 1, 2)), 1e-4)


@pytest.mark.parametrize("groups", [0, -2, 1.5, "32", True])
def test_groups_are_positive_integers(groups: Any) -> None:
    with pytest.raises(ArgumentError, match="GroupNormalization: got groups="):
        layers.GroupNormalization(groups=groups)
    assert layers.GroupNormalization(groups=-1).groups == -1
