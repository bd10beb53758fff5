"""Operators of ONNX Runtime's own in training steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc_backends.onnx.export import to_model
from graphc_backends.onnxruntime import backend as backend_module
from graphc_backends.onnxruntime.backend import lowered
from graphc_backends.onnxruntime.fusion import FuseScaledAdd, can_fuse_scaled_add
from graphc_backends.onnxruntime.session import parse_device
from graphc_ir.dtypes import float32
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import bind
from graphc_ir.ops.elementwise import add, mul, sub
from graphc_ir.ops.opaque import OnnxOp
from graphc_ir.ops.optim import AdamUpdate
from graphc_ir.types import TensorType
from tests.backends.graphs import Array, build
from tests.backends.onnxruntime.test_executable import compiled

CPU = parse_device("cpu")
pytestmark = pytest.mark.skipif(not can_fuse_scaled_add(CPU.provider), reason="this ONNX Runtime has no GatedAdd")
MATRIX = TensorType(float32, (160, 128))
SCALAR = TensorType(float32, ())


def graph_of(function: Any, *types: TensorType) -> Graph:
    return build({f"x{i}": str(type) for i, type in enumerate(types)}, function)


def fused_count(graph: Graph) -> int:
    return sum(isinstance(node.op, OnnxOp) for node in graph.nodes())


def random(type: TensorType, seed: int) -> Array:
    return np.random.default_rng(seed).uniform(0.5, 1, type.shape).astype(np.float32)


@pytest.mark.parametrize(
    "formula",
    [
        lambda x, y, s: add(x, mul(y, s)),
        lambda x, y, s: add(mul(s, y), x),
        lambda x, y, s: sub(x, mul(y, s)),
        lambda x, y, s: add(mul(x, 0.25), mul(y, s)),
    ],
)
@pytest.mark.parametrize("shape", [(160, 128), (20480,), (4, 8, 1024)])
def test_a_scaled_addition_is_one_op_with_the_same_result(formula: Any, shape: tuple[int, ...]) -> None:
    type = TensorType(float32, shape)
    graph = graph_of(formula, type, type, SCALAR)
    inputs = [random(type, 0), random(type, 1), np.array(0.3, np.float32)]
    (expected,) = evaluate(graph, inputs)
    assert FuseScaledAdd()(graph)
    assert fused_count(graph) == 1
    (found,) = compiled(graph)(*inputs)
    np.testing.assert_allclose(found, expected, rtol=3e-7)


@pytest.mark.parametrize(
    ("formula", "types"),
    [
        (lambda x, y, s: sub(mul(y, s), x), (MATRIX, MATRIX, SCALAR)),
        (lambda x, y, s: add(x, mul(y, s)), (TensorType(float32, (8, 8)), TensorType(float32, (8, 8)), SCALAR)),
        (lambda x, y, s: add(x, mul(y, s)), (TensorType(float32, (10240, 2)), TensorType(float32, (10240, 2)), SCALAR)),
        (lambda x, y, s: add(x, mul(y, s)), (MATRIX, MATRIX, TensorType(float32, (128,)))),
        (lambda x, y, s: add(x, mul(y, s)), (TensorType(float32, (128,)), MATRIX, SCALAR)),
        (lambda x, y, s: twice(mul(y, s)), (MATRIX, MATRIX, SCALAR)),
    ],
    ids=["taken from a product", "small", "narrow", "a vector", "broadcast", "read twice"],
)
def test_other_additions_stay(formula: Any, types: tuple[TensorType, ...]) -> None:
    graph = graph_of(formula, *types)
    FuseScaledAdd()(graph)
    inputs = [random(t, i) for i, t in enumerate(types)]
    unfused = graph_of(formula, *types)
    np.testing.assert_allclose(compiled(graph)(*inputs)[0], evaluate(unfused, inputs)[0], rtol=1e-6)
    assert fused_count(graph) == 0


def twice(x: Any) -> Any:
    return add(x, x)


def adam() -> Graph:
    return graph_of(lambda *operands: bind(AdamUpdate(0.9, 0.999, 1e-7), *operands), *[MATRIX] * 4, SCALAR)


def test_a_step_of_adam_is_eight_ops_in_the_session_and_standard_onnx_in_files() -> None:
    graph = lowered(adam(), CPU)
    assert fused_count(graph) == 3
    operators = [node.op_type for node in to_model(graph).graph.node if node.op_type not in ("Neg", "Expand")]
    scaling = 2  # of the gradient: a product that makes it does that
    assert len(operators) == 8 + scaling, operators
    assert {node.domain for node in to_model(adam()).graph.node} == {""}


def test_a_fused_step_equals_the_reference() -> None:
    inputs = [*(random(MATRIX, i) for i in range(4)), np.array(1e-2, np.float32)]
    expected = evaluate(adam(), inputs)
    for found, want in zip(compiled(adam())(*inputs), expected, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-6)


def test_without_the_operator_steps_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_module, "can_fuse_scaled_add", lambda provider: False)
    backend_module._lowering.cache_clear()
    try:
        assert fused_count(lowered(adam(), CPU)) == 0
    finally:
        backend_module._lowering.cache_clear()
