"""The cost of one eager call, with and without a tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.harness import Row, installed, race


def run() -> list[Row]:
    a = np.random.default_rng(0).standard_normal((2, 2)).astype(np.float32)
    b = a + 1
    return [*_add(a, b), *_add_taped(a, b), *_gradient(a, b)]


def _add(a: Any, b: Any) -> list[Row]:
    import graphc as tf

    x, y = tf.constant(a), tf.constant(b)
    candidates: dict[str, Callable[[], Any]] = {"numpy": lambda: np.add(a, b), "graphc": lambda: x + y}
    if installed("torch"):
        import torch

        p, q = torch.from_numpy(a), torch.from_numpy(b)
        candidates["torch"] = lambda: p + q
    if installed("jax"):
        import jax.numpy as jnp

        u, v = jnp.asarray(a), jnp.asarray(b)
        candidates["jax"] = lambda: u + v
    if installed("tensorflow"):
        import tensorflow

        s, t = tensorflow.constant(a), tensorflow.constant(b)
        candidates["tensorflow"] = lambda: s + t
    return race("eager a + b, 2x2 float32, no tape", candidates, "numpy")


def _taped(tf: Any, a: Any, b: Any, compute: Callable[[Any, Any, Any], Any], gradient: bool) -> Callable[[], Any]:
    x, y = tf.constant(a), tf.constant(b)

    def call() -> Any:
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            result = compute(tf, x, y)
        return tape.gradient(result, [x, y]) if gradient else result

    return call


TAPED_OPS = 100


def _with_tensorflow(
    case: str, a: Any, b: Any, compute: Callable[[Any, Any, Any], Any], gradient: bool, per_call: int = 1
) -> list[Row]:
    import graphc

    candidates = {"graphc": _taped(graphc, a, b, compute, gradient)}
    if installed("tensorflow"):
        import tensorflow

        candidates["tensorflow"] = _taped(tensorflow, a, b, compute, gradient)
    return race(case, candidates, "graphc", per_call=per_call)


def _add_taped(a: Any, b: Any) -> list[Row]:
    def many(tf: Any, x: Any, y: Any) -> Any:
        for _ in range(TAPED_OPS):
            z = x + y
        return z

    case = f"a + b under a tape, per op ({TAPED_OPS} ops a tape), 2x2"
    return _with_tensorflow(case, a, b, many, False, per_call=TAPED_OPS)


def _gradient(a: Any, b: Any) -> list[Row]:
    return _with_tensorflow("sqrt(square(a) + square(b)), 2x2, with its gradient", a, b,
                            lambda tf, x, y: tf.sqrt(tf.square(x) + tf.square(y)), True)  # fmt: skip
