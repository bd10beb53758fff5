"""Patterns, rewrites and their driver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from graphc_ir.errors import ArgumentError, PassError
from graphc_ir.graph import Graph, Node
from graphc_ir.ops.elementwise import Add, Exp, Mul, Neg, Sub, Tanh, add, exp, mul, neg, tanh
from graphc_ir.ops.movement import Split, Transpose
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.parser import parse_graph
from graphc_ir.rewrite import (
    REWRITES,
    Const,
    Match,
    P,
    Rewrite,
    Var,
    apply_rewrites,
    limited_rewrites,
    register_rewrite,
    rewrite_rule,
)
from graphc_ir.verify import verify

x, y, z = Var("x"), Var("y"), Var("z")


def parse(body: str, inputs: str = "%x: f32[n], %y: f32[n]") -> Graph:
    return parse_graph(f"graph @f({inputs}) {{\n{body}\n}}")


def last(graph: Graph) -> Node:
    return next(graph.nodes_reversed())


def matches(pattern: P, graph: Graph) -> Match | None:
    return Rewrite("probe", pattern, lambda m: None).match(last(graph))


@pytest.fixture
def registry() -> Iterator[dict[str, Rewrite]]:
    before = dict(REWRITES)
    yield REWRITES
    REWRITES.clear()
    REWRITES.update(before)


def test_captures_are_values_and_nodes() -> None:
    graph = parse("%a = neg(%x) : f32[n]\n%b = sub(%a, %y) : f32[n]\nreturn %b")
    m = matches(P(Sub, P(Neg, x, name="inner"), y), graph)
    assert m is not None
    assert (m.x, m.y) == tuple(graph.inputs)
    assert isinstance(m.op("inner"), Neg)
    with pytest.raises(AttributeError, match="captured no 'q'; it captured x, y"):
        _ = m.q


def test_operands_of_sub_keep_their_order() -> None:
    graph = parse("%a = neg(%x) : f32[n]\n%b = sub(%y, %a) : f32[n]\nreturn %b")
    assert matches(P(Sub, P(Neg, x), y), graph) is None


@pytest.mark.parametrize("operands", ["%a, %y", "%y, %a"])
def test_operands_of_add_match_in_any_order(operands: str) -> None:
    graph = parse(f"%a = neg(%x) : f32[n]\n%b = add({operands}) : f32[n]\nreturn %b")
    m = matches(P(Add, P(Neg, x), y), graph)
    assert m is not None
    assert (m.x, m.y) == tuple(graph.inputs)


def test_orders_are_tried_across_nested_patterns() -> None:
    """The inner sum must take its operands the second way round for the outer x to agree."""
    graph = parse("%s = add(%y, %x) : f32[n]\n%b = mul(%s, %x) : f32[n]\nreturn %b")
    m = matches(P(Mul, P(Add, x, y), x), graph)
    assert m is not None
    assert m.x is graph.inputs[0]


def test_a_name_stands_for_one_value() -> None:
    same, other = (parse(f"%b = add(%x, {o}) : f32[n]\nreturn %b") for o in ("%x", "%y"))
    assert matches(P(Add, x, x), same) is not None
    assert matches(P(Add, x, x), other) is None


def test_single_use_and_conditions() -> None:
    text = "%a = neg(%x) : f32[n]\n%b = tanh(%a) : f32[n]\nreturn %b"
    assert matches(P(Tanh, P(Neg, x, single_use=True)), parse(text)) is not None
    assert matches(P(Tanh, P(Neg, x, single_use=True)), parse(text + ", %a")) is None
    assert matches(P(Tanh, Var("x", where=lambda v: v.node is None)), parse(text)) is None


def test_results_are_told_apart() -> None:
    graph = parse("%a, %b = split(%x) {axis = 0, sizes = [1, 3]} : f32[1], f32[3]\n%c = tanh(%b) : f32[3]\nreturn %c",
                  "%x: f32[4]")  # fmt: skip
    assert matches(P(Tanh, P(Split, x, result=1)), graph) is not None
    assert matches(P(Tanh, P(Split, x)), graph) is None


@pytest.mark.parametrize(
    ("constant", "value", "fits"),
    [
        ("dense<f32[], 2.0>} : f32[]", 2, True),
        ("dense<f32[3], all 2.0>} : f32[3]", 2, True),
        ("dense<f32[3], 2.0, 2.0, 1.0>} : f32[3]", 2, False),
        ("dense<f32[], nan>} : f32[]", float("nan"), False),
        ("dense<f32[0]>} : f32[0]", 2, False),
    ],
)
def test_constants_match_by_value(constant: str, value: float, fits: bool) -> None:
    graph = parse(f"%c = constant() {{value = {constant}\n%b = tanh(%c) : {constant.split(': ')[1]}\nreturn %b")
    assert (matches(P(Tanh, Const(value)), graph) is not None) is fits


def test_constants_are_seen_through_broadcasts() -> None:
    graph = parse("%c = constant() {value = dense<f32[], 2.0>} : f32[]\n%d = reshape(%c) {shape = [1]} : f32[1]\n"
                  "%e = broadcast_to(%d) {shape = [n]} : f32[n]\n%b = add(%x, %e) : f32[n]\nreturn %b")  # fmt: skip
    assert matches(P(Add, x, Const(2)), graph) is not None


def test_open_operands() -> None:
    graph = parse("%a = transpose(%x) {permutation = [0]} : f32[n]\nreturn %a")
    assert matches(P(Transpose, ...), graph) is not None
    with pytest.raises(ArgumentError, match="operands of a pattern are patterns"):
        P(Add, x, ...)


def test_a_miss_is_explained_by_the_closest_attempt() -> None:
    rewrite = Rewrite("probe", P(Mul, P(Neg, x), P(Exp, y)), lambda m: None)
    graph = parse("%a = neg(%x) : f32[n]\n%b = tanh(%y) : f32[n]\n%c = mul(%b, %a) : f32[n]\nreturn %c")
    assert rewrite.explain(last(graph)) == "probe: %b (made by tanh) is no exp"
    assert rewrite.explain(next(graph.nodes())) == "probe: the node is neg, the pattern wants mul"
    fits = parse("%a = neg(%x) : f32[n]\n%b = exp(%y) : f32[n]\n%c = mul(%b, %a) : f32[n]\nreturn %c")
    assert rewrite.explain(last(fits)) == ""


def test_a_check_that_refuses_is_explained() -> None:
    rewrite = Rewrite("probe", P(Neg, x), lambda m: m.x, check=lambda m: "it is Monday")
    graph = parse("%a = neg(%x) : f32[n]\nreturn %a")
    assert rewrite.explain(last(graph)) == "probe: it is Monday"
    assert apply_rewrites(graph, [rewrite]) == {}


def test_rewrites_run_until_none_applies() -> None:
    graph = parse("".join(f"%a{i + 1} = neg(%a{i}) : f32[n]\n" for i in range(9)) + "return %a9", "%a0: f32[n]")
    found = apply_rewrites(graph, [Rewrite("pair", P(Neg, P(Neg, x)), lambda m: m.x)])
    verify(graph)
    assert found == {"pair": 4}
    assert [node.op.name for node in graph.nodes()] == ["neg"]


def test_a_rewrite_below_is_seen_by_a_deep_pattern_above() -> None:
    graph = parse("%a = exp(%x) : f32[n]\n%b = neg(%a) : f32[n]\n%c = tanh(%b) : f32[n]\nreturn %c")
    deep = Rewrite("deep", P(Tanh, P(Neg, P(Add, x, y))), lambda m: add(m.x, m.y))
    late = Rewrite("late", P(Exp, x), lambda m: add(m.x, m.x))
    assert apply_rewrites(graph, [deep, late]) == {"late": 1, "deep": 1}
    verify(graph)


def test_new_nodes_keep_place_and_name() -> None:
    graph = parse("%a = neg(%x) : f32[n]  // model.py:7 dense\nreturn %a")
    apply_rewrites(graph, [Rewrite("r", P(Neg, x), lambda m: tanh(exp(m.x)))])
    assert {str(node.location) for node in graph.nodes()} == {"model.py:7 dense"}
    assert graph.outputs[0].name == "a"


def test_declining_leaves_no_trace() -> None:
    graph = parse("%a = neg(%x) : f32[n]\nreturn %a")
    before = str(graph)

    def build(m: Match) -> Any:
        tanh(exp(m.x))

    assert apply_rewrites(graph, [Rewrite("r", P(Neg, x), build)]) == {}
    assert str(graph) == before


def test_another_type_is_an_error() -> None:
    graph = parse("%a = neg(%x) : f32[n]  // model.py:7\nreturn %a")
    with pytest.raises(PassError, match=r"rewrite sum replaces f32\[n\] of neg by f32\[\]; .* \[model.py:7\]"):
        apply_rewrites(graph, [Rewrite("sum", P(Neg, x), lambda m: reduce_sum(m.x))])


def test_a_failing_rewrite_is_named() -> None:
    graph = parse("%a = neg(%x) : f32[n]\nreturn %a")
    with pytest.raises(PassError, match=r"rewrite bad failed at neg .*reduce|rewrite bad failed at neg .*axis"):
        apply_rewrites(graph, [Rewrite("bad", P(Neg, x), lambda m: reduce_sum(m.x, 3))])


def test_rewrites_that_go_round_in_circles_are_stopped() -> None:
    graph = parse("%a = add(%x, %y) : f32[n]\nreturn %a")
    swap = Rewrite("swap", P(Add, x, y), lambda m: add(m.y, m.x))
    with pytest.raises(PassError, match=r"do not come to an end .* applied most: swap"):
        apply_rewrites(graph, [swap])


def test_rewrites_that_only_grow_are_stopped() -> None:
    graph = parse("%a = neg(%x) : f32[n]\nreturn %a")
    grow = Rewrite("grow", P(Neg, x), lambda m: mul(neg(m.x), neg(m.x)))
    with pytest.raises(PassError, match=r"do not come to an end .* applied most: grow"):
        apply_rewrites(graph, [grow])


def test_fuel_limits_and_lists_applications() -> None:
    text = "%a = neg(%x) : f32[n]\n%b = exp(%a) : f32[n]\n%c = neg(%b) : f32[n]\nreturn %c"
    rewrite = Rewrite("to_tanh", P(Neg, x), lambda m: tanh(m.x))
    graph = parse(text)
    with limited_rewrites(1) as fuel:
        apply_rewrites(graph, [rewrite])
    assert fuel.applied == ["to_tanh"]
    assert [node.op.name for node in graph.nodes()] == ["tanh", "exp", "neg"]


def test_names_and_hazards_are_checked(registry: dict[str, Rewrite]) -> None:
    @rewrite_rule(P(Neg, P(Neg, x)), name="mine", hazards=["changes_rounding"])
    def mine(m: Match) -> Any:
        return m.x

    assert registry["mine"] is mine
    with pytest.raises(ArgumentError, match="a rewrite named 'mine' already"):
        register_rewrite(mine)
    with pytest.raises(ArgumentError, match=r"unknown hazards \['explodes'\] of other; there are changes_rounding"):
        register_rewrite(Rewrite("other", P(Neg, x), lambda m: m.x, hazards=frozenset(["explodes"])))  # type: ignore[list-item]


def test_a_value_with_many_users_costs_linear_time() -> None:
    uses = "".join(f"%u{i} = neg(%h) : f32[n]\n%v{i} = neg(%u{i}) : f32[n]\n" for i in range(2000))
    graph = parse(f"%h = exp(%x) : f32[n]\n{uses}return " + ", ".join(f"%v{i}" for i in range(2000)))
    assert apply_rewrites(graph, [Rewrite("pair", P(Neg, P(Neg, x)), lambda m: m.x)]) == {"pair": 2000}
    assert len(graph) == 1
