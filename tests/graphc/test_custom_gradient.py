"""Functions with a gradient of their own: eager, traced under a tape, and as a graph that is differentiated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from graphc.control import cond, map_fn
from graphc.custom_gradient import custom_gradient, grad_pass_through, recompute_grad
from graphc.export import export_onnx
from graphc.function import function
from graphc.random import normal, set_seed
from graphc.tape import GradientTape
from graphc.tensor import TensorSpec
from graphc.variable import Variable
from graphc_ir.autodiff import transform
from graphc_ir.errors import GradientError, TracingError
from graphc_ir.evaluate import evaluate
from graphc_ir.ops.call import Call, CustomVjp
from graphc_ir.ops.constant import constant
from graphc_ir.ops.elementwise import exp, log, sin, square
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.verify import verify

both_backends = pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])


@custom_gradient
def log1pexp(x: Any) -> Any:
    """log(1 + exp(x)) with the gradient that does not overflow; it keeps exp(x) for it."""
    e = exp(x)

    def grad(upstream: Any) -> Any:
        return upstream * (1.0 - 1.0 / (1.0 + e))

    return log(1.0 + e), grad


def gradient(f: Any, x: Any) -> Any:
    with GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


def test_the_given_gradient_is_used() -> None:
    x = constant(100.0)
    assert np.isnan(float(gradient(lambda x: log(1.0 + exp(x)), x)))
    assert float(gradient(log1pexp, x)) == 1.0
    assert float(log1pexp(constant(0.0))) == pytest.approx(np.log(2.0))


@both_backends
def test_it_is_used_in_traced_functions(backend: str) -> None:
    x = constant([-1.0, 0.5, 100.0])
    expected = gradient(log1pexp, x).numpy()
    np.testing.assert_allclose(gradient(function(log1pexp, backend=backend), x).numpy(), expected, rtol=1e-6)
    inside = function(lambda x: gradient(log1pexp, x), backend=backend)
    np.testing.assert_allclose(inside(x).numpy(), expected, rtol=1e-6)


def test_it_is_used_in_differentiated_graphs() -> None:
    graph = function(lambda x: reduce_sum(log1pexp(x))).get_concrete_function(TensorSpec([2])).graph
    verify(graph)
    assert any(isinstance(node.op, CustomVjp) for node in graph.nodes())
    x = np.array([0.5, 100.0], np.float32)
    found = evaluate(transform.grad(graph), [x])[0]
    np.testing.assert_allclose(found, [1 / (1 + np.exp(-0.5)), 1.0], rtol=1e-6)


@both_backends
def test_second_order_flows_through_kept_values(backend: str) -> None:
    x = constant([0.3, -0.7])
    sigmoid = 1 / (1 + np.exp(-x.numpy()))
    expected = sigmoid * (1 - sigmoid)
    eager = gradient(lambda x: gradient(log1pexp, x), x)
    np.testing.assert_allclose(eager.numpy(), expected, rtol=1e-5)
    traced = function(lambda x: gradient(lambda x: gradient(log1pexp, x), x), backend=backend)(x)
    np.testing.assert_allclose(traced.numpy(), expected, rtol=1e-5)


@both_backends
def test_several_arguments_and_results(backend: str) -> None:
    @custom_gradient
    def f(x: Any, factor: float, y: Any) -> Any:
        def grad(a: Any, b: Any) -> Any:
            return a * 10.0, None, b * y

        return (x * factor, x + y), grad

    def run(x: Any, y: Any) -> Any:
        with GradientTape() as tape:
            tape.watch([x, y])
            a, b = f(x, 3.0, y)
            total = a + b * 2.0
        return total, *tape.gradient(total, [x, y])

    x, y = constant(2.0), constant(5.0)
    expected = [6.0 + 14.0, 10.0, 10.0]
    assert [float(t) for t in run(x, y)] == expected
    assert [float(t) for t in function(run, backend=backend)(x, y)] == expected


@both_backends
def test_variables_get_gradients(backend: str) -> None:
    v: Any = Variable(3.0)

    @custom_gradient
    def f(x: Any) -> Any:
        def grad(upstream: Any, variables: Any = None) -> Any:
            assert variables[0] is v
            return upstream * 7.0, [upstream * 11.0]

        return x * v, grad

    def run(x: Any) -> Any:
        with GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, [x, v])

    assert [float(g) for g in run(constant(2.0))] == [7.0, 11.0]
    assert [float(g) for g in function(run, backend=backend)(constant(2.0))] == [7.0, 11.0]


def test_in_branches_and_loops() -> None:
    def f(x: Any) -> Any:
        return reduce_sum(map_fn(lambda e: cond(e > 0.0, lambda: log1pexp(e), lambda: e), x))

    x = constant([100.0, -1.0])
    for run in (f, function(f)):
        np.testing.assert_allclose(gradient(run, x).numpy(), [1.0, 1.0])


def test_outer_values_of_the_trace_are_captured() -> None:
    @function
    def f(x: Any, scale: Any) -> Any:
        factor = scale * 2.0

        @custom_gradient
        def g(x: Any) -> Any:
            return x * factor, lambda upstream: upstream * factor * 100.0

        return gradient(g, x)

    assert float(f(constant(1.0), constant(3.0))) == 600.0


def test_mistakes_are_explained() -> None:
    x = constant(1.0)
    with pytest.raises(GradientError, match=r"must return \(result, grad_fn\)"):
        gradient(custom_gradient(lambda x: x), x)
    with pytest.raises(GradientError, match="returns 2 gradients for 1 arguments"):
        gradient(custom_gradient(lambda x: (x, lambda u: (u, u))), x)
    v: Any = Variable(1.0)
    with pytest.raises(GradientError, match=r"reads the Variables Variable:0, so its grad_fn must take variables"):
        gradient(custom_gradient(lambda x: (x * v, lambda u: u)), x)
    with pytest.raises(TracingError, match=r"assigns Variable:0; assign Variables outside"):
        function(custom_gradient(lambda x: (x * v.assign(x), lambda u, variables: (u, [u]))))(x)


@both_backends
def test_recompute_grad_runs_the_function_again(backend: str) -> None:
    v: Any = Variable(2.0)
    runs = [0]

    def plain(x: Any, y: Any) -> Any:
        runs[0] += 1
        return sin(x) * v + square(y)

    wrapped = recompute_grad(plain)

    def run(f: Any, x: Any, y: Any) -> Any:
        with GradientTape() as tape:
            tape.watch([x, y])
            z = f(x, y)
        return z, *tape.gradient(z, [x, y, v])

    x, y = constant(0.4), constant(0.6)
    expected = [float(t) for t in run(plain, x, y)]
    runs[0] = 0
    assert [float(t) for t in run(wrapped, x, y)] == pytest.approx(expected)
    assert runs[0] == 2
    traced = function(lambda x, y: run(wrapped, x, y), backend=backend)
    assert [float(t) for t in traced(x, y)] == pytest.approx(expected)
    calls = [
        n.op
        for n in traced.get_concrete_function(TensorSpec([]), TensorSpec([])).graph.nodes()
        if isinstance(n.op, Call)
    ]
    assert len(calls) == 2
    assert not any(op.is_inlinable for op in calls)


def test_recompute_grad_to_second_order() -> None:
    f = recompute_grad(lambda x: sin(x) * x)
    x = constant(0.4)
    expected = gradient(lambda x: gradient(lambda x: sin(x) * x, x), x)
    runs: list[Callable[[Any], Any]] = [lambda x: gradient(lambda x: gradient(f, x), x)]
    runs.append(function(runs[0]))
    for run in runs:
        assert float(run(x)) == pytest.approx(float(expected))


@both_backends
def test_grad_pass_through(backend: str) -> None:
    f = grad_pass_through(lambda x: sin(x) * 0.0)
    x = constant([1.0, 2.0])
    for run in (f, function(f, backend=backend)):
        np.testing.assert_array_equal(gradient(run, x).numpy(), [1.0, 1.0])
        np.testing.assert_array_equal(run(x).numpy(), [0.0, 0.0])


def _counted_noise(state: Any) -> Any:
    """A function that assigns a Variable and draws random numbers."""

    def f(x: Any) -> Any:
        state.assign_add(1.0)
        return sin(x) * state + normal([]) * x

    return f


@pytest.mark.parametrize("compiled", [False, True])
def test_recompute_grad_repeats_draws_and_assigns_once(compiled: bool) -> None:
    state: Any = Variable(0.0, trainable=False)
    plain = _counted_noise(state)

    def run(f: Any) -> list[float]:
        state.assign(0.0)
        set_seed(3)

        def step(x: Any) -> Any:
            return f(x), gradient(lambda x: f(f(x)), x)

        return [*map(float, (function(step) if compiled else step)(constant(0.4))), float(state)]

    assert run(recompute_grad(plain)) == pytest.approx(run(plain), rel=1e-5)
    assert float(state) == 3.0


def test_recompute_grad_puts_back_what_a_traced_function_assigned() -> None:
    state: Any = Variable(1.0, trainable=False)
    advance = function(lambda x: x * state.assign_add(1.0))
    x = constant(3.0)
    assert float(gradient(recompute_grad(lambda x: advance(x)), x)) == 2.0
    assert float(state) == 2.0


def test_what_recompute_grad_computes_again_is_not_merged(tmp_path: Path) -> None:
    def block(x: Any) -> Any:
        return sin(square(sin(x)))

    step = function(lambda x: gradient(recompute_grad(block), x), [TensorSpec([3])])
    (tmp_path / "step.onnx").write_bytes(export_onnx(step).SerializeToString())
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    session = ort.InferenceSession(str(tmp_path / "step.onnx"), options, providers=["CPUExecutionProvider"])
    x = np.array([0.1, 0.2, 0.3], np.float32)
    np.testing.assert_allclose(session.run(None, {"x": x})[0], gradient(block, constant(x)).numpy(), rtol=1e-5)
    (loop,) = [n for n in onnx.load(str(tmp_path / "optimized.onnx")).graph.node if n.op_type == "Loop"]
    inside = [n.op_type for n in loop.attribute[0].g.node]
    assert "Sin" in inside
