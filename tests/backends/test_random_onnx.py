"""The generator as a plain ONNX graph: every bit must equal NumPy's, on the oldest and newest opset."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from graphc_ir import random_bits as rb
from onnx import TensorProto, helper, numpy_helper

KEYS = [rb.make_key(rb.seed_from(3)), rb.make_key(0), rb.make_key(85, 1 << 40), rb.make_key(-1, -1)]
MASK = (1 << 64) - 1


class Recipe:
    """Nodes of the graph ``key int64[2], count int64[] -> draws``; each method returns a value's name."""

    def __init__(self, opset: int, *, shifts: bool = True) -> None:
        self.opset, self.shifts = opset, shifts
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, npt.NDArray[np.generic]] = {}

    def op(self, kind: str, *operands: str | np.generic | npt.NDArray[np.generic], **attributes: Any) -> str:
        names = [item if isinstance(item, str) else self.constant(item) for item in operands]
        result = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [result], **attributes))
        return result

    def constant(self, value: np.generic | npt.NDArray[np.generic]) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def right(self, value: str, bits: int) -> str:
        if self.shifts:
            return self.op("BitShift", value, np.uint64(bits), direction="RIGHT")
        return self.op("Div", value, np.uint64(1 << bits))

    def left32(self, value: str) -> str:
        return self.op("Mul", value, np.uint64(1 << 32))

    def words(self, count: str) -> str:
        """uint64 words whose upper halves are ``bits32(key, count)``."""
        strides = np.array([rb.SEED_STRIDE, rb.COUNTER_STRIDE], np.uint64)
        offsets = np.array([rb.SEED_OFFSET, rb.COUNTER_STRIDE], np.uint64)
        raw = self.op("Cast", "key", to=TensorProto.UINT64)
        mixed = self.op("Add", self.op("Mul", raw, strides), offsets)
        k = self.op("Gather", mixed, np.int64(0))
        base = self.op("Gather", mixed, np.int64(1))
        index = self.op("Range", np.int64(0), count, np.int64(1))
        position = self.op("Add", self.op("Cast", index, to=TensorProto.UINT64), base)
        y = self.op("Mul", position, k)
        z = self.op("Add", y, k)
        x = self.op("Add", self.op("Mul", y, y), y)
        for addend in (z, y, z):
            x = self.op("Add", self.right(x, 32), self.left32(x))
            x = self.op("Add", self.op("Mul", x, x), addend)
        return x

    def halves(self, count: str) -> tuple[str, str]:
        """The words 0 ... count - 1 and the next count, as in ``bits64``."""
        twice = self.op("Mul", count, np.int64(2))
        table = self.op("Reshape", self.words(twice), np.array([2, -1]))
        return self.op("Gather", table, np.int64(0)), self.op("Gather", table, np.int64(1))

    def bits64(self, count: str) -> str:
        high, low = self.halves(count)
        return self.op("Add", self.left32(self.right(high, 32)), self.right(low, 32))

    def scaled(self, words: str, kept: int, bits: int, dtype: int) -> str:
        scale = helper.tensor_dtype_to_np_dtype(dtype).type(2.0**-bits)
        return self.op("Mul", self.op("Cast", self.right(words, kept), to=dtype), scale)

    def normal(self, count: str) -> str:
        f32 = np.float32
        half = self.op("Div", self.op("Add", count, np.int64(1)), np.int64(2))
        table = self.op("Cast", self.right(self.words(self.op("Mul", half, np.int64(2))), 32), to=1)
        table = self.op("Reshape", table, np.array([2, -1]))
        u = self.op("Mul", self.op("Add", self.op("Gather", table, np.int64(0)), f32(1)), f32(2.0**-32))
        radius = self.op("Sqrt", self.op("Mul", self.op("Log", u), f32(-2)))
        angle = self.op("Mul", self.op("Gather", table, np.int64(1)), f32(2 * math.pi * 2.0**-32))
        pairs = [self.op("Mul", radius, self.op(wave, angle)) for wave in ("Cos", "Sin")]
        ends = self.op("Unsqueeze", count, np.array([0]))
        return self.op("Slice", self.op("Concat", *pairs, axis=0), np.array([0]), ends, np.array([0]))

    def truncated_normal(self, count: str) -> str:
        f32 = np.float32
        u = self.op("Add", self.scaled(self.words(count), 41, 23, TensorProto.FLOAT), f32(2**-24))
        v = self.op("Sub", self.op("Mul", u, f32(2 * rb.ERF_SQRT2)), f32(rb.ERF_SQRT2))
        w = self.op("Neg", self.op("Log", self.op("Sub", f32(1), self.op("Mul", v, v))))
        ratio = self.constant(f32(rb.TRUNCATED_COEFFICIENTS[-1]))
        for coefficient in rb.TRUNCATED_COEFFICIENTS[-2::-1]:
            ratio = self.op("Add", self.op("Mul", ratio, w), f32(coefficient))
        return self.op("Mul", ratio, v)

    def permutation(self, count: str) -> str:
        words = self.op("Cast", self.right(self.bits64(count), 1), to=TensorProto.INT64)
        names = [words, self.op("Unsqueeze", count, np.array([0]))]
        self.nodes.append(helper.make_node("TopK", names, ["sorted", "order"], largest=0))
        return "order"

    def run(self, result: str, dtype: int, key: rb.Key, count: int) -> npt.NDArray[Any]:
        graph = helper.make_graph(
            self.nodes,
            "random",
            [
                helper.make_tensor_value_info("key", TensorProto.INT64, [2]),
                helper.make_tensor_value_info("count", TensorProto.INT64, []),
            ],
            [helper.make_tensor_value_info(result, dtype, ["n"])],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        opsets = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        (draws,) = session.run([result], {"key": key, "count": np.array(count)})
        return np.asarray(draws)


@pytest.fixture(params=[13, 18, 21])
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return Recipe(request.param)


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("count", [0, 1, 20_001])
def test_bits32_are_equal(recipe: Recipe, key: rb.Key, count: int) -> None:
    words = recipe.op("Cast", recipe.right(recipe.words("count"), 32), to=TensorProto.UINT32)
    draws = recipe.run(words, TensorProto.UINT32, key, count)
    np.testing.assert_array_equal(draws, rb.bits32(key, count))


def test_bits32_need_no_bit_ops_at_all() -> None:
    recipe = Recipe(13, shifts=False)
    words = recipe.op("Cast", recipe.right(recipe.words("count"), 32), to=TensorProto.UINT32)
    draws = recipe.run(words, TensorProto.UINT32, KEYS[0], 20_001)
    np.testing.assert_array_equal(draws, rb.bits32(KEYS[0], 20_001))
    assert not {node.op_type for node in recipe.nodes} & {"BitShift", "BitwiseXor", "BitwiseOr"}


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_bits64_are_equal(recipe: Recipe, key: rb.Key) -> None:
    draws = recipe.run(recipe.bits64("count"), TensorProto.UINT64, key, 10_001)
    np.testing.assert_array_equal(draws, rb.bits64(key, 10_001))


def test_uniform_float32_is_equal(recipe: Recipe) -> None:
    result = recipe.scaled(recipe.words("count"), 40, 24, TensorProto.FLOAT)
    draws = recipe.run(result, TensorProto.FLOAT, KEYS[0], 20_001)
    np.testing.assert_array_equal(draws, rb.uniform(KEYS[0], (20_001,)))


def test_uniform_float64_is_equal(recipe: Recipe) -> None:
    result = recipe.scaled(recipe.bits64("count"), 11, 53, TensorProto.DOUBLE)
    draws = recipe.run(result, TensorProto.DOUBLE, KEYS[0], 10_001)
    np.testing.assert_array_equal(draws, rb.uniform(KEYS[0], (10_001,), np.float64))


@pytest.mark.parametrize(("low", "high"), [(0, 10), (-7, 1 << 30)])
def test_uniform_int_is_equal(recipe: Recipe, low: int, high: int) -> None:
    residue = recipe.op("Mod", recipe.bits64("count"), np.uint64(high - low))
    shifted = recipe.op("Add", residue, np.uint64(low & MASK))
    result = recipe.op("Cast", shifted, to=TensorProto.INT32)
    draws = recipe.run(result, TensorProto.INT32, KEYS[0], 10_001)
    np.testing.assert_array_equal(draws, rb.uniform_int(KEYS[0], low, high, (10_001,)))


@pytest.mark.parametrize("count", [1, 2, 200_001])
def test_normal_agrees(recipe: Recipe, count: int) -> None:
    draws = recipe.run(recipe.normal("count"), TensorProto.FLOAT, KEYS[0], count)
    expected: npt.NDArray[Any] = rb.normal(KEYS[0], (count,))
    np.testing.assert_allclose(draws, expected, rtol=1e-6, atol=2e-6)


def test_truncated_normal_agrees(recipe: Recipe) -> None:
    draws = recipe.run(recipe.truncated_normal("count"), TensorProto.FLOAT, KEYS[0], 200_001)
    expected: npt.NDArray[Any] = rb.truncated_normal(KEYS[0], (200_001,))
    np.testing.assert_allclose(draws, expected, rtol=2e-6, atol=1e-6)


def test_permutation_is_equal(recipe: Recipe) -> None:
    draws = recipe.run(recipe.permutation("count"), TensorProto.INT64, KEYS[0], 10_001)
    np.testing.assert_array_equal(draws, rb.permutation(KEYS[0], 10_001))
