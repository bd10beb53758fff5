"""A training step of an MLP (784-256-256-10, batch 64, Adam), compiled, in turn with the peers; and a long run."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.harness import Row, installed, race

SIZES, BATCH, BATCHES = (784, 256, 256, 10), 64, 100
LONG_RUN, WINDOW = 5_000, 400


def run() -> list[Row]:
    rng = np.random.default_rng(0)
    batches = [
        (rng.random((BATCH, SIZES[0]), dtype=np.float32), rng.integers(0, SIZES[-1], BATCH).astype(np.int32))
        for _ in range(BATCHES)
    ]
    weights = [w for a, b in itertools.pairwise(SIZES) for w in _layer(rng, a, b)]
    # One race per peer: idle worker threads of a third framework would disturb both.
    rows: list[Row] = []
    peers = {"jax.jit, donated": ("jax", _jax_step), "torch eager, fused Adam": ("torch", _torch_step),
             "tf.function": ("tensorflow", _tensorflow_step)}  # fmt: skip
    for name, (module, make) in peers.items():
        if installed(module):
            candidates = {"graphc": _graphc_step(weights, batches, "auto"), name: make(weights, batches)}
            rows += race(f"MLP training step with Adam, in turn with {module}", candidates, name, burst=0.2, rounds=21)
    return [*rows, *_long_run(weights, batches)]


def _layer(rng: Any, inputs: int, outputs: int) -> tuple[Any, Any]:
    kernel = rng.standard_normal((inputs, outputs)).astype(np.float32) * np.float32(np.sqrt(1 / inputs))
    return kernel, np.zeros(outputs, np.float32)


def _cycle(step: Callable[[Any, Any], Any], batches: list[Any]) -> Callable[[], float]:
    position = 0

    def call() -> float:
        nonlocal position
        position = (position + 1) % len(batches)
        return float(step(*batches[position]))

    return call


def _logits(x: Any, weights: Any, matmul: Any, relu: Any) -> Any:
    for i in range(0, len(weights), 2):
        x = matmul(x, weights[i]) + weights[i + 1]
        x = relu(x) if i + 2 < len(weights) else x
    return x


def _graphc_step(weights: list[Any], batches: list[Any], backend: str) -> Callable[[], float]:
    import graphc as tf

    variables = [tf.Variable(w) for w in weights]
    optimizer = tf.keras.optimizers.Adam()

    @tf.function(backend=backend)
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = _logits(x, variables, tf.matmul, tf.nn.relu)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return _cycle(step, [(tf.constant(x), tf.constant(y)) for x, y in batches])


def _jax_step(weights: list[Any], batches: list[Any]) -> Callable[[], float]:
    import jax
    import jax.numpy as jnp

    def loss_of(parameters: Any, x: Any, y: Any) -> Any:
        scores = jax.nn.log_softmax(_logits(x, parameters, jnp.matmul, jax.nn.relu))
        return -jnp.mean(jnp.take_along_axis(scores, y[:, None], 1))

    def update(state: Any, x: Any, y: Any) -> Any:
        parameters, m, v, t = state
        loss, g = jax.value_and_grad(loss_of)(parameters, x, y)
        t = t + 1
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        parameters = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), parameters, m, v)
        return (parameters, m, v, t), loss

    compiled = jax.jit(update, donate_argnums=0)
    parameters = [jnp.asarray(w) for w in weights]
    state = (
        parameters,
        [jnp.zeros_like(p) for p in parameters],
        [jnp.zeros_like(p) for p in parameters],
        jnp.float32(0),
    )

    def step(x: Any, y: Any) -> Any:
        nonlocal state
        state, loss = compiled(state, x, y)
        return loss

    return _cycle(step, [(jnp.asarray(x), jnp.asarray(y)) for x, y in batches])


def _torch_step(weights: list[Any], batches: list[Any]) -> Callable[[], float]:
    import torch

    parameters = [torch.tensor(w, requires_grad=True) for w in weights]
    optimizer = torch.optim.Adam(parameters, eps=1e-7, fused=True)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(_logits(x, parameters, torch.matmul, torch.relu), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return _cycle(step, [(torch.from_numpy(x), torch.from_numpy(y).long()) for x, y in batches])


def _tensorflow_step(weights: list[Any], batches: list[Any]) -> Callable[[], float]:
    import tensorflow as tf

    variables = [tf.Variable(w) for w in weights]
    optimizer = tf.keras.optimizers.Adam()
    optimizer.build(variables)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = _logits(x, variables, tf.matmul, tf.nn.relu)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return _cycle(step, [(tf.constant(x), tf.constant(y)) for x, y in batches])


def _long_run(weights: list[Any], batches: list[Any]) -> list[Row]:
    """Denormal numbers would make late steps slower: the first and the last window of a long run."""
    rows = []
    for backend in ("onnxruntime", "numpy"):
        step = _graphc_step(weights, batches, backend)
        seconds = []
        for _ in range(LONG_RUN):
            start = time.perf_counter()
            step()
            seconds.append((time.perf_counter() - start) * 1e6)
        first, last = statistics.median(seconds[100 : 100 + WINDOW]), statistics.median(seconds[-WINDOW:])
        case = f"MLP step over {LONG_RUN} steps, graphc {backend}"
        rows.append(Row(case, "first steps", first, min(seconds[:WINDOW]), "us", 1.0))
        rows.append(Row(case, "last steps", last, min(seconds[-WINDOW:]), "us", last / first))
    return rows
