"""A recurrent network written by hand: a Python loop over time in call, unrolled when it is traced."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as tf
from graphc import keras
from graphc.keras import layers


class Recurrent(keras.Model):
    """A state that each time step updates; the last one is classified."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units
        self.from_state = layers.Dense(units, activation="tanh")
        self.from_input = layers.Dense(units, activation="tanh")
        self.classifier = layers.Dense(1)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        state = tf.zeros((tf.shape(inputs)[0], self.units))
        for t in range(inputs.shape[1]):
            state = self.from_state(state) + self.from_input(inputs[:, t, :])
        return self.classifier(state)


def main() -> dict[str, Any]:
    """Learns whether the numbers of a sequence add up to more than zero."""
    keras.utils.set_random_seed(4)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 8, 2)).astype("float32")
    y = (x.sum((1, 2)) > 0).astype("float32")
    model = Recurrent(16)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=keras.losses.BinaryCrossentropy(from_logits=True),
                  metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])  # fmt: skip
    history = model.fit(x, y, epochs=10, batch_size=50, verbose=2, validation_split=0.2)
    return {"validation accuracy": history.history["val_binary_accuracy"][-1], "weights": len(model.weights)}


if __name__ == "__main__":
    main()
