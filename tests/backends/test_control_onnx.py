"""Control flow in ONNX: exported graphs run in ONNX Runtime like the kernels, and can be read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from graphc_backends.onnx.export import to_model
from graphc_backends.onnx.importer import from_model
from graphc_ir.autodiff import transform
from graphc_ir.builder import GraphBuilder
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Op, bind, lift, using
from graphc_ir.ops.call import Call, CustomVjp
from graphc_ir.ops.control import Cond, Scan, While
from graphc_ir.ops.elementwise import add, exp, less, mul, sin, tanh
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import concat
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.types import parse_type
from graphc_ir.verify import verify

Array = npt.NDArray[Any]
OPSETS = (13, 18, 21)


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


def numbers(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(np.float32)


def cond_graph() -> Graph:
    types = ["f32[n]", "f32[n]"]
    chosen = build(types, lambda x, y: (mul(sin(x), y), x))
    other = build(types, lambda x, y: (exp(x), y))
    return one_node(Cond(2), ["bool[]", *types], chosen, other)


def while_graph(max_trips: int | None) -> Graph:
    types = ["i32[]", "f32[2]", "f32[2]"]
    cond = build(types, lambda i, x, w: less(i, 3))
    body = build(types, lambda i, x, w: (add(i, 1), mul(sin(x), w)))
    return one_node(While(2, max_trips), types, cond, body)


def scan_graph(reverse: bool) -> Graph:
    def step(h: Any, x: Any, w: Any) -> Any:
        following = tanh(add(matmul(h, w), x))
        return following, mul(following, x)

    body = build(["f32[2, 3]", "f32[2, 3]", "f32[3, 3]"], step)
    return one_node(Scan(1, 1, 2, reverse), ["f32[2, 3]", "f32[n, 2, 3]", "f32[3, 3]"], body)


def nested_graph() -> Graph:
    """A scan whose body chooses a branch and reads a constant from two graphs further out."""
    branches = [build(["f32[]", "f32[]"], f) for f in (lambda a, c: mul(a, c), lambda a, c: add(sin(a), c))]
    body = build(
        ["f32[]", "f32[]", "f32[]"],
        lambda a, x, c: bind(Cond(1), less(x, 0.0), add(a, x), c, regions=tuple(branches)),
    )
    return one_node(Scan(1, 1, 1), ["f32[]", "f32[4]", "f32[]"], body)


def call_graph() -> Graph:
    inner = build(["f32[3]"], lambda x: (sin(x), exp(x)))
    forward = build(["f32[3]"], lambda x: mul(x, x))
    backward = build(["f32[3]", "f32[3]"], lambda x, g: mul(g, x))

    def main(x: Any) -> Any:
        a, b = bind(Call(2), x, regions=(inner,))
        return bind(CustomVjp(1, (0,)), add(a, b), regions=(forward, backward))

    return build(["f32[3]"], main, "main")


FLAGS = [np.array(flag) for flag in (True, False)]
COUNT = np.array(0, np.int32)
CASES: list[tuple[str, Graph, list[Array]]] = [
    *((f"cond-{flag}", cond_graph(), [flag, numbers(3), numbers(1, 3)[0]]) for flag in FLAGS),
    *((f"while-{n}", while_graph(n), [COUNT, numbers(2), numbers(1, 2)[0]]) for n in (None, 2, 5)),
    *((f"scan-{r}", scan_graph(r), [numbers(2, 3), numbers(4, 2, 3), numbers(3, 3)]) for r in (False, True)),
    ("nested", nested_graph(), [np.array(0.2, np.float32), numbers(4), np.array(0.3, np.float32)]),
    ("call", call_graph(), [numbers(3)]),
]
by_case = pytest.mark.parametrize(("graph", "inputs"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])


def run(model: onnx.ModelProto, inputs: Sequence[Array]) -> list[Array]:
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    return [np.asarray(y) for y in session.run(None, dict(zip(names, inputs, strict=True)))]


def assert_close(actual: Sequence[Array], expected: Sequence[Array]) -> None:
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@by_case
@pytest.mark.parametrize("opset", OPSETS)
def test_export_runs_like_the_kernels(graph: Graph, inputs: list[Array], opset: int) -> None:
    assert_close(run(to_model(graph, opset=opset), inputs), evaluate(graph, inputs))


@by_case
def test_derivatives_run_in_onnx(graph: Graph, inputs: list[Array]) -> None:
    derived = transform.vjp(graph)
    cotangents = [np.ones_like(y) for y in evaluate(graph, inputs)]
    expected = evaluate(derived, [*inputs, *cotangents])
    assert_close(run(to_model(derived), [*inputs, *cotangents]), expected)


@by_case
def test_import_reads_the_same_function(graph: Graph, inputs: list[Array]) -> None:
    read = from_model(to_model(graph))
    verify(read)
    assert_close(evaluate(read, inputs), evaluate(graph, inputs))


def test_while_of_growing_size_runs_in_onnx() -> None:
    cond = build(["f32[m]"], lambda x: less(reduce_sum(x), 5.0))
    body = build(["f32[m]"], lambda x: concat([x, np.ones(1, np.float32)], 0))
    graph = one_node(While(1, None), ["f32[2]"], cond, body)
    assert run(to_model(graph), [np.ones(2, np.float32)])[0].shape == (5,)


def loop_model(trips: int | None, stop_at: float | None, stacks: bool = True) -> onnx.ModelProto:
    """x doubles every round; a trip count (an input if None), and a condition on x if ``stop_at`` is given."""
    nodes = [helper.make_node("Add", ["x", "x"], ["next"])]
    if stop_at is None:
        nodes.append(helper.make_node("Identity", ["go"], ["again"]))
    else:
        nodes.append(helper.make_node("Less", ["next", "limit"], ["again"]))
    outputs = [
        helper.make_tensor_value_info("again", TensorProto.BOOL, []),
        helper.make_tensor_value_info("next", TensorProto.FLOAT, []),
    ]
    if stacks:
        nodes.append(helper.make_node("Mul", ["next", "scale"], ["element"]))
        outputs.append(helper.make_tensor_value_info("element", TensorProto.FLOAT, []))
    body = helper.make_graph(
        nodes,
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, []),
        ],
        outputs,
    )
    results = ["last", "stacked"] if stacks else ["last"]
    inputs = [
        helper.make_tensor_value_info("start", TensorProto.FLOAT, []),
        helper.make_tensor_value_info("scale", TensorProto.FLOAT, []),
    ]
    initializers = [helper.make_tensor("limit", TensorProto.FLOAT, [], [stop_at or 0.0])]
    if trips is None:
        inputs.append(helper.make_tensor_value_info("trips", TensorProto.INT64, []))
    else:
        initializers.append(helper.make_tensor("trips", TensorProto.INT64, [], [trips]))
    declared = [helper.make_tensor_value_info("last", TensorProto.FLOAT, [])]
    if stacks:
        declared.append(helper.make_tensor_value_info("stacked", TensorProto.FLOAT, ["k"]))
    loop = helper.make_node("Loop", ["trips", "", "start"], results, body=body)
    graph = helper.make_graph([loop], "loops", inputs, declared, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


ONE, SCALE = np.array(1, np.float32), np.array(3, np.float32)


@pytest.mark.parametrize(
    ("model", "inputs", "op"),
    [
        (loop_model(4, None), [ONE, SCALE], Scan),
        (loop_model(4, 5.0, stacks=False), [ONE, SCALE], While),
        (loop_model(2, 5.0, stacks=False), [ONE, SCALE], While),
        (loop_model(None, 5.0, stacks=False), [ONE, SCALE, np.array(2)], While),
        (loop_model(None, 5.0, stacks=False), [ONE, SCALE, np.array(9)], While),
    ],
)
def test_foreign_loops_are_read(model: onnx.ModelProto, inputs: list[Array], op: type[Op]) -> None:
    graph = from_model(model)
    verify(graph)
    assert any(isinstance(node.op, op) for node in graph.nodes())
    expected = run(model, inputs)
    assert_close(evaluate(graph, inputs), expected)
    assert_close(run(to_model(graph), inputs), expected)
