"""Random graphs through every pass and pipeline: valid afterwards, with the same results, and still printable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from graphc_backends.base import CompileOptions, get_backend
from graphc_ir.builder import GraphBuilder
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.arithmetic import add_n
from graphc_ir.ops.base import using
from graphc_ir.ops.elementwise import mul
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.parser import parse_graph
from graphc_ir.passes import PIPELINES, Pass, get_pass, optimize, resolve_passes
from graphc_ir.printer import print_graph
from graphc_ir.verify import verify
from tests.strategies import GraphCase, graph_cases

SINGLE = ("dce", "cse", "fold", "simplify", "sink", "fuse_composites", "fold_weights", "fuse_elementwise", "inline")
RISKY = get_pass("simplify", allow=("changes_zero_sign", "changes_rounding"))

# Always the same examples: passes may change the last digits, and a graph that takes the sign of such a difference
# would fail once in a while without being wrong.
quick = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
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


def gradients(case: GraphCase, passes: Sequence[str]) -> list[Any]:
    """The gradient of a weighted sum of the outputs by all inputs."""
    graph = case.graph.copy()
    with using(GraphBuilder(graph)):
        graph.set_outputs([add_n([reduce_sum(mul(output, 0.5)) for output in graph.outputs])])
    derived, _ = optimize(graph, passes=passes, verify="always")
    with np.errstate(all="ignore"):
        return list(evaluate(derived, case.inputs))


@given(case=graph_cases())
@quick
def test_derivatives_of_an_optimized_graph_are_the_same(case: GraphCase) -> None:
    expected = gradients(case, ["grad"])
    for passes in (["O2", "grad", "O3"], ["fuse_elementwise", "grad", "O1"]):
        for want, have in zip(expected, gradients(case, passes), strict=True):
            np.testing.assert_allclose(have, want, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("passes", [["O2"], ["O1", "fuse_elementwise"]], ids=["O2", "fused"])
@given(case=graph_cases(max_ops=8))
@quick
def test_onnx_runtime_agrees(passes: list[str], case: GraphCase) -> None:
    graph, _ = optimize(case.graph, passes=passes)
    executable = get_backend("onnxruntime").compile(graph, CompileOptions())
    with np.errstate(all="ignore"):
        expected = evaluate(case.graph, case.inputs)
    for want, have in zip(expected, executable(*case.inputs), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)
