"""The pass manager: order, checks, reports, rollback, bisecting, pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from graphc_ir.errors import ArgumentError, PassError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.elementwise import Neg, add, tanh
from graphc_ir.parser import parse_graph
from graphc_ir.passes import (
    PASSES,
    PIPELINES,
    ConstantFolding,
    DeadCodeElimination,
    Pass,
    PassManager,
    Rewrites,
    Simplify,
    bisect,
    get_pass,
    optimize,
    pipeline,
    register_pass,
    register_pipeline,
    resolve_passes,
)
from graphc_ir.printer import print_graph
from graphc_ir.rewrite import REWRITES, Match, P, Rewrite, Var, register_rewrite

TEXT = """\
graph @model(%x: f32[n, 4]) {
  %a = neg(%x) : f32[n, 4]
  %b = neg(%a) : f32[n, 4]
  %c = tanh(%b) : f32[n, 4]
  %d = exp(%x) : f32[n, 4]
  %e = neg(%c) : f32[n, 4]
  return %e
}
"""


class _Crash(Pass, name="crash"):
    def run(self, graph: Graph) -> bool:
        for node in graph.nodes_reversed():
            if node.is_dead:
                graph.erase(node)
        raise ValueError("out of luck")


class _Break(Pass, name="break"):
    """Leaves a graph that is not valid."""

    def run(self, graph: Graph) -> bool:
        first, second = list(graph.nodes())[:2]
        graph.move_before(second, first)
        return True


class _Lie(Pass, name="lie"):
    """A miscompile: valid IR, another result."""

    def run(self, graph: Graph) -> bool:
        for node in graph.nodes():
            if isinstance(node.op, Neg):
                node.result.replace_all_uses_with(node.operands[0])
        return True


@pytest.fixture
def registries() -> Iterator[None]:
    saved: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (registry, dict(registry)) for registry in (PASSES, PIPELINES, REWRITES)
    ]
    yield
    for registry, before in saved:
        registry.clear()
        registry.update(before)


def graph_of(text: str = TEXT) -> Graph:
    return parse_graph(text)


def names(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes()]


def test_passes_run_in_order_and_report() -> None:
    graph, report = PassManager([DeadCodeElimination(), Simplify(), ConstantFolding()], sizes={"n": 10}).run(graph_of())
    assert names(graph) == ["tanh", "neg"]
    assert [(r.name, r.before.nodes, r.after.nodes, r.changed) for r in report.records] == [
        ("dce", 5, 4, True), ("simplify", 4, 2, True), ("fold", 2, 2, False),
    ]  # fmt: skip
    assert [r.after.flops for r in report.records] == [160, 80, 80]
    assert report.records[1].after.bytes == 2 * 2 * 40 * 4
    assert report.changed
    assert 0 < report.seconds < 60


def test_the_report_is_a_table() -> None:
    _, report = PassManager([DeadCodeElimination()], sizes={"n": 1_000_000}).run(graph_of())
    header, row = report.to_text().splitlines()
    assert header.split() == ["pass", "ms", "ops", "before", "ops", "after", "MFLOPs", "MB", "changed"]
    assert row.split()[0] == "dce"
    assert row.split()[2:] == ["5", "4", "16.000", "128.000", "yes"]
    assert str(report) == report.to_text()


def test_a_failing_pass_is_named() -> None:
    with pytest.raises(PassError, match=r"pass crash .* failed on graph model: ValueError: out of luck; .*rollback"):
        PassManager([_Crash()]).run(graph_of())


def test_a_pass_that_breaks_the_graph_is_named() -> None:
    with pytest.raises(PassError, match=r"pass break .* comes from a node after it"):
        PassManager([_Break()]).run(graph_of())
    PassManager([_Break()], verify="never").run(graph_of())


@pytest.mark.parametrize("bad", [_Crash(), _Break()])
def test_rollback_goes_on_without_the_pass(bad: Pass) -> None:
    graph, report = PassManager([bad, Simplify()], on_error="rollback").run(graph_of())
    assert names(graph) == ["tanh", "exp", "neg"]
    assert [r.changed for r in report.records] == [False, True]
    assert [failure.name for failure in report.failures] == [bad.name]
    assert f"{bad.name} failed and was rolled back" in report.to_text()


def test_graphs_are_printed_around_passes() -> None:
    shown: list[str] = []
    manager = PassManager(
        [DeadCodeElimination(), Simplify()], print_before=["simplify"], print_after="*", output=shown.append
    )
    manager.run(graph_of())
    assert [text.splitlines()[0] for text in shown] == ["// after dce", "// before simplify", "// after simplify"]
    assert names(graph_of(shown[1])) == ["neg", "neg", "tanh", "neg"]


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ArgumentError, match="verify='sometimes'; expected 'always', 'changed' or 'never'"):
        PassManager([], verify="sometimes")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="on_error='ignore'"):
        PassManager([], on_error="ignore")  # type: ignore[arg-type]


def right_results(expected: Graph) -> Any:
    x = np.linspace(-2, 2, 8, dtype=np.float32).reshape(2, 4)
    want = evaluate(expected, [x])

    def check(graph: Graph) -> bool:
        return all(np.allclose(a, b, atol=1e-6) for a, b in zip(evaluate(graph, [x]), want, strict=True))

    return check


@pytest.mark.parametrize("bad", [_Lie(), _Break()])
def test_bisecting_finds_the_pass(bad: Pass) -> None:
    passes = [DeadCodeElimination(), ConstantFolding(), bad, DeadCodeElimination(), ConstantFolding()]
    culprit = bisect(graph_of(), passes, right_results(graph_of()))
    assert culprit is not None
    assert str(culprit) == f"pass 2 ({bad.name})"


def test_bisecting_finds_the_rewrite(registries: None) -> None:
    x = Var("x")
    register_rewrite(Rewrite("fine", P(Neg, P(Neg, x)), lambda m: m.x))
    register_rewrite(Rewrite("wrong", P(Neg, x), _negate_wrongly))
    passes = [DeadCodeElimination(), Rewrites(("fine", "wrong"))]
    culprit = bisect(graph_of(), passes, right_results(graph_of()))
    assert culprit is not None
    assert (culprit.index, culprit.name, culprit.rewrite) == (1, "rewrites", "wrong")
    assert culprit.application is not None
    assert "of its rewrites: wrong" in str(culprit)


def _negate_wrongly(m: Match) -> Any:
    return add(m.x, tanh(m.x))


def test_bisecting_a_right_pipeline_finds_nothing() -> None:
    graph = graph_of()
    assert bisect(graph, pipeline("O3"), right_results(graph_of())) is None
    assert print_graph(graph) == TEXT, "the graph is left alone"
    with pytest.raises(ArgumentError, match="the check already fails on model before any pass"):
        bisect(graph, pipeline("O3"), lambda _: False)


def test_passes_and_pipelines_by_name(registries: None) -> None:
    @register_pass
    class Mine(Pass, name="mine"):
        count: int = 3

        def run(self, graph: Graph) -> bool:
            return False

    register_pipeline("house", ["dce", Mine(5), "O1"])
    assert pipeline("house")[:2] == (DeadCodeElimination(), Mine(5))
    assert get_pass("mine", count=4) == Mine(4)
    assert resolve_passes(["house"]) == pipeline("house")
    graph, report = optimize(graph_of(), "house")
    assert names(graph) == ["tanh", "neg"]
    assert [r.name for r in report.records][:2] == ["dce", "mine"]
    with pytest.raises(ArgumentError, match="a pipeline or pass named 'house' already"):
        register_pipeline("house", [])
    with pytest.raises(ArgumentError, match="a pass named 'mine' already"):
        register_pass(type("Other", (Pass,), {}, name="mine"))


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ArgumentError, match="unknown pass 'dcee'; there are channels_first, cse, dce, "):
        get_pass("dcee")
    with pytest.raises(ArgumentError, match="pass 'fold' has no option 'size'; its options: max_elements"):
        get_pass("fold", size=3)
    with pytest.raises(ArgumentError, match="unknown optimization level 'O9'; there are O0, O1, O2, O3"):
        optimize(graph_of(), "O9")
    with pytest.raises(ArgumentError, match=r"no rewrite named 'mul_won'; registered are .*mul_one"):
        Rewrites(("mul_won",))
    with pytest.raises(ArgumentError, match="unknown hazard 'fire'; there are changes_rounding"):
        Simplify(("fire",)).run(graph_of())


def test_optimize_works_on_a_copy() -> None:
    graph = graph_of()
    optimized, report = optimize(graph, passes=["dce", Simplify()])
    assert print_graph(graph) == TEXT
    assert names(optimized) == ["tanh", "neg"]
    assert len(report.records) == 2


def test_derivatives_are_passes() -> None:
    text = TEXT.replace("return %e", "%l = reduce_sum(%e) {axes = [0, 1], keepdims = false} : f32[]\n  return %l")
    graph, _ = optimize(graph_of(text), passes=["grad", "O2"])
    assert graph.name == "grad_model"
    x = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)
    np.testing.assert_allclose(evaluate(graph, [x])[0], np.tanh(x) ** 2 - 1, rtol=1e-5)
    both, _ = optimize(graph_of(text), passes=["value_and_grad"])
    assert len(both.outputs) == 2
    pulled, _ = optimize(graph_of(TEXT), passes=[get_pass("vjp", wrt=(0,)), "O1"])
    assert len(pulled.inputs) == 2
    np.testing.assert_allclose(evaluate(pulled, [x, 2 * x])[1], (np.tanh(x) ** 2 - 1) * 2 * x, rtol=1e-5)


def test_a_long_chain_is_optimized_in_linear_steps() -> None:
    lines = [f"%v{i + 1} = {'neg' if i % 3 else 'tanh'}(%v{i}) : f32[n]" for i in range(20_000)]
    graph = parse_graph("graph @chain(%v0: f32[n]) {\n" + "\n".join(lines) + "\nreturn %v20000\n}")
    optimized, _ = optimize(graph, "O3")
    assert set(names(optimized)) == {"tanh", "neg"}
    assert len(optimized) < 6_670
