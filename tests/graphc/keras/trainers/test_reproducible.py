"""``keras.utils.set_random_seed`` makes whole runs reproducible bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import keras
from graphc.keras import layers

X = np.random.default_rng(0).normal(size=(60, 6)).astype("f")
Y = np.random.default_rng(1).integers(0, 3, 60)


def _run(seed: int) -> tuple[list[Any], dict[str, Any]]:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([
        keras.Input((6,)), layers.Dense(16, activation="relu"), layers.Dropout(0.3), layers.GaussianNoise(0.1),
        layers.Dense(3),
    ])  # fmt: skip
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(X, Y, batch_size=16, epochs=3, verbose=0)
    return model.get_weights(), history.history


def test_the_same_seed_gives_the_same_run() -> None:
    first, second, other = _run(7), _run(7), _run(8)
    assert first[1] == second[1]
    assert all(np.array_equal(a, b) for a, b in zip(first[0], second[0], strict=True))
    assert first[1] != other[1]
