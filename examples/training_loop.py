"""Training by hand: a tape, an optimizer and a metric in a loop over batches, eagerly and as one compiled function."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc import keras
from graphc.keras import layers

BATCH = 64


def load() -> tuple[Any, Any]:
    """Digits of 8x8 pixels as rows of 64 numbers in [0, 1], in training and test batches."""
    (x, y), (x_test, y_test) = keras.datasets.digits.load_data()
    x, x_test = x.reshape(-1, 64).astype("float32") / 16, x_test.reshape(-1, 64).astype("float32") / 16
    train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(buffer_size=1024, seed=0).batch(BATCH)
    return train, tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(BATCH)


def train(compiled: bool, epochs: int = 4) -> dict[str, float]:
    """Trains and tests a network; returns its accuracies."""
    keras.utils.set_random_seed(0)
    batches, test_batches = load()
    model = keras.Sequential([
        layers.Dense(256, activation=tf.nn.relu), layers.Dense(256, activation=tf.nn.relu), layers.Dense(10),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    accuracy = keras.metrics.SparseCategoricalAccuracy()
    optimizer = keras.optimizers.Adam()

    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = model(x)
            value = loss(y, logits)
        gradients = tape.gradient(value, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        accuracy.update_state(y, logits)
        return value

    run = tf.function(step, reduce_retracing=True) if compiled else step
    for epoch in range(epochs):
        accuracy.reset_state()
        for x, y in batches:
            value = run(x, y)
        print(f"epoch {epoch + 1}: loss of the last batch {float(value):.3f}, accuracy {float(accuracy.result()):.3f}")
    train_accuracy = float(accuracy.result())
    accuracy.reset_state()
    for x, y in test_batches:
        accuracy.update_state(y, model(x))
    return {"train": train_accuracy, "test": float(accuracy.result())}


def main() -> dict[str, dict[str, float]]:
    """Both ways."""
    return {"eager": train(compiled=False), "compiled": train(compiled=True)}


if __name__ == "__main__":
    print(main())
