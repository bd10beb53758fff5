"""Sizes that depend on data keep the nodes alive that introduce them, and only those."""

from __future__ import annotations

from graphc_ir import parse_graph
from graphc_ir.liveness import erase_removable


def _left(text: str) -> list[str]:
    graph = parse_graph(text)
    erase_removable(graph)
    return [node.op.name for node in graph.nodes()]


def test_the_first_to_have_a_size_stays_for_those_that_read_it() -> None:
    assert _left(
        "graph @f(%m: bool[4]) {\n"
        "  %0 = argwhere(%m) {length = [k]} : i64[k, 1]\n"
        "  %1 = reshape(%0) {shape = [k]} : i64[k]\n"
        "  %2 = iota() {shape = [k], dtype = i32} : i32[k]\n"
        "  return %2\n}"
    ) == ["argwhere", "iota"]


def test_a_size_that_nobody_reads_keeps_nothing() -> None:
    assert _left("graph @f(%m: bool[4]) {\n  %0 = argwhere(%m) {length = [k]} : i64[k, 1]\n  return %m\n}") == []


def test_sizes_of_inputs_keep_nothing() -> None:
    assert _left(
        "graph @f(%x: f32[n]) {\n"
        "  %0 = iota() {shape = [n], dtype = i32} : i32[n]\n"
        "  %1 = dims() {dims = [n], dtype = i32} : i32[1]\n"
        "  return %1\n}"
    ) == ["dims"]
