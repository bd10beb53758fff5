"""Ops with regions: types, kernels, derivatives of any order, error texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc_ir.autodiff import transform
from graphc_ir.builder import GraphBuilder
from graphc_ir.errors import ArgumentError, DTypeError, GradientError, ShapeError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import ARRAYS, Op, bind, lift, using
from graphc_ir.ops.call import Call, CustomVjp, call
from graphc_ir.ops.control import Cond, Scan, While
from graphc_ir.ops.elementwise import add, cast, cos, div, exp, greater, less, mul, sin, sub, tanh
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import concat
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.types import TensorType, parse_type
from graphc_ir.verify import verify

Array = npt.NDArray[Any]


def build(types: Sequence[str], function: Callable[..., Any], name: str = "region") -> Graph:
    graph = Graph(name)
    inputs = [graph.add_input(parse_type(text)) for text in types]
    with using(GraphBuilder(graph)):
        results = function(*inputs)
        graph.set_outputs([lift(r) for r in (results if isinstance(results, (tuple, list)) else (results,))])
    return graph


def one_node(op: Op, types: Sequence[str], *regions: Graph) -> Graph:
    graph = build(types, lambda *inputs: bind(op, *inputs, regions=regions), "main")
    verify(graph)
    return graph


def weights(graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    rng = np.random.default_rng(5)
    return [
        rng.uniform(-1, 1, y.shape).astype(y.dtype) if y.dtype.kind == "f" else np.zeros_like(y)
        for y in evaluate(graph, inputs)
    ]


def check_gradient(graph: Graph, inputs: list[Array], order: int = 2) -> None:
    """Compares the vjp of all float64 inputs with central differences, and again for the vjp itself."""
    derived = transform.vjp(graph)
    verify(derived)
    cotangents = weights(graph, inputs)
    results = evaluate(derived, [*inputs, *cotangents])[len(graph.outputs) :]
    places = [i for i, x in enumerate(inputs) if x.dtype == np.float64]
    assert len(results) == len(places)
    for i, g in zip(places, results, strict=True):
        np.testing.assert_allclose(g, numeric(graph, inputs, i, cotangents), rtol=1e-5, atol=1e-7)
    if order > 1:
        derived.set_outputs(derived.outputs[len(graph.outputs) :])
        check_gradient(derived, [*inputs, *cotangents], order - 1)


def numeric(graph: Graph, inputs: list[Array], i: int, cotangents: list[Array], step: float = 1e-5) -> Array:
    found = np.zeros_like(inputs[i])
    for position in np.ndindex(inputs[i].shape):
        values = []
        for sign in (1, -1):
            moved = inputs[i].copy()
            moved[position] += sign * step
            outputs = evaluate(graph, [*inputs[:i], moved, *inputs[i + 1 :]])
            values.append(
                sum(float(np.sum(c * y)) for c, y in zip(cotangents, outputs, strict=True) if y.dtype.kind == "f")
            )
        found[position] = (values[0] - values[1]) / (2 * step)
    return found


def numbers(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape)


def cond_graph(size: str = "3") -> Graph:
    types = [f"f64[{size}]", f"f64[{size}]", "i32[]"]
    chosen = build(types, lambda x, y, n: (mul(sin(x), y), add(n, 1)), "chosen")
    other = build(types, lambda x, y, n: (exp(x), n), "other")
    return one_node(Cond(2), ["bool[]", *types], chosen, other)


@pytest.mark.parametrize("predicate", [True, False])
@pytest.mark.parametrize("size", ["3", "n"])
def test_cond_runs_one_branch_and_has_derivatives(predicate: bool, size: str) -> None:
    graph, x, y = cond_graph(size), numbers(3), numbers(1, 3)[0]
    result, count = evaluate(graph, [np.array(predicate), x, y, np.array(4, np.int32)])
    np.testing.assert_allclose(result, np.sin(x) * y if predicate else np.exp(x))
    assert count == (5 if predicate else 4)
    check_gradient(graph, [np.array(predicate), x, y, np.array(4, np.int32)])


def test_cond_without_a_path_gives_no_gradient() -> None:
    constant = build(["f64[]"], lambda x: lift(np.array(1.0)))
    op, regions = Cond(1), (constant, constant.copy())
    with using(ARRAYS):
        assert op.vjp(np.array(1.0), np.array(1.0), np.array(True), np.array(2.0), regions=regions) == (None, None)


def test_nested_conds() -> None:
    inner = [build(["f64[2]"], function) for function in (sin, cos)]
    nested = build(["bool[]", "f64[2]"], lambda p, x: mul(x, bind(Cond(1), p, x, regions=tuple(inner))))
    plain = build(["bool[]", "f64[2]"], lambda p, x: mul(x, x))
    graph = one_node_nested(nested, plain)
    x = numbers(2)
    for p, q, expected in ((True, True, x * np.sin(x)), (True, False, x * np.cos(x)), (False, True, x * x)):
        np.testing.assert_allclose(evaluate(graph, [np.array(p), np.array(q), x])[0], expected)
        check_gradient(graph, [np.array(p), np.array(q), x])


def one_node_nested(chosen: Graph, other: Graph) -> Graph:
    return one_node(Cond(1), ["bool[]", "bool[]", "f64[2]"], chosen, other)


def while_graph(max_trips: int | None) -> Graph:
    types = ["i32[]", "f64[2]", "f64[2]"]
    cond = build(types, lambda i, x, w: less(i, 3), "condition")
    body = build(types, lambda i, x, w: (add(i, 1), mul(sin(x), w)), "body")
    return one_node(While(2, max_trips), types, cond, body)


@pytest.mark.parametrize("max_trips", [None, 2, 3, 5])
def test_while_stops_at_its_condition_or_bound(max_trips: int | None) -> None:
    x, w = numbers(2), numbers(1, 2)[0]
    count, result = evaluate(while_graph(max_trips), [np.array(0, np.int32), x, w])
    trips = min(3, max_trips or 3)
    assert count == trips
    expected = x
    for _ in range(trips):
        expected = np.sin(expected) * w
    np.testing.assert_allclose(result, expected)


@pytest.mark.parametrize("max_trips", [None, 2, 3, 5])
@pytest.mark.parametrize("start", [0, 2, 3])
def test_while_has_derivatives(max_trips: int | None, start: int) -> None:
    check_gradient(while_graph(max_trips), [np.array(start, np.int32), numbers(2), numbers(1, 2)[0]])


def test_while_may_change_sizes_of_its_own() -> None:
    from_two = ["f64[m]"]
    cond = build(from_two, lambda x: less(reduce_sum(x), 10.0))
    body = build(from_two, concat_ones)
    graph = one_node(While(1, None), ["f64[2]"], cond, body)
    assert str(graph.outputs[0].type) == "f64[m]"
    assert evaluate(graph, [np.ones(2)])[0].shape == (10,)
    bounded = one_node(While(1, 20), ["f64[2]"], cond, body)
    with pytest.raises(GradientError, match=r"f64\[m\] before a round and f64\[m \+ 1\] after it"):
        transform.vjp(bounded)


def concat_ones(x: Any) -> Any:
    return concat([x, np.ones(1)], 0)


def scan_graph(length: str = "4", reverse: bool = False) -> Graph:
    """A recurrence h = tanh(h @ w + x), stacking h * x."""

    def step(h: Any, x: Any, w: Any) -> Any:
        following = tanh(add(matmul(h, w), x))
        return following, mul(following, x)

    body = build(["f64[2, 3]", "f64[2, 3]", "f64[3, 3]"], step, "step")
    return one_node(Scan(1, 1, 2, reverse), ["f64[2, 3]", f"f64[{length}, 2, 3]", "f64[3, 3]"], body)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", ["4", "n"])
def test_scan_runs_in_order(reverse: bool, length: str) -> None:
    h, xs, w = numbers(2, 3), numbers(4, 2, 3), numbers(3, 3)
    last, stacked = evaluate(scan_graph(length, reverse), [h, xs, w])
    expected = np.zeros_like(xs)
    for i in range(4)[:: -1 if reverse else 1]:
        h = np.tanh(h @ w + xs[i])
        expected[i] = h * xs[i]
    np.testing.assert_allclose(last, h)
    np.testing.assert_allclose(stacked, expected)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", ["3", "n"])
def test_scan_has_derivatives(reverse: bool, length: str) -> None:
    check_gradient(scan_graph(length, reverse), [numbers(2, 3), numbers(3, 2, 3), numbers(3, 3)])


def test_scan_of_nothing() -> None:
    h = numbers(2, 3)
    last, stacked = evaluate(scan_graph("n"), [h, np.zeros((0, 2, 3)), numbers(3, 3)])
    np.testing.assert_array_equal(last, h)
    assert stacked.shape == (0, 2, 3)


def test_scan_without_loop_variables_maps() -> None:
    body = build(["f64[2]", "f64[]"], lambda x, c: mul(exp(x), c))
    graph = one_node(Scan(0, 1, 1), ["f64[3, 2]", "f64[]"], body)
    xs, c = numbers(3, 2), np.array(0.5)
    np.testing.assert_allclose(evaluate(graph, [xs, c])[0], np.exp(xs) * 0.5)
    check_gradient(graph, [xs, c])


def test_scan_in_scan_to_third_order() -> None:
    inner = build(["f64[]", "f64[]", "f64[]"], lambda a, x, c: mul(sin(add(a, x)), c))
    body = build(["f64[]", "f64[2]", "f64[]"], lambda a, xs, c: bind(Scan(1, 1, 1), a, xs, c, regions=(inner,)))
    graph = one_node(Scan(1, 1, 1), ["f64[]", "f64[2, 2]", "f64[]"], body)
    check_gradient(graph, [np.array(0.3), numbers(2, 2), np.array(0.7)], order=3)


def test_call_evaluates_its_region_and_has_derivatives() -> None:
    callee = build(["f64[n]", "f64[]"], lambda x, y: (mul(sin(x), y), reduce_sum(x)), "callee")
    graph = build(["f64[3]", "f64[]"], lambda x, y: call(callee, x, y))
    verify(graph)
    x, y = numbers(3), np.array(0.4)
    product, total = evaluate(graph, [x, y])
    np.testing.assert_allclose(product, np.sin(x) * 0.4)
    np.testing.assert_allclose(total, x.sum())
    check_gradient(graph, [x, y], order=3)


def test_symbols_of_a_callee_are_its_own() -> None:
    callee = build(["f64[n]"], lambda x: mul(x, 2.0), "callee")
    graph = build(["f64[n]", "f64[2*n]"], lambda x, y: (call(callee, x), call(callee, y)))
    verify(graph)
    assert [str(o.type) for o in graph.outputs] == ["f64[n]", "f64[2*n]"]
    small, large = evaluate(graph, [np.ones(2), np.ones(4)])
    assert (small.shape, large.shape) == ((2,), (4,))


def test_custom_vjp_replaces_the_derivative() -> None:
    forward = build(["f64[2]", "f64[2]"], lambda x, y: mul(x, y))
    backward = build(["f64[2]", "f64[2]", "f64[2]"], lambda x, y, g: mul(g, mul(x, 10.0)))
    graph = one_node(CustomVjp(1, (0,)), ["f64[2]", "f64[2]"], forward, backward)
    x, y, g = numbers(2), numbers(1, 2)[0], np.ones(2)
    derived = transform.vjp(graph)
    result, gx, gy = evaluate(derived, [x, y, g])
    np.testing.assert_allclose(result, x * y)
    np.testing.assert_allclose(gx, 10 * x)
    np.testing.assert_allclose(gy, np.zeros(2))
    derived.set_outputs(derived.outputs[1:2])
    check_gradient(derived, [x, y, g], order=1)


def test_kernels_run_on_arrays_with_symbolic_regions() -> None:
    graph = scan_graph("n")
    node = next(graph.nodes())
    h, xs, w = numbers(2, 3), numbers(4, 2, 3), numbers(3, 3)
    with using(ARRAYS):
        last, _ = bind(node.op, h, xs, w, regions=node.regions)
        gh, gxs, gw = node.op.vjp((h, xs), (last, xs), h, xs, w, regions=node.regions)
    assert (gh.shape, gxs.shape, gw.shape) == (h.shape, xs.shape, w.shape)


def test_is_inlinable() -> None:
    assert Call(1).is_inlinable
    assert not Call(1, keep=True).is_inlinable
    assert CustomVjp(1, ()).is_inlinable
    assert not Cond(1).is_inlinable


CHOSEN = build(["f64[3]"], sin)
ERRORS: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    ("predicate", lambda: one_node(Cond(1), ["f64[]", "f64[3]"], CHOSEN, CHOSEN), DTypeError, "needs a bool scalar"),
    (
        "branch-dtype",
        lambda: one_node(Cond(1), ["bool[]", "f64[3]"], CHOSEN, build(["f64[3]"], lambda x: cast(x, "float32"))),
        DTypeError,
        r"result 0 is f64\[3\] in the true branch and f32\[3\] in the false branch",
    ),
    (
        "branch-shape",
        lambda: one_node(Cond(1), ["bool[]", "f64[3]"], CHOSEN, build(["f64[3]"], reduce_sum)),
        ShapeError,
        r"result 0 is f64\[3\] in the true branch and f64\[\] in the false branch",
    ),
    (
        "branch-count",
        lambda: one_node(Cond(1), ["bool[]", "f64[3]"], CHOSEN, build(["f64[3]"], lambda x: (x, x))),
        ArgumentError,
        "the true branch gives 1 results, the false branch 2",
    ),
    (
        "operand",
        lambda: one_node(Cond(1), ["bool[]", "f64[4]"], CHOSEN, CHOSEN),
        ShapeError,
        r"is f64\[3\], got f64\[4\]",
    ),
    ("operand-count", lambda: one_node(Cond(1), ["bool[]"], CHOSEN, CHOSEN), ArgumentError, "takes 1 operands"),
    (
        "carry",
        lambda: one_node(
            While(1, None),
            ["f64[3]"],
            build(["f64[3]"], lambda x: greater(reduce_sum(x), 0.0)),
            build(["f64[3]"], reduce_sum),
        ),
        ShapeError,
        r"loop variable 0 is f64\[3\] before the body",
    ),
    ("condition", lambda: one_node(While(1, None), ["f64[3]"], CHOSEN, CHOSEN), DTypeError, r"got f64\[3\]"),
    (
        "lengths",
        lambda: one_node(Scan(0, 2, 1), ["f64[3]", "f64[4]"], build(["f64[]", "f64[]"], sub)),
        ShapeError,
        "differ in their first size",
    ),
    ("scalar", lambda: one_node(Scan(0, 1, 1), ["f64[]"], CHOSEN), ShapeError, "got the scalar"),
    ("call", lambda: one_node(Call(2), ["f64[3]"], CHOSEN), ArgumentError, "results=2, but the region has 1"),
    (
        "custom",
        lambda: one_node(CustomVjp(1, (0,)), ["f64[3]"], CHOSEN, build(["f64[3]", "f64[3]"], lambda x, g: (x, g))),
        ArgumentError,
        r"its gradient gives 2 cotangents, expected 1",
    ),
]


@pytest.mark.parametrize(("run", "error", "match"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
def test_wrong_regions_are_explained(run: Callable[[], Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        run()


def test_a_failing_kernel_names_the_op() -> None:
    class Refuse(Op, name="test_refuse"):
        def infer(self, *types: TensorType) -> TensorType:
            return types[0]

        def kernel(self, *arrays: Array) -> Any:
            raise RuntimeError("no")

        def vjp(self, g: Any, y: Any, x: Any) -> Any:
            return g

    graph = one_node(Call(1), ["f64[2]"], build(["f64[2]"], lambda x: div(bind(Refuse(), x), 2.0)))
    with pytest.raises(ArgumentError, match=r"test_refuse\(f64\[2\]\) failed: no"):
        evaluate(graph, [np.ones(2)])
