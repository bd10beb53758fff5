"""Every program gives the same as plain Python: eagerly, on NumPy and on ONNX Runtime, values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.pytree import leaves_of
from tests.graphc.autograph import programs_of_branches, programs_of_loops  # noqa: F401  (they fill the table)
from tests.graphc.autograph.table import CASES, Case, arrays_of

BACKENDS = ("numpy", "onnxruntime")


def tensors_of(row: tuple[Any, ...]) -> list[Any]:
    return [value if isinstance(value, bool) else tf.constant(value) for value in arrays_of(row)]


def values(result: Any) -> list[Any]:
    return [np.asarray(tf.convert_to_tensor(leaf)) for leaf in leaves_of(result)]


def with_gradients(program: Callable[..., Any]) -> Callable[..., Any]:
    """The program's result, and the gradients of the sum of it."""

    def run(*arguments: Any) -> Any:
        floats = [x for x in arguments if not isinstance(x, bool) and x.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(floats)
            result = program(*arguments)
            leaves = [leaf for leaf in leaves_of(result) if tf.is_tensor(leaf)]
            total = tf.add_n([tf.reduce_sum(leaf) for leaf in leaves]) if leaves else tf.constant(0.0)
        return result, tape.gradient(total, floats, unconnected_gradients="zero")

    return run


def assert_same(found: Any, expected: Any) -> None:
    for a, b in zip(values(found), values(expected), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=[case.program.__name__ for case in CASES])
def test_values(case: Case, backend: str) -> None:
    compiled = tf.function(case.program, backend=backend)
    for row in case.inputs:
        assert_same(compiled(*tensors_of(row)), case.program(*tensors_of(row)))
    counts = {tuple(v.dtype.name + str(v.shape) if tf.is_tensor(v) else v for v in tensors_of(r)) for r in case.inputs}
    assert compiled.experimental_get_tracing_count() == len(counts), "one trace serves every way through the program"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("where", ["inside", "outside"])
@pytest.mark.parametrize("case", [c for c in CASES if c.has_gradient], ids=lambda case: case.program.__name__)
def test_gradients(case: Case, where: str, backend: str) -> None:
    """With a tape in the traced function, and around a call of it."""
    compiled: Callable[..., Any]
    if where == "inside":
        compiled = tf.function(with_gradients(case.program), backend=backend)
    else:
        compiled = with_gradients(tf.function(case.program, backend=backend))
    for row in case.inputs:
        if not any(not isinstance(v, bool) and v.dtype.kind == "f" for v in arrays_of(row)):
            continue
        assert_same(compiled(*tensors_of(row)), with_gradients(case.program)(*tensors_of(row)))
