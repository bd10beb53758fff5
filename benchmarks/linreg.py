"""The overview's linear regression: one epoch of 79 steps, shuffling and batching included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.harness import Row, installed, race

ROWS, BATCH, RATE = 20000, 256, 0.001


def run() -> list[Row]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, 2)).astype(np.float32)
    y = (x @ np.array([[2.0], [-1.0]], np.float32) + 0.5).astype(np.float32)
    import graphc

    candidates: dict[str, Callable[[], float]] = {
        "numpy by hand": _numpy_epoch(x, y),
        "graphc": _tf_epoch(graphc, x, y),
    }
    if installed("jax"):
        candidates["jax.jit"] = _jax_epoch(x, y)
    if installed("tensorflow"):
        import tensorflow

        candidates["tf.function"] = _tf_epoch(tensorflow, x, y)
    return race("linear regression, epoch with shuffle and batches", candidates, "numpy by hand", unit="ms", burst=0.1)


def _numpy_epoch(x: Any, y: Any) -> Callable[[], float]:
    rng = np.random.default_rng(1)
    w, b = rng.standard_normal((2, 1)).astype(np.float32), np.zeros(1, np.float32)

    def step(x: Any, y: Any) -> Any:
        nonlocal w, b
        d = x @ w
        d += b
        d -= y
        loss = np.dot(d[:, 0], d[:, 0]) / len(d)
        d *= np.float32(2 * RATE / len(d))
        w -= x.T @ d
        b -= d.sum()
        return loss

    def epoch() -> float:
        order = rng.permutation(ROWS)
        for i in range(0, ROWS, BATCH):
            chosen = order[i : i + BATCH]
            loss = step(x[chosen], y[chosen])
        return float(loss)

    return epoch


def _tf_epoch(tf: Any, x: Any, y: Any) -> Callable[[], float]:
    """The same program for graphc and TensorFlow."""
    w, b = tf.Variable(tf.random.normal((2, 1))), tf.Variable(tf.zeros((1,)))
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(buffer_size=1024).batch(BATCH)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b - y))
        gw, gb = tape.gradient(loss, [w, b])
        w.assign_sub(RATE * gw)
        b.assign_sub(RATE * gb)
        return loss

    def epoch() -> float:
        for x_batch, y_batch in dataset:
            loss = step(x_batch, y_batch)
        return float(loss)

    return epoch


def _jax_epoch(x: Any, y: Any) -> Callable[[], float]:
    import jax
    import jax.numpy as jnp

    def loss_of(parameters: Any, x: Any, y: Any) -> Any:
        w, b = parameters
        return jnp.mean(jnp.square(x @ w + b - y))

    @jax.jit
    def step(parameters: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, y)
        return jax.tree.map(lambda p, g: p - RATE * g, parameters, gradients), loss

    rng = np.random.default_rng(1)
    parameters = (jnp.asarray(rng.standard_normal((2, 1)), jnp.float32), jnp.zeros(1))

    def epoch() -> float:
        nonlocal parameters
        order = rng.permutation(ROWS)
        for i in range(0, ROWS, BATCH):
            chosen = order[i : i + BATCH]
            parameters, loss = step(parameters, x[chosen], y[chosen])
        return float(loss)

    return epoch
