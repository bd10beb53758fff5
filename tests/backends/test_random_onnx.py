"""Random draws as exported ONNX graphs: every bit must equal NumPy's, on old and new opsets, for open sizes too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest

from graphc_backends.onnx.export import to_model
from graphc_ir import dtypes
from graphc_ir import random_bits as rb
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import Dim, symbol
from graphc_ir.graph import Graph
from graphc_ir.ops import random as ops
from graphc_ir.ops.base import using
from graphc_ir.types import TensorType

KEYS = [rb.make_key(rb.seed_from(3)), rb.make_key(0), rb.make_key(85, 1 << 40), rb.make_key(-1, -1)]
Draw = Callable[[Any, Dim], Any]
every_key = pytest.mark.parametrize("key", KEYS, ids=str)


@pytest.fixture(params=[13, 18, 21])
def opset(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def export(draw: Draw, opset: int) -> onnx.ModelProto:
    """The model ``key int64[2], x bool[n] -> draw(key, n)``."""
    graph = Graph("random")
    n = symbol("n")
    key = graph.add_input(ops.KEY, "key")
    graph.add_input(TensorType(dtypes.bool_, (n,)), "x")
    with using(GraphBuilder(graph)):
        graph.set_outputs([draw(key, n)])
    model = to_model(graph, opset=opset)
    onnx.checker.check_model(model, full_check=True)
    return model


def run(draw: Draw, key: rb.Key, count: int, opset: int) -> npt.NDArray[Any]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    data = export(draw, opset).SerializeToString()
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (draws,) = session.run(None, {"key": key, "x": np.zeros(count, np.bool_)})
    return np.asarray(draws)


@every_key
@pytest.mark.parametrize("count", [0, 1, 20_001])
def test_bits32_are_equal(opset: int, key: rb.Key, count: int) -> None:
    draws = run(lambda k, n: ops.uniform_full_int(k, (n,), "uint32"), key, count, opset)
    np.testing.assert_array_equal(draws, rb.bits32(key, count))


@every_key
def test_bits64_are_equal(opset: int, key: rb.Key) -> None:
    draws = run(lambda k, n: ops.uniform_full_int(k, (n,), "uint64"), key, 10_001, opset)
    np.testing.assert_array_equal(draws, rb.bits64(key, 10_001))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform_is_equal(opset: int, dtype: str) -> None:
    draws = run(lambda k, n: ops.uniform(k, (n, 3), dtype=dtype), KEYS[0], 6001, opset)
    np.testing.assert_array_equal(draws, rb.uniform(KEYS[0], (6001, 3), dtype))


@pytest.mark.parametrize("probability", [0.0, 0.25, 1 / 3, 0.9, 1.0])
def test_bernoulli_is_equal(opset: int, probability: float) -> None:
    draws = run(lambda k, n: ops.bernoulli(k, (n,), probability), KEYS[0], 20_001, opset)
    expected: npt.NDArray[Any] = rb.uniform(KEYS[0], (20_001,)) < np.float32(probability)
    np.testing.assert_array_equal(draws, expected)
    np.testing.assert_array_equal(rb.bernoulli(KEYS[0], probability, (20_001,)), expected)


@pytest.mark.parametrize(("low", "high"), [(0, 10), (-7, 1 << 30), (-(1 << 31), (1 << 31) - 1)])
def test_uniform_int_is_equal(opset: int, low: int, high: int) -> None:
    draws = run(lambda k, n: ops.uniform(k, (n,), low, high, "int32"), KEYS[0], 10_001, opset)
    np.testing.assert_array_equal(draws, rb.uniform_int(KEYS[0], low, high, (10_001,)))


def test_an_empty_interval_does_not_end_the_process() -> None:
    def draw(key: Any, n: Dim) -> Any:
        bound = ops.uniform(key, (), 5, 6, "int32")
        return ops.uniform(key, (n,), bound, bound, "int32")

    np.testing.assert_array_equal(run(draw, KEYS[0], 4, 13), [5] * 4)


@pytest.mark.parametrize("count", [0, 1, 2, 200_001])
def test_normal_agrees(opset: int, count: int) -> None:
    draws = run(lambda k, n: ops.normal(k, (n,)), KEYS[0], count, opset)
    np.testing.assert_allclose(draws, rb.normal(KEYS[0], (count,)), rtol=1e-6, atol=2e-6)


def test_truncated_normal_agrees(opset: int) -> None:
    draws = run(lambda k, n: ops.truncated_normal(k, (n,)), KEYS[0], 200_001, opset)
    np.testing.assert_allclose(draws, rb.truncated_normal(KEYS[0], (200_001,)), rtol=2e-6, atol=1e-6)


def test_permutation_is_equal(opset: int) -> None:
    draws = run(ops.permutation, KEYS[0], 10_001, opset)
    np.testing.assert_array_equal(draws, rb.permutation(KEYS[0], 10_001))


@every_key
def test_child_keys_are_equal(opset: int, key: rb.Key) -> None:
    np.testing.assert_array_equal(run(lambda k, n: ops.split_key(k, 3), key, 1, opset), rb.split(key, 3))
    np.testing.assert_array_equal(run(lambda k, n: ops.fold_in_key(k, 77), key, 1, opset), rb.fold_in(key, 77))


def test_the_next_key_is_equal(opset: int) -> None:
    np.testing.assert_array_equal(run(lambda k, n: ops.advance_key(k), KEYS[2], 1, opset), rb.advance(KEYS[2]))


def test_no_hidden_state_and_no_xor() -> None:
    model = export(lambda k, n: ops.normal(k, (n,)), 13)
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {"RandomNormal", "RandomUniform", "BitwiseXor", "BitwiseOr"}
    assert len(model.graph.node) < 55
