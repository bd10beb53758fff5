"""The text form of graphs: what it looks like, and that it reads back."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from graphc_ir import dtypes
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import symbol
from graphc_ir.errors import ParseError, VerificationError
from graphc_ir.graph import Graph, Location, State
from graphc_ir.ops.base import using
from graphc_ir.ops.constant import ArrayAttribute, Constant, constant
from graphc_ir.ops.elementwise import add, cast, mul, tanh
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.parser import parse_graph
from graphc_ir.printer import print_graph
from graphc_ir.text import array_text, attribute_text
from graphc_ir.types import parse_type
from graphc_ir.verify import verify

TRAIN_STEP = """\
graph @step(%x: f32[batch, 2], %w: f32[2]) {
  state(%w -> output 1 as "dense/w:0")
  %0 = mul(%x, %w) : f32[batch, 2]  // mlp.py:12 model/dense_1
  %loss = reduce_sum(%0) {axes = [0, 1], keepdims = false} : f32[]  // mlp.py:13
  %1 = constant() {value = dense<f32[], 0.1>} : f32[]
  %2 = add(%w, %1) : f32[2]
  return %loss, %2
}
"""


def train_step() -> Graph:
    graph = Graph("step")
    x, w = graph.add_input(parse_type("f32[batch, 2]"), "x"), graph.add_input(parse_type("f32[2]"), "w")
    graph.states = [State("dense/w:0", 1, 1)]
    builder = GraphBuilder(graph)
    with using(builder):
        builder.location = Location("/home/user/mlp.py", 12, "model/dense_1")
        y = mul(x, w)
        builder.location = Location("/home/user/mlp.py", 13)
        loss = reduce_sum(y)
        builder.location = Location()
        loss.name = "loss"
        graph.set_outputs([loss, add(w, 0.1)])
    return graph


def test_a_graph_prints_as_text() -> None:
    assert str(train_step()) == TRAIN_STEP


def test_text_reads_back() -> None:
    graph = parse_graph(TRAIN_STEP)
    verify(graph)
    assert str(graph) == TRAIN_STEP
    assert graph.states == [State("dense/w:0", 1, 1)]
    assert [v.name for v in graph.inputs] == ["x", "w"]
    assert next(graph.nodes()).location == Location("mlp.py", 12, "model/dense_1")


def test_locations_can_be_left_out() -> None:
    text = print_graph(train_step(), locations=False)
    assert "//" not in text
    assert print_graph(parse_graph(text), locations=False) == text


def test_values_get_unique_names() -> None:
    graph = Graph("names")
    x = graph.add_input(parse_type("f32[]"), "w:0")
    with using(GraphBuilder(graph)):
        a, b, c, d = tanh(x), tanh(x), tanh(x), tanh(x)
    a.name, b.name, c.name, d.name = "w_0", "7", "", "w_0_1"
    graph.set_outputs([a, b, c, d])
    text = str(graph)
    assert "%w_0_1 = tanh(%w_0)" in text
    assert "%_7 = tanh" in text
    assert "return %w_0_1, %_7, %0, %w_0_1_1" in text
    assert str(parse_graph(text)) == text


def test_graphs_and_outputs_may_have_odd_names() -> None:
    graph = Graph('<lambda> "é"\n')
    graph.set_outputs([graph.add_input(parse_type("f32[]"), "x")])
    graph.output_names = ["logits/softmax:0"]
    again = parse_graph(str(graph))
    assert (again.name, again.output_names) == (graph.name, graph.output_names)


@pytest.mark.parametrize(
    "array",
    [
        np.array(0.1, np.float32),
        np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.4e38], np.float32),
        np.array([5e-324, -1.7976931348623157e308, 0.1]),
        np.array([[0.1, 65504]], np.float16),
        np.array([0.1, np.nan], ml_dtypes.bfloat16),
        np.array([1 + 2j, complex(np.nan, -0.0)], np.complex64),
        np.array([True, False]),
        np.array([-128, 127], np.int8),
        np.array([2**64 - 1], np.uint64),
        np.zeros((0, 3), np.int32),
        np.arange(100.0).reshape(4, 25),
        np.full((64, 64), 2.5, np.float32),
        np.full((64, 64), -0.0, np.float32),
        np.array([["a, b>", '"quoted"'], ["é\n", ""]], object),
        np.array([f"word {i}" for i in range(40)], object),
        np.frombuffer(b"\x01\x00\xa0\x7f", np.float32),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_constants_keep_every_bit(array: npt.NDArray[Any]) -> None:
    graph = Graph("c")
    value = GraphBuilder(graph).constant(array)
    graph.set_outputs([value])
    again = next(parse_graph(str(graph)).nodes()).op
    assert isinstance(again, Constant)
    found = again.value.array
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tolist() == array.tolist() if array.dtype == object else found.tobytes() == array.tobytes()


def test_arrays_are_short_where_they_can_be() -> None:
    assert array_text(np.full((3, 4), 1.5, np.float32)) == (
        "dense<f32[3, 4], 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5>"
    )
    assert array_text(np.zeros(1000, np.int64)) == "dense<i64[1000], all 0>"
    assert array_text(np.arange(100), abridged=True) == "dense<i64[100], ...>"


def test_abridged_text_is_for_people_only() -> None:
    graph = Graph("big")
    with using(GraphBuilder(graph)):
        y = constant(np.arange(100.0, dtype=np.float32))
        for _ in range(20):
            y = tanh(y)
    graph.set_outputs([y])
    data = print_graph(graph, abridged=True)
    assert "dense<f32[100], ...>" in data
    with pytest.raises(ParseError, match=r"line 2, column 28: this text is abridged .* abridged=False"):
        parse_graph(data)
    nodes = print_graph(graph, limit=4)
    assert nodes.count("tanh") == 3
    assert "  ... 17 more nodes ...\n" in nodes
    with pytest.raises(ParseError, match=r"this text is abridged .* without a limit"):
        parse_graph(nodes)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"), (-3, "-3"), (0.1, "0.1"), (float("inf"), "inf"), (1e300, "1e+300"), (True, "true"), (None, "none"),
        ("a\"\n", '"a\\"\\n"'), (b"\x00\xff", 'bytes "AP8="'), (1 - 2j, "complex 1.0 -2.0"), (dtypes.bfloat16, "bf16"),
        ((), "[]"), ((1,), "[1]"), (((1, 2), ()), "[[1, 2], []]"), ((symbol("n") * 2 + 1, 4), "[2*n + 1, 4]"),
        (((symbol("n") + 1) // 2,), "[(n + 1)//2]"), (parse_type("f32[2, n]"), "f32[2, n]"),
        (ArrayAttribute(np.array([1, 2], np.int32)), "dense<i32[2], 1, 2>"),
    ],
)  # fmt: skip
def test_attribute_values(value: Any, text: str) -> None:
    assert attribute_text(value) == text


def test_an_attribute_that_text_cannot_hold_is_an_error() -> None:
    with pytest.raises(VerificationError, match=r"attribute value \{1\} is a set"):
        attribute_text({1})


def test_dims_and_dtypes_are_told_apart() -> None:
    graph = Graph("f")
    x = graph.add_input(parse_type("f64[f32, 2]"), "x")
    with using(GraphBuilder(graph)):
        graph.set_outputs([cast(reshape(x, (-1,)), "float32")])
    again = parse_graph(str(graph))
    assert str(again) == str(graph)
    assert again.outputs[0].type == parse_type("f32[2*f32]")


def test_a_hundred_thousand_nodes_print_and_parse() -> None:
    graph = Graph("deep")
    y = graph.add_input(parse_type("f32[n]"), "x")
    with using(GraphBuilder(graph)):
        for _ in range(100_000):
            y = tanh(y)
    graph.set_outputs([y])
    text = str(graph)
    assert str(parse_graph(text)) == text
