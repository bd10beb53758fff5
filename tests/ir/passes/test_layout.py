"""Moving the channels to the front keeps the results: of inference, of gradients, inside of loops, for every spatial
rank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc_ir.autodiff import transform
from graphc_ir.builder import GraphBuilder
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import using
from graphc_ir.ops.conv import Windowed, conv, conv_transpose
from graphc_ir.ops.elementwise import add, mul, relu, tanh
from graphc_ir.ops.movement import Transpose, concat, reshape, slice_axis, split, tile
from graphc_ir.ops.nn import softmax
from graphc_ir.ops.normalization import moments
from graphc_ir.ops.padding import pad
from graphc_ir.ops.pooling import avg_pool, max_pool
from graphc_ir.ops.reduction import reduce_max, reduce_mean, reduce_sum
from graphc_ir.ops.resize import resize
from graphc_ir.passes import ChannelsFirst
from graphc_ir.types import parse_type
from graphc_ir.verify import verify

Array = npt.NDArray[Any]
Function = Callable[..., Any]


def graph_of(function: Function, *types: str) -> Graph:
    graph = Graph("f")
    operands = [graph.add_input(parse_type(text), f"x{i}") for i, text in enumerate(types)]
    with using(GraphBuilder(graph)):
        results = function(*operands)
    graph.set_outputs(results if isinstance(results, tuple) else (results,))
    return graph


def arrays(graph: Graph) -> list[Array]:
    rng = np.random.default_rng(0)
    sizes = {"n": 2, "h": 6, "w": 5}
    shapes = [tuple(sizes.get(str(d), d) for d in v.type.shape) for v in graph.inputs]
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def moved(graph: Graph) -> Graph:
    result = graph.copy()
    assert ChannelsFirst()(result)
    verify(result)
    assert not any(isinstance(n.op, Windowed) and n.op.layout == "NHWC" for n in result.nodes())
    return result


def assert_same(graph: Graph, other: Graph) -> None:
    inputs = arrays(graph)
    for want, have in zip(evaluate(graph, inputs), evaluate(other, inputs), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)


def block(x: Any, w: Any, v: Any) -> Any:
    y = relu(add(conv(x, w, padding="SAME"), v))
    z = max_pool(y, 2)
    parts = split(concat([z, tile(avg_pool(y, 2), (1, 1, 1, 1))], 3), 2, 3)
    return reduce_mean(mul(softmax(parts[0], 3), tanh(parts[1])), [1, 2])


def normalised(x: Any, w: Any, v: Any) -> Any:
    y = conv(x, w, 2)
    mean, variance = moments(y, [0, 1, 2], keepdims=True)
    return reduce_max(mul(add(y, mean), add(variance, v)), [1, 2], keepdims=True)


def enlarged(x: Any, w: Any, v: Any) -> Any:
    y = conv_transpose(x, w, strides=2, padding="VALID")
    z = pad(resize(add(y, y), [8, 9], [1, 2]), [[0, 0], [1, 1], [2, 0], [0, 0]], "reflect")
    return slice_axis(z, 2, 1, 4)


def flattened(x: Any, w: Any, v: Any) -> Any:
    y = conv(x, w)
    return reduce_sum(mul(reshape(y, (-1, 3)), v), 1)


CASES: dict[str, tuple[Function, tuple[str, ...]]] = {
    "block": (block, ("f32[n, h, w, 2]", "f32[3, 3, 2, 4]", "f32[4]")),
    "normalised": (normalised, ("f32[n, 6, 5, 2]", "f32[2, 2, 2, 3]", "f32[3]")),
    "enlarged": (enlarged, ("f32[n, 3, 4, 2]", "f32[3, 2, 4, 2]", "f32[4]")),
    "flattened": (flattened, ("f32[n, 4, 4, 2]", "f32[2, 2, 2, 3]", "f32[3]")),
    "line": (lambda x, w: max_pool(relu(conv(x, w, padding="SAME")), 2), ("f32[n, h, 2]", "f32[3, 2, 4]")),
    "volume": (lambda x, w: avg_pool(conv(x, w), 2), ("f32[n, 4, 4, 4, 2]", "f32[2, 2, 2, 2, 3]")),
}


@pytest.mark.parametrize("name", CASES)
def test_results(name: str) -> None:
    function, types = CASES[name]
    graph = graph_of(function, *types)
    assert_same(graph, moved(graph))


@pytest.mark.parametrize("name", CASES)
def test_gradients(name: str) -> None:
    function, types = CASES[name]
    graph = graph_of(lambda *operands: reduce_sum(function(*operands)), *types)
    derived = transform.grad(graph)
    assert_same(derived, moved(derived))


def test_data_is_moved_once_in_and_once_out() -> None:
    def chain(x: Any, w: Any) -> Any:
        for _ in range(5):
            x = add(x, tanh(conv(x, w, padding="SAME")))
        return x

    graph = moved(graph_of(chain, "f32[n, 4, 4, 3]", "f32[3, 3, 3, 3]"))
    data = [n for n in graph.nodes() if isinstance(n.op, Transpose) and n.operands[0] is not graph.inputs[1]]
    assert [n.op for n in data] == [Transpose((0, 3, 1, 2)), Transpose((0, 2, 3, 1))]
