"""Linear regression with a custom training loop: tf.data, Variables, GradientTape, tf.function."""

from __future__ import annotations

import numpy as np

import graphc as tf


def make_data(count: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Points float32[count, 2], and their targets float32[count, 1]: 2a - b + 0.5 and a little noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 2)).astype(np.float32)
    noise = 0.01 * rng.normal(size=(count, 1))
    return x, (x @ [[2.0], [-1.0]] + 0.5 + noise).astype(np.float32)


def main(epochs: int = 20) -> dict[str, float]:
    """Trains, and returns the last loss and the parameters."""
    x, y = make_data()
    w = tf.Variable(tf.zeros([2, 1]), name="w")
    b = tf.Variable(tf.zeros([1]), name="b")

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(x @ w + b - y))
        dw, db = tape.gradient(loss, [w, b])
        w.assign_sub(0.05 * dw)
        b.assign_sub(0.05 * db)
        return loss

    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(1000, seed=1).batch(50)
    loss = tf.constant(float("inf"))
    for epoch in range(epochs):
        for batch_x, batch_y in dataset:
            loss = step(batch_x, batch_y)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:2}: loss {float(loss):.5f}")
    found = {"loss": float(loss), "w0": float(w[0, 0]), "w1": float(w[1, 0]), "b": float(b[0])}
    print(", ".join(f"{name} = {value:.4f}" for name, value in found.items()))
    return found


if __name__ == "__main__":
    main()
