"""What tracing and compiling costs per op: chains of 1,000 to 100,000 element-wise ops."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.harness import Row, installed

SIZES = (1_000, 10_000, 100_000)
PEER_LIMIT = 10_000  # the peers need minutes beyond


def run() -> list[Row]:
    rows: list[Row] = []
    for size in SIZES:
        rows += _graphc(size)
        if size <= PEER_LIMIT:
            rows += _peers(size)
    return rows


def chain(x: Any, sin: Callable[[Any], Any], size: int) -> Any:
    for i in range(size // 2):
        x = sin(x) * (1.0 + 1e-4 * i)
    return x


def _row(size: int, candidate: str, seconds: float) -> Row:
    return Row(f"chain of {size} ops, per op", candidate, seconds / size * 1e6, seconds / size * 1e6, "us")


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def _graphc(size: int) -> list[Row]:
    import graphc as tf
    from graphc_backends.onnx.export import to_model

    trace, graph = _timed(lambda: tf.trace(lambda x: chain(x, tf.sin, size), tf.TensorSpec([8, 8])))
    passes, optimized = _timed(lambda: tf.optimize(graph, level="O2")[0])
    lower, _ = _timed(lambda: to_model(optimized))
    return [
        _row(size, "graphc trace", trace),
        _row(size, "graphc O2 passes", passes),
        _row(size, "graphc lowering to ONNX", lower),
        _row(size, "graphc total", trace + passes + lower),
    ]


def _peers(size: int) -> list[Row]:
    rows = []
    array = np.ones((8, 8), np.float32)
    if installed("jax"):
        import jax
        import jax.numpy as jnp

        seconds, _ = _timed(lambda: jax.jit(lambda x: chain(x, jnp.sin, size))(array).block_until_ready())
        rows.append(_row(size, "jax.jit, first call", seconds))
    if installed("tensorflow"):
        import tensorflow

        function = tensorflow.function(lambda x: chain(x, tensorflow.sin, size))
        seconds, _ = _timed(lambda: function.get_concrete_function(tensorflow.TensorSpec((8, 8), tensorflow.float32)))
        rows.append(_row(size, "tf.function, trace", seconds))
    return rows
