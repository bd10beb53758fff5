"""Hypothesis strategies: random well-typed graphs, with input values that fit them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from graphc_ir import dims
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import Dim
from graphc_ir.graph import Graph, Location, Value
from graphc_ir.ops import elementwise as e
from graphc_ir.ops.activation import sigmoid
from graphc_ir.ops.arithmetic import abs_real
from graphc_ir.ops.base import using
from graphc_ir.ops.constant import constant
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import broadcast_to, concat, expand_dims, reshape, slice_axis, transpose
from graphc_ir.ops.nn import softmax
from graphc_ir.ops.reduction import reduce_max, reduce_mean, reduce_sum
from graphc_ir.types import TensorType, parse_type

Draw = Callable[..., Any]

SIZES = {"n": 3, "m": 2}
_INPUT_TYPES = ("f32[]", "f32[2, 3]", "f32[3, 2]", "f32[n, 3]", "f32[n, m]", "f32[1, 3]", "f32[2, 3, 2]", "f32[3]")
_MAX_ELEMENTS = 512


@dataclass(frozen=True)
class GraphCase:
    """A graph and arrays for its inputs."""

    graph: Graph
    inputs: list[npt.NDArray[Any]]


@st.composite
def graph_cases(draw: Draw, max_ops: int = 12) -> GraphCase:
    """Graphs of float32 values, kept small and within a range that no op leaves by much."""
    graph = Graph("random")
    types = draw(st.lists(st.sampled_from(_INPUT_TYPES), min_size=1, max_size=3))
    values: list[Value] = [graph.add_input(parse_type(t), f"x{i}") for i, t in enumerate(types)]
    builder = GraphBuilder(graph)
    with using(builder):
        for i in range(draw(st.integers(1, max_ops))):
            builder.location = Location("model.py", i + 1, "")
            made = draw(st.sampled_from(_STEPS))(draw, values)
            if made is not None and _is_small(made.type):
                values.append(made)
    outputs = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2))
    graph.set_outputs([*outputs, values[-1]])
    rng = np.random.default_rng(draw(st.integers(0, 3)))
    return GraphCase(graph, [_array(v.type, rng) for v in graph.inputs])


def _array(type: TensorType, rng: np.random.Generator) -> npt.NDArray[Any]:
    shape = tuple(dims.evaluate(d, SIZES) for d in type.shape)
    return rng.uniform(-1, 1, shape).astype(type.dtype.np)


def _is_small(type: TensorType) -> bool:
    return dims.evaluate(dims.element_count(type.shape), SIZES) <= _MAX_ELEMENTS


def _pick(draw: Draw, values: list[Value]) -> Value:
    value: Value = draw(st.sampled_from(values))
    return value


_UNARY = (
    e.neg, e.tanh, e.sin, e.relu, abs_real, sigmoid,
    lambda x: e.exp(e.tanh(x)),
    lambda x: e.sqrt(e.add(abs_real(x), 1)),
    lambda x: e.square(e.tanh(x)),
    lambda x: e.neg(e.neg(x)),
    lambda x: e.cast(e.cast(x, "float64"), "float32"),
)  # fmt: skip


def _unary(draw: Draw, values: list[Value]) -> Any:
    return draw(st.sampled_from(_UNARY))(_pick(draw, values))


def _binary(draw: Draw, values: list[Value]) -> Any:
    a = _pick(draw, values)
    fitting = [b for b in values if _broadcasts(a, b)]
    op = draw(st.sampled_from((e.add, e.sub, e.mul, e.maximum)))
    return e.tanh(op(a, _pick(draw, fitting)))


def _broadcasts(a: Value, b: Value) -> bool:
    try:
        dims.broadcast_shapes(a.type.shape, b.type.shape)
    except ValueError:
        return False
    return True


def _with_constant(draw: Draw, values: list[Value]) -> Any:
    op = draw(st.sampled_from((e.add, e.sub, e.mul, e.div)))
    number = draw(st.sampled_from((1.0, -1.0, 2.0, 0.5, 3.0) if op is e.div else (0.0, 1.0, -1.0, 2.0, -0.0)))
    x = _pick(draw, values)
    return op(number, x) if draw(st.booleans()) and op is not e.div else op(x, number)


def _compare(draw: Draw, values: list[Value]) -> Any:
    a = _pick(draw, values)
    op = draw(st.sampled_from((e.greater, e.less_equal)))
    return e.select(op(a, 0.25), a, draw(st.sampled_from((0.0, 1.0))))


def _transpose(draw: Draw, values: list[Value]) -> Any:
    x = _pick(draw, values)
    return transpose(x, draw(st.permutations(range(x.type.rank))))


def _reshape(draw: Draw, values: list[Value]) -> Any:
    x = _pick(draw, values)
    count: Dim = dims.element_count(x.type.shape)
    last = x.type.shape[-1:]
    return reshape(x, draw(st.sampled_from(((count,), (1, count), (-1, *last) if last else (1, 1), x.type.shape))))


def _expand(draw: Draw, values: list[Value]) -> Any:
    x = _pick(draw, values)
    return expand_dims(x, draw(st.integers(0, x.type.rank))) if x.type.rank < 4 else None


def _broadcast(draw: Draw, values: list[Value]) -> Any:
    x = _pick(draw, values)
    return broadcast_to(x, (2, *x.type.shape)) if x.type.rank < 4 else None


def _concat(draw: Draw, values: list[Value]) -> Any:
    x = _pick(draw, values)
    return concat([x, e.neg(x)], draw(st.integers(0, x.type.rank - 1))) if x.type.rank else None


def _slice(draw: Draw, values: list[Value]) -> Any:
    x = _pick(draw, values)
    return slice_axis(x, 0, 0, draw(st.sampled_from((1, x.type.shape[0])))) if x.type.rank else None


def _reduce(draw: Draw, values: list[Value]) -> Any:
    x = _pick(draw, values)
    axes = draw(st.lists(st.sampled_from(range(x.type.rank)), unique=True)) if x.type.rank else []
    op = draw(st.sampled_from((reduce_sum, reduce_mean, reduce_max)))
    return e.tanh(op(x, axes, keepdims=draw(st.booleans())))


def _matmul(draw: Draw, values: list[Value]) -> Any:
    x = _pick(draw, values)
    if x.type.rank < 2 or not isinstance(x.type.shape[-1], int):
        return None
    weights = np.linspace(-1, 1, x.type.shape[-1] * 2, dtype=np.float32).reshape(-1, 2)
    return matmul(x, constant(weights))


def _softmax(draw: Draw, values: list[Value]) -> Any:
    x = _pick(draw, values)
    if not x.type.rank:
        return None
    exponential = e.exp(x)
    return e.div(exponential, reduce_sum(exponential, -1, keepdims=True)) if draw(st.booleans()) else softmax(x)


_STEPS = (
    _unary, _unary, _binary, _binary, _with_constant, _with_constant, _compare, _transpose, _reshape, _expand,
    _broadcast, _concat, _slice, _reduce, _matmul, _softmax,
)  # fmt: skip
