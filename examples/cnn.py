"""A convolutional network with batch normalization: trained by fit, exported to ONNX, run by ONNX Runtime alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort

from graphc import keras
from graphc.keras import layers


def load() -> tuple[Any, Any, Any, Any]:
    """Digits as float32[count, 8, 8, 1] in [0, 1] with their labels: training, then test."""
    (x, y), (x_test, y_test) = keras.datasets.digits.load_data()
    x, x_test = (np.expand_dims(a.astype("float32") / 16, -1) for a in (x, x_test))
    return x, y, x_test, y_test


def build() -> keras.Model:
    """Two convolutions with batch normalization, whose averages are short ones: an epoch has 45 steps only."""
    return keras.Sequential([
        keras.Input((8, 8, 1), name="image"),
        layers.Conv2D(16, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax", name="digit"),
    ])  # fmt: skip


def main() -> dict[str, Any]:
    """Trains, exports and runs the file; returns accuracies and how far ONNX Runtime is from predict."""
    keras.utils.set_random_seed(0)
    x, y, x_test, y_test = load()
    model = build()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=32, epochs=8, verbose=2, validation_data=(x_test, y_test))
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)

    model.export("cnn.onnx")
    session = ort.InferenceSession("cnn.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(["digit"], {"image": x_test})
    return {
        "accuracy": accuracy,
        "accuracy in ONNX Runtime": float(np.mean(found.argmax(-1) == y_test)),
        "difference": float(np.abs(found - model.predict(x_test, verbose=0)).max()),
        "trainable": len(model.trainable_weights),
        "not trainable": len(model.non_trainable_weights),  # the moving means and variances
    }


if __name__ == "__main__":
    print(main())
