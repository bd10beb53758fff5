"""Broken graphs: the verifier finds each kind of damage."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graphc_ir.builder import GraphBuilder
from graphc_ir.errors import VerificationError
from graphc_ir.graph import Graph, Location, State
from graphc_ir.ops.base import using
from graphc_ir.ops.call import call
from graphc_ir.ops.elementwise import Add, Tanh, add, tanh
from graphc_ir.types import parse_type
from graphc_ir.verify import operand_count, verify

F32 = parse_type("f32[2]")


def valid() -> Graph:
    graph = Graph("g")
    x, w = graph.add_input(F32, "x"), graph.add_input(F32, "w")
    with using(GraphBuilder(graph)):
        graph.set_outputs([tanh(add(x, w)), x])
    return graph


def wrong_order(graph: Graph) -> None:
    first, second = graph.nodes()
    graph.move_before(second, first)


def foreign_operand(graph: Graph) -> None:
    next(graph.nodes()).set_operands([graph.inputs[0], Graph("other").add_input(F32)])


def wrong_type(graph: Graph) -> None:
    graph.outputs[0].type = parse_type("f32[3]")


def too_many_operands(graph: Graph) -> None:
    graph.append(Tanh(), (graph.inputs[0], graph.inputs[1]), [F32])


def too_few_operands(graph: Graph) -> None:
    graph.append(Add(), (graph.inputs[0],), [F32])


def mixed_dtypes(graph: Graph) -> None:
    graph.append(Add(), (graph.inputs[0], graph.add_input(parse_type("f64[2]"))), [F32])


def wrong_use_count(graph: Graph) -> None:
    graph.inputs[0].users.clear()


def state_without_input(graph: Graph) -> None:
    graph.states = [State("w", 7)]


def state_without_output(graph: Graph) -> None:
    graph.states = [State("w", 1, 7)]


def state_of_another_type(graph: Graph) -> None:
    graph.states = [State("w", 2, 0)]
    graph.add_input(parse_type("f32[3]"))


def state_twice(graph: Graph) -> None:
    graph.states = [State("w", 1), State("v", 1)]


def swapped_inputs(graph: Graph) -> None:
    graph.inputs.reverse()


def too_few_names(graph: Graph) -> None:
    graph.output_names = ["y"]


def region_with_state(graph: Graph) -> None:
    region = Graph("region")
    region.set_outputs([region.add_input(F32)])
    with using(GraphBuilder(graph)):
        made = call(region, graph.inputs[0])
    made.node.regions[0].states = [State("w", 0)]


def damaged_region(graph: Graph) -> None:
    region = Graph("region")
    x = region.add_input(F32)
    with using(GraphBuilder(region)):
        region.set_outputs([tanh(x)])
    with using(GraphBuilder(graph)):
        made = call(region, graph.inputs[0])
    made.node.regions[0].inputs[0].users.clear()


DAMAGE: list[tuple[Callable[[Graph], None], str]] = [
    (wrong_order, r"node tanh: operand 0 \(f32\[2\]\) comes from a node after it"),
    (foreign_operand, r"node add: operand 1 \(f32\[2\]\) comes from another graph"),
    (wrong_type, r"result types are f32\[3\], but infer gives f32\[2\]"),
    (too_many_operands, "node tanh: it has 2 operands, but takes 1"),
    (too_few_operands, "node add: it has 1 operands, but takes 2"),
    (mixed_dtypes, "are not accepted: add got operands of dtypes float32 and float64"),
    (wrong_use_count, "use counts of .* are wrong"),
    (state_without_input, "state w names input 7, which is missing"),
    (state_without_output, "state w names output 7, which is missing"),
    (state_of_another_type, r"state w changes its type from f32\[3\] to f32\[2\]"),
    (state_twice, "two states name the same input or output"),
    (swapped_inputs, "is not the graph's own input 0"),
    (too_few_names, "has 2 outputs, but 1 output names"),
    (region_with_state, "region region has state"),
    (damaged_region, "graph region: use counts"),
]


def test_a_valid_graph_passes() -> None:
    verify(valid())


@pytest.mark.parametrize(("damage", "message"), DAMAGE, ids=[damage.__name__ for damage, _ in DAMAGE])
def test_damage_is_found(damage: Callable[[Graph], None], message: str) -> None:
    graph = valid()
    damage(graph)
    with pytest.raises(VerificationError, match=message):
        verify(graph)


def test_operand_counts_come_from_the_ops() -> None:
    assert operand_count(Add()) == 2
    assert operand_count(Tanh()) == 1


def test_the_place_of_a_node_is_named_where_it_has_one() -> None:
    graph = valid()
    too_many_operands(graph)
    with pytest.raises(VerificationError, match=r"but takes 1$"):
        verify(graph)
    list(graph.nodes())[-1].location = Location("model.py", 3)
    with pytest.raises(VerificationError, match=r"but takes 1 \[model\.py:3\]$"):
        verify(graph)
