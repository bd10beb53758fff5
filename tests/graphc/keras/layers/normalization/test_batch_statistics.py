"""BatchNormalization and GroupNormalization: masks that broadcast, arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc import keras
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


RENORMALIZED: list[tuple[dict[str, Any], list[float], dict[str, float]]] = [
    (
        {},
        [77.302, 1.4622, 1.5195],
        {"gamma": 0.3502, "beta": -0.9617, "moving_mean": 7.3591, "moving_variance": 9.2098, "moving_stddev": 6.0608,
         "renorm_mean": 10.3675, "renorm_stddev": 6.8992},
    ),
    (
        {"renorm_clipping": {"rmax": 1.2, "rmin": 0.8, "dmax": 0.3}},
        [7.2715, 5.1234, 3.8277],
        {"gamma": 3.0917, "beta": -0.3362, "moving_mean": 7.0874, "moving_variance": 9.9222, "moving_stddev": 6.2905,
         "renorm_mean": 9.9731, "renorm_stddev": 7.2498},
    ),
    (
        {"axis": 1, "center": False},
        [65.1009, 1.323, 0.9463],
        {"gamma": 0.7428, "moving_mean": 7.1733, "moving_variance": 9.7148, "moving_stddev": 6.2206,
         "renorm_mean": 10.1728, "renorm_stddev": 7.187},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("options", "losses", "sums"), RENORMALIZED, ids=["plain", "clipped", "axis"])
def test_renormalized_training_goes_as_in_keras(
    options: dict[str, Any], losses: list[float], sums: dict[str, float]
) -> None:
    """The numbers are Keras 3.15's for the same data; the cases draw from one stream, one after the other."""
    rng = np.random.default_rng(0)
    for earlier, *_ in RENORMALIZED:
        x, y = rng.normal(3, 2, (12, 4, 4)).astype("f"), rng.normal(size=(12, 4, 2)).astype("f")
        if earlier is options:
            break
    layer = layers.BatchNormalization(renorm=True, renorm_momentum=0.8, momentum=0.9, **options)
    inputs = keras.Input((4, 4))
    model = keras.Model(inputs, layers.Dense(2, kernel_initializer="ones")(layer(inputs)))
    model.compile(keras.optimizers.SGD(0.01), "mse")
    history = model.fit(x, y, epochs=3, batch_size=5, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-4)
    found = {w.path.split("/")[-1]: float(w.numpy().sum()) for w in layer.weights}
    assert found == pytest.approx(sums, rel=1e-3)


@pytest.mark.parametrize(
    ("clipping", "message"),
    [
        ({"random": 1.0}, "has the limits rmax, rmin, dmax, got random"),
        ({"rmax": 0.0, "rmin": 1.0}, "needs rmin <= rmax, got rmin=1.0, rmax=0.0"),
        ({"dmax": -1.0}, "needs dmax >= 0, got -1.0"),
    ],
)
def test_clipping_that_makes_no_sense(clipping: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        layers.BatchNormalization(renorm=True, renorm_clipping=clipping)


@pytest.mark.parametrize("make", [layers.BatchNormalization, layers.GroupNormalization])
def test_several_tensors_are_refused(make: Any) -> None:
    with pytest.raises(ArgumentError, match=r"takes one tensor, got tensors of the shapes \[\(2, 32\), \(2, 32\)\]"):
        make()([numbers(2, 32), numbers(2, 32)])
