"""Transfer learning: a network learns the digits 0 to 4; frozen below a new head, it helps to tell 5 to 9 apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import keras
from graphc.keras import layers

FEW = 60  # labelled images of the new digits


def load() -> tuple[Any, Any, Any, Any]:
    """Digits 0 to 4 to learn from first, and 5 to 9 (as classes 0 to 4) for the new task."""
    (x, y), (x_more, y_more) = keras.datasets.digits.load_data()
    x = np.concatenate([x, x_more]).astype("float32")[..., None] / 16
    y = np.concatenate([y, y_more])
    return x[y < 5], y[y < 5], x[y >= 5], y[y >= 5] - 5


def classifier(features: keras.Model, rate: float) -> keras.Model:
    """Five classes on top of the features, which run as in inference: frozen statistics stay frozen."""
    inputs = keras.Input((8, 8, 1))
    outputs = layers.Dense(5, activation="softmax")(features(inputs, training=False))
    model = keras.Model(inputs, outputs)
    compile_(model, rate)
    return model


def compile_(model: keras.Model, rate: float) -> None:
    """A model is compiled anew after layers were frozen or thawed."""
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])


def main() -> dict[str, Any]:
    """Returns accuracies on new digits with the head alone and after fine-tuning, and which weights moved."""
    keras.utils.set_random_seed(0)
    x, y, x_new, y_new = load()
    features = keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.Flatten(),
    ], name="features")  # fmt: skip
    first = keras.Sequential([features, layers.Dense(5, activation="softmax")])
    compile_(first, 0.001)
    first.fit(x, y, batch_size=32, epochs=3, verbose=2)

    features.trainable = False
    model = classifier(features, 0.01)
    trainable_while_frozen = len(model.trainable_weights)
    before = features.get_weights()
    model.fit(x_new[:FEW], y_new[:FEW], batch_size=20, epochs=15, verbose=0)
    frozen = moved(features, before)
    _, head_only = model.evaluate(x_new[FEW:], y_new[FEW:], verbose=0)

    features.trainable = True
    compile_(model, 0.0003)
    model.fit(x_new[:FEW], y_new[:FEW], batch_size=20, epochs=15, verbose=0)
    _, fine_tuned = model.evaluate(x_new[FEW:], y_new[FEW:], verbose=0)
    print(f"head only {head_only:.3f}, fine-tuned {fine_tuned:.3f}")
    return {
        "head only": head_only, "fine-tuned": fine_tuned,
        "trainable while frozen": trainable_while_frozen, "trainable after": len(model.trainable_weights),
        "moved while frozen": frozen, "moved in fine-tuning": moved(features, before),
    }  # fmt: skip


def moved(features: keras.Model, before: list[Any]) -> int:
    """How many weights differ from before."""
    return sum(not np.array_equal(a, b) for a, b in zip(features.get_weights(), before, strict=True))


if __name__ == "__main__":
    print(main())
