"""Graphs that the backend tests share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc_ir.autodiff.transform import value_and_grad
from graphc_ir.builder import GraphBuilder
from graphc_ir.graph import Graph, State
from graphc_ir.ops.base import using
from graphc_ir.ops.elementwise import add, mul, square, sub
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.reduction import reduce_mean
from graphc_ir.types import parse_type

Array = npt.NDArray[Any]


def build(
    types: Mapping[str, str],
    function: Callable[..., Any],
    states: Mapping[str, int | None] | None = None,
) -> Graph:
    """A graph of the op functions that ``function`` calls. ``states``: input name to output number of its new
    value.
    """
    graph = Graph("tested")
    operands = [graph.add_input(parse_type(text), name) for name, text in types.items()]
    with using(GraphBuilder(graph)):
        results = function(*operands)
    graph.set_outputs(results if isinstance(results, (tuple, list)) else (results,))
    names = list(types)
    graph.states = [State(name, names.index(name), output) for name, output in (states or {}).items()]
    return graph


def loss_graph(batch: str = "8") -> Graph:
    """The mean squared error of a linear model: x, y, w, b."""
    types = {"x": f"f32[{batch}, 3]", "y": f"f32[{batch}, 1]", "w": "f32[3, 1]", "b": "f32[1]"}
    return build(types, lambda x, y, w, b: reduce_mean(square(sub(add(matmul(x, w), b), y))))


def train_step(batch: str = "8", rate: float = 0.1) -> Graph:
    """One step of gradient descent on a linear model. Arguments x, y; states w, b; result: the loss."""
    graph = value_and_grad(loss_graph(batch), [2, 3])
    loss, *gradients = graph.outputs
    with using(GraphBuilder(graph)):
        updated = [sub(p, mul(g, rate)) for p, g in zip(graph.inputs[2:], gradients, strict=True)]
    graph.set_outputs([loss, *updated])
    graph.states = [State("w", 2, 1), State("b", 3, 2)]
    return graph


def batch_of(size: int, seed: int = 0) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [
        rng.standard_normal((size, 3)).astype(np.float32),
        rng.standard_normal((size, 1)).astype(np.float32),
    ]


def initial_state() -> list[Array]:
    return [np.array([[0.5], [-0.5], [1.0]], np.float32), np.zeros(1, np.float32)]


def values_of(arrays: Sequence[Array]) -> list[Array]:
    """Copies, to compare with later."""
    return [np.array(a) for a in arrays]
