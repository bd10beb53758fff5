"""Losses that layers add: a penalty on activations, several layers deep, in a loop of your own and in fit."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc import keras
from graphc.keras import layers


class ActivityPenalty(layers.Layer):
    """Passes its input on and adds ``rate * sum(input ** 2)`` to the model's loss."""

    def __init__(self, rate: float = 1e-3) -> None:
        super().__init__()
        self.rate = rate

    def call(self, x: tf.Tensor) -> tf.Tensor:
        self.add_loss(self.rate * tf.reduce_sum(tf.square(x)))
        return x


class SparseMlp(keras.Model):
    """A hidden layer whose activations are kept small."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.hidden = layers.Dense(32, activation=tf.nn.relu)
        self.penalty = ActivityPenalty()
        self.head = layers.Dense(outputs)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.head(self.penalty(self.hidden(x)))


def main() -> dict[str, Any]:
    """The penalty is that of the last call, and training makes loss and penalty smaller."""
    keras.utils.set_random_seed(1)
    (x, y), _ = keras.datasets.digits.load_data()
    x = x.reshape(-1, 64).astype("float32") / 16
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    model = SparseMlp(10)
    for _ in range(3):
        model(x[:64])
    kept = len(model.losses)
    penalty = float(model.losses[0])

    optimizer = keras.optimizers.SGD(learning_rate=0.1)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(buffer_size=1024, seed=1).batch(64)
    losses = []
    for images, labels in dataset:
        with tf.GradientTape() as tape:
            loss = cross_entropy(labels, model(images))
            loss += sum(model.losses)
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        losses.append(float(loss))
    print(f"own loop: {losses[0]:.3f} -> {losses[-1]:.3f}")

    model.compile(optimizer="adam", loss=cross_entropy)
    history = model.fit(x, y, epochs=3, verbose=2).history["loss"]
    model(x[:64])
    return {"losses kept": kept, "own loop": losses, "fit": history, "penalty": [penalty, float(model.losses[0])]}


if __name__ == "__main__":
    main()
