"""Random graphs through every pass and pipeline: valid afterwards, with the same results, and still printable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from graphc_backends.base import CompileOptions, get_backend
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.parser import parse_graph
from graphc_ir.passes import PIPELINES, Pass, get_pass, optimize, resolve_passes
from graphc_ir.printer import print_graph
from graphc_ir.verify import verify
from tests.strategies import GraphCase, graph_cases

SINGLE = ("dce", "cse", "fold", "simplify", "sink", "fuse_composites", "fold_weights", "fuse_elementwise", "inline")
RISKY = get_pass("simplify", allow=("changes_zero_sign", "changes_rounding"))

quick = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def assert_same(case: GraphCase, graph: Graph) -> None:
    verify(graph)
    with np.errstate(all="ignore"):
        expected, actual = evaluate(case.graph, case.inputs), evaluate(graph, case.inputs)
    for want, have in zip(expected, actual, strict=True):
        assert have.dtype == want.dtype
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("each", [*map(get_pass, SINGLE), RISKY], ids=[*SINGLE, "simplify-risky"])
@given(case=graph_cases())
@quick
def test_a_pass_keeps_the_results(each: Pass, case: GraphCase) -> None:
    graph = case.graph.copy()
    before = print_graph(graph)
    changed = each(graph)
    assert_same(case, graph)
    if not changed:
        assert print_graph(graph) == before


@pytest.mark.parametrize("level", sorted(PIPELINES))
@given(case=graph_cases())
@quick
def test_a_pipeline_keeps_the_results(level: str, case: GraphCase) -> None:
    before = print_graph(case.graph)
    graph, _ = optimize(case.graph, level, verify="always")
    assert_same(case, graph)
    assert print_graph(case.graph) == before, "the original graph is left alone"


@given(case=graph_cases())
@quick
def test_a_second_run_of_a_pass_changes_nothing(case: GraphCase) -> None:
    for each in resolve_passes(["dce", "cse", "fold", "simplify", "sink"]):
        graph = case.graph.copy()
        each(graph)
        assert not each(graph), f"{each.name} is not idempotent"


@given(case=graph_cases())
@settings(quick, max_examples=60)
def test_text_reads_back_to_the_same_graph(case: GraphCase) -> None:
    text = print_graph(case.graph)
    graph = parse_graph(text)
    assert print_graph(graph) == text
    assert_same(case, graph)


@given(case=graph_cases(max_ops=8))
@quick
def test_onnx_runtime_agrees(case: GraphCase) -> None:
    graph, _ = optimize(case.graph, "O2")
    executable = get_backend("onnxruntime").compile(graph, CompileOptions())
    with np.errstate(all="ignore"):
        expected = evaluate(case.graph, case.inputs)
    for want, have in zip(expected, executable(*case.inputs), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)
