"""Every program of the table gives the same traced as eagerly, on both backends, gradients included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.pytree import leaves_of
from tests.graphc.autograph.programs import CASES, Case

BACKENDS = ("numpy", "onnxruntime")


def outcome(f: Callable[..., Any], arguments: tuple[Any, ...]) -> list[Any]:
    """The results of a program, then the gradients of their sum."""
    inputs = [tf.constant(a) for a in arguments]
    watched = [x for x in inputs if x.dtype.is_differentiable]
    with tf.GradientTape() as tape:
        for x in watched:
            tape.watch(x)
        results = [tf.convert_to_tensor(leaf) for leaf in leaves_of(f(*inputs))]
        floats = [tf.reduce_sum(r) for r in results if r.dtype.is_differentiable]
        total = tf.add_n(floats) if floats else tf.zeros(())
    gradients = tape.gradient(total, watched, unconnected_gradients="zero") if watched else []
    return [x.numpy() for x in (*results, *gradients)]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_traced_equals_eager(case: Case, backend: str) -> None:
    traced = tf.function(case.program, backend=backend)
    for arguments in case.inputs:
        expected, found = outcome(case.program, arguments), outcome(traced, arguments)
        assert len(expected) == len(found)
        for want, have in zip(expected, found, strict=True):
            assert want.dtype == have.dtype
            np.testing.assert_allclose(have, want, rtol=1e-5, atol=1e-6)
    assert len(traced.concrete_functions) == 1
