"""Layers of your own: weights made at the first call, layers inside layers, and the three ways to make a model."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc import keras
from graphc.keras import layers


class Linear(layers.Layer):
    """``x @ w + b``; the weights are made when the first input shows its size."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.matmul(x, self.w) + self.b


class RunningSum(layers.Layer):
    """Adds up what it sees, in a Variable that training leaves alone."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.total = tf.Variable(tf.zeros((size,)), trainable=False)

    def call(self, x: tf.Tensor) -> tf.Variable:
        self.total.assign_add(tf.reduce_sum(x, axis=0))
        return self.total


class Noisy(layers.Layer):
    """Drops elements, while training only."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return tf.nn.dropout(x, rate=self.rate) if training else x


class Block(layers.Layer):
    """Layers inside a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.linears = [Linear(32), Linear(32)]
        self.noisy = Noisy(0.5)
        self.head = Linear(10)

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        for linear in self.linears:
            x = tf.nn.relu(linear(x))
        return self.head(self.noisy(x, training=training))


def main() -> dict[str, Any]:
    """Prints and returns what the layers hold."""
    block = Block()
    block(tf.ones((3, 64)))
    counter = RunningSum(2)
    counter(tf.ones((2, 2)))

    inputs = keras.Input(shape=(16,))
    functional = keras.Model(inputs, Linear(10)(Noisy(0.5)(Linear(32)(inputs))))
    sequential = keras.Sequential([Linear(32), Noisy(0.5), Linear(10)])
    sequential(tf.ones((2, 16)))
    functional.summary()

    result = {
        "weights of the block": len(block.weights),
        "running sum": counter(tf.ones((2, 2))).numpy().tolist(),
        "trainable in the running sum": len(counter.trainable_weights),
        "functional output": list(functional.output_shape),
        "parameters": [functional.count_params(), sequential.count_params()],
    }
    print(result)
    return result


if __name__ == "__main__":
    main()
