"""The automatic choice and its reasons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc_backends import auto
from graphc_backends.auto import NUMPY, ONNXRUNTIME, AutoBackend, AutoExecutable, estimate
from graphc_backends.base import CompileOptions, StateCell, get_backend
from graphc_ir.builder import GraphBuilder
from graphc_ir.errors import BackendError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.control import Scan
from graphc_ir.ops.elementwise import exp, mul, neg, tanh
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.rnn import lstm
from graphc_ir.types import parse_type
from tests.backends.graphs import batch_of, build, initial_state, train_step


def compiled(graph: Graph, **options: Any) -> AutoExecutable:
    executable = AutoBackend().compile(graph, CompileOptions(**options))
    assert isinstance(executable, AutoExecutable)
    return executable


def large_graph() -> Graph:
    def layers(x: Any, w: Any) -> Any:
        for _ in range(6):
            x = tanh(mul(exp(neg(matmul(x, w))), 0.5))
        return x

    return build({"x": "f32[512, 512]", "w": "f32[512, 512]"}, layers)


def test_small_steps_run_on_numpy() -> None:
    executable = compiled(train_step())
    assert executable.choice.backend == executable.backend == "numpy"
    assert executable.choice.estimates["numpy"] < executable.choice.estimates["onnxruntime"]


def test_large_element_wise_work_runs_on_onnxruntime() -> None:
    executable = compiled(large_graph())
    assert executable.choice.backend == "onnxruntime"
    assert str(executable.choice).startswith("onnxruntime: the lower estimate (estimates: numpy ")
    assert str(executable.choice).endswith("; sizes unknown until the run count as 32)")


def test_recurrent_layers_run_on_onnxruntime_for_their_cheaper_steps() -> None:
    types = {"x": "f32[2, 30, 4]", "k": "f32[4, 32]", "r": "f32[8, 32]"}
    graph = build(types, lambda x, k, r: lstm(x, None, None, k, r)[1])
    executable = compiled(graph)
    assert executable.choice.backend == "onnxruntime"
    step = NUMPY.step - ONNXRUNTIME.step
    assert executable.choice.estimates["numpy"] - executable.choice.estimates["onnxruntime"] > 25 * step


def test_results_and_state_come_from_the_chosen_backend() -> None:
    graph, state = train_step(), initial_state()
    executable, cells = compiled(graph), [StateCell(a) for a in initial_state()]
    for seed in range(3):
        loss, *state = evaluate(graph, [*batch_of(8, seed), *state])
        np.testing.assert_allclose(executable.step(batch_of(8, seed), cells)[0], loss, rtol=1e-5)
    np.testing.assert_allclose(cells[0].read(), state[0], rtol=1e-5)
    found = executable(*batch_of(8), *initial_state())
    np.testing.assert_allclose(found[0], evaluate(graph, [*batch_of(8), *initial_state()])[0], rtol=1e-5)
    assert executable.run_device(*batch_of(8), *initial_state())[1].numpy().shape == (3, 1)


def test_numpy_takes_what_onnxruntime_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Any:
        if name == "onnxruntime":
            raise BackendError("no kernel for it")
        return real(name)

    real = get_backend
    monkeypatch.setattr(auto, "get_backend", refuse)
    executable = compiled(large_graph())
    assert executable.choice.backend == "numpy"
    assert executable.choice.reason == "ONNX Runtime cannot run it: no kernel for it"


def test_another_device_is_onnxruntimes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, CompileOptions]] = []

    class Recorder:
        def __init__(self, name: str) -> None:
            self.name = name

        def compile(self, graph: Graph, options: CompileOptions) -> Any:
            asked.append((self.name, options))
            raise BackendError("asked")

    monkeypatch.setattr(auto, "get_backend", Recorder)
    with pytest.raises(BackendError, match="asked"):
        compiled(train_step(), device="cuda:1")
    assert asked == [("onnxruntime", CompileOptions(device="cuda:1"))]


def test_estimates_grow_with_the_work() -> None:
    def chain(length: int, size: int) -> Graph:
        def apply(x: Any) -> Any:
            for _ in range(length):
                x = exp(x)
            return x

        return build({"x": f"f32[{size}]"}, apply)

    for rates in (NUMPY, ONNXRUNTIME):
        assert estimate(chain(10, 10), rates) < estimate(chain(20, 10), rates) < estimate(chain(20, 10**6), rates)


def test_loops_count_by_their_rounds() -> None:
    def scanned(length: int) -> Graph:
        body = build({"carry": "f32[4]", "item": "f32[4]"}, lambda carry, item: mul(exp(carry), item))
        graph = Graph("scanned")
        operands = (graph.add_input(parse_type("f32[4]")), graph.add_input(parse_type(f"f32[{length}, 4]")))
        graph.set_outputs([GraphBuilder(graph).bind(Scan(carries=1, scanned=1, results=1), operands, (body,))])
        return graph

    assert estimate(scanned(100), NUMPY) > 5 * estimate(scanned(10), NUMPY)
