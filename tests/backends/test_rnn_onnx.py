"""Recurrent layers in ONNX: one node each, weights as initializers, training steps, and models of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import ModelProto

from graphc_backends.base import CompileOptions, get_backend
from graphc_backends.onnx.export import to_model
from graphc_backends.onnx.importer import from_model
from graphc_ir.autodiff.transform import value_and_grad
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import lift
from graphc_ir.ops.elementwise import add, square
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import concat
from graphc_ir.ops.opaque import OnnxOp
from graphc_ir.ops.reduction import reduce_mean
from graphc_ir.ops.rnn import gru, lstm, simple_rnn
from tests.backends.graphs import build
from tests.backends.onnx.models import floats, model, node

Array = npt.NDArray[Any]

LAYERS: dict[str, Callable[..., Any]] = {"LSTM": lstm, "GRU": gru, "RNN": simple_rnn}
BLOCKS = {"LSTM": 4, "GRU": 3, "RNN": 1}
every_layer = pytest.mark.parametrize("kind", LAYERS)

MASK = np.array([[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]], np.bool_)


def weights(kind: str, features: int, units: int, seed: int = 0) -> list[Array]:
    width = BLOCKS[kind] * units
    bias = (2, width) if kind == "GRU" else (width,)
    shapes = ((features, width), (units, width), bias)
    return [floats(*shape, seed=seed + i) * 0.5 for i, shape in enumerate(shapes)]


def states_of(kind: str) -> int:
    return 2 if kind == "LSTM" else 1


def layer(kind: str, x: Any, parameters: Sequence[Any], *states: Any, **options: Any) -> Any:
    return LAYERS[kind](x, *(states or (None,) * states_of(kind)), *parameters, **options)


def operators(proto: ModelProto) -> list[str]:
    return [n.op_type for n in proto.graph.node]


def run(proto: ModelProto, *arrays: Array) -> list[Array]:
    onnx.checker.check_model(proto, full_check=True)
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    return [np.asarray(y) for y in session.run(None, dict(zip(names, arrays, strict=True)))]


def agrees(graph: Graph, *arrays: Array, rtol: float = 1e-4) -> ModelProto:
    """The export, which gives what the graph gives."""
    proto = to_model(graph)
    for have, want in zip(run(proto, *arrays), evaluate(graph, arrays), strict=True):
        np.testing.assert_allclose(have, want, rtol, 2e-6)
    return proto


# --- one node --------------------------------------------------------------------------------------------------------


@every_layer
def test_a_classifier_is_a_handful_of_nodes(kind: str) -> None:
    parameters, dense = weights(kind, 3, 16), (floats(16, 3), floats(3))

    def network(x: Any) -> Any:
        return add(matmul(layer(kind, x, [lift(w) for w in parameters])[-states_of(kind)], lift(dense[0])), dense[1])

    graph = build({"x": "f32[b, t, 3]"}, network)
    for batch, time in ((1, 4), (3, 7)):
        proto = agrees(graph, floats(batch, time, 3))
    assert operators(proto) == ["Transpose", kind, "Squeeze", "MatMul", "Add"]
    assert len(proto.graph.initializer) == 6  # three for the layer, one for Squeeze, two for the product


def test_stacked_and_bidirectional_layers_stay_small() -> None:
    first, second, other = weights("GRU", 3, 16), weights("GRU", 16, 8), weights("LSTM", 3, 8)

    def stacked(x: Any) -> Any:
        hidden = layer("GRU", x, [lift(w) for w in first])[0]
        return matmul(layer("GRU", hidden, [lift(w) for w in second])[1], lift(floats(8, 2)))

    def both_ways(x: Any) -> Any:
        ways = [layer("LSTM", x, [lift(w) for w in other], reverse=reverse)[0] for reverse in (False, True)]
        return concat(ways, 2)

    one_way = agrees(build({"x": "f32[b, t, 3]"}, stacked), floats(2, 5, 3))
    assert operators(one_way) == ["Transpose", "GRU", "Squeeze", "Transpose", "Transpose", "GRU", "Squeeze", "MatMul"]
    two_ways = agrees(build({"x": "f32[b, t, 3]"}, both_ways), floats(2, 5, 3))
    assert operators(two_ways) == [*["Transpose", "LSTM", "Squeeze", "Transpose"] * 2, "Concat"]


@every_layer
def test_bound_weights_are_written_in_the_layout_of_onnx_only(kind: str) -> None:
    parameters = weights(kind, 3, 4)
    types = {"x": "f32[b, t, 3]"} | {f"w{i}": f"f32[{', '.join(map(str, w.shape))}]" for i, w in enumerate(parameters)}
    graph = build(types, lambda x, *w: layer(kind, x, w)[0], {f"w{i}": None for i in range(3)})
    proto = to_model(graph, bound={i + 1: w for i, w in enumerate(parameters)})
    assert operators(proto) == ["Transpose", kind, "Squeeze", "Transpose"]
    names = [tensor.name for tensor in proto.graph.initializer]
    assert sorted(names)[-3:] == ["w0.onnx", "w1.onnx", "w2.onnx"]
    x = floats(2, 5, 3)
    np.testing.assert_allclose(run(proto, x)[0], layer(kind, x, parameters)[0], rtol=1e-4, atol=1e-6)


def test_weights_that_something_else_reads_stay() -> None:
    parameters = weights("LSTM", 3, 4)
    types = {"x": "f32[b, t, 3]", "w0": "f32[3, 16]"}
    graph = build(
        types,
        lambda x, w: (layer("LSTM", x, [w, lift(parameters[1])])[1], square(w)),
        {"w0": None},
    )
    proto = to_model(graph, bound={1: parameters[0]})
    assert {"w0", "w0.onnx"} <= {tensor.name for tensor in proto.graph.initializer}
    np.testing.assert_allclose(run(proto, floats(1, 2, 3))[1], parameters[0] ** 2, rtol=1e-6)


@every_layer
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("zero_output", [False, True])
def test_masked_layers_run_like_the_kernels(kind: str, reverse: bool, zero_output: bool) -> None:
    parameters, states = weights(kind, 3, 2), [floats(3, 2, seed=i) for i in range(states_of(kind))]

    def network(x: Any, mask: Any, *first: Any) -> Any:
        options: dict[str, Any] = {"mask": mask, "reverse": reverse, "zero_output": zero_output}
        return layer(kind, x, [lift(w) for w in parameters], *first, **options)

    types = {"x": "f32[b, t, 3]", "mask": "bool[b, t]"} | {f"s{i}": "f32[b, 2]" for i in range(len(states))}
    proto = agrees(build(types, network), floats(3, 4, 3), MASK, *states)
    assert operators(proto).count(kind) == 1
    assert not {"Scan", "Loop", "If"} & set(operators(proto))


@every_layer
def test_doubles_are_written_as_a_scan(kind: str) -> None:
    parameters = [w.astype(np.float64) for w in weights(kind, 3, 2)]
    graph = build({"x": "f64[b, t, 3]"}, lambda x: layer(kind, x, [lift(w) for w in parameters]))
    proto = agrees(graph, floats(2, 4, 3).astype(np.float64), rtol=1e-9)
    assert "Scan" in operators(proto)


# --- training --------------------------------------------------------------------------------------------------------


@every_layer
@pytest.mark.parametrize("options", [{}, {"reverse": True}, {"lengths": True}], ids=["forward", "reverse", "lengths"])
def test_gradients_on_onnxruntime_are_those_of_numpy(kind: str, options: dict[str, Any]) -> None:
    parameters = weights(kind, 3, 4)
    shapes = [", ".join(map(str, w.shape)) for w in parameters]
    types = {"x": "f32[b, t, 3]", "n": "i32[b]"} | {f"w{i}": f"f32[{shape}]" for i, shape in enumerate(shapes)}

    def loss(x: Any, n: Any, *w: Any) -> Any:
        given = {key: n if value is True and key == "lengths" else value for key, value in options.items()}
        return reduce_mean(square(layer(kind, x, w, **given)[0]))

    graph = value_and_grad(build(types, loss), [0, 2, 3, 4])
    arrays = [floats(3, 5, 3), np.array([5, 0, 2], np.int32), *parameters]
    proto = agrees(graph, *arrays, rtol=2e-4)
    assert operators(proto).count(kind) == 1
    found, wanted = (get_backend(name).compile(graph, CompileOptions())(*arrays) for name in ("onnxruntime", "numpy"))
    for have, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(have, want, rtol=2e-4, atol=2e-6)


# --- models of others ------------------------------------------------------------------------------------------------


def foreign(kind: str, directions: int, inputs: Sequence[str] = (), opset: int = 17, **attributes: Any) -> ModelProto:
    """A model of one layer with 3 features and 2 units, as other exporters write it; ``inputs`` after the bias."""
    width, count = BLOCKS[kind] * 2, directions
    names = ["y", "h", "c"][: 1 + states_of(kind)]
    declared: dict[str, Any] = {"x": ["t", "b", 3], "lengths": ["b"]}
    declared |= {name: [count, "b", 2] for name in ("h0", "c0")}
    used = {name: declared[name] for name in ("x", *filter(None, inputs))}
    constants = {
        "w": floats(count, width, 3, seed=1),
        "r": floats(count, width, 2, seed=2),
        "bias": floats(count, 2 * width, seed=3),
    }
    layer_node = node(kind, ["x", "w", "r", "bias", *inputs], names, hidden_size=2, **attributes)
    results: dict[str, Any] = {"y": ["t", count, "b", 2]} | {name: [count, "b", 2] for name in names[1:]}
    return model([layer_node], used, results, constants, opset, dtypes={"lengths": onnx.TensorProto.INT32})


def read(proto: ModelProto) -> Graph:
    return from_model(proto)


def is_opaque(graph: Graph) -> bool:
    return any(isinstance(n.op, OnnxOp) for n in graph.nodes())


@every_layer
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("opset", [7, 13, 21])
def test_layers_of_other_exporters_become_ops(kind: str, direction: str, opset: int) -> None:
    count = 2 if direction == "bidirectional" else 1
    inputs = ["lengths", "h0", *["c0"] * (kind == "LSTM")]
    proto = foreign(kind, count, inputs, opset, direction=direction)
    arrays = [floats(4, 3, 3), np.array([4, 1, 2], np.int32), *[floats(count, 3, 2)] * states_of(kind)]
    graph = read(proto)
    assert not is_opaque(graph)
    assert sum(n.op.name == kind.lower() for n in graph.nodes()) == count
    for have, want in zip(evaluate(graph, arrays), run(proto, *arrays), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=2e-6)


def test_both_forms_of_gru_and_relu_are_read() -> None:
    for proto in (foreign("GRU", 1, linear_before_reset=1), foreign("RNN", 1, activations=["Relu"])):
        graph = read(proto)
        assert not is_opaque(graph)
        for have, want in zip(evaluate(graph, [floats(4, 2, 3)]), run(proto, floats(4, 2, 3)), strict=True):
            np.testing.assert_allclose(have, want, rtol=1e-4, atol=2e-6)


def test_batch_first_data_is_read() -> None:
    wanted = evaluate(read(foreign("LSTM", 1, ["", "h0", "c0"])), [floats(4, 2, 3), *[floats(1, 2, 2)] * 2])
    proto = foreign("LSTM", 1, ["", "h0", "c0"], layout=1)
    shapes = ("bt3", "b12", "b12", "bt12", "b12", "b12")
    for value, shape in zip((*proto.graph.input, *proto.graph.output), shapes, strict=True):
        for dim, size in zip(value.type.tensor_type.shape.dim, shape, strict=True):
            dim.CopyFrom(dim_of(size))
    arrays = [floats(4, 2, 3).swapaxes(0, 1), *[floats(1, 2, 2).swapaxes(0, 1)] * 2]
    found = evaluate(read(proto), arrays)
    np.testing.assert_allclose(found[0], wanted[0].transpose(2, 0, 1, 3), rtol=1e-5)
    for have, want in zip(found[1:], wanted[1:], strict=True):
        np.testing.assert_allclose(have, want.swapaxes(0, 1), rtol=1e-5)


def dim_of(text: str) -> Any:
    kind = onnx.TensorShapeProto.Dimension
    return kind(dim_value=int(text)) if text.isdecimal() else kind(dim_param=text)


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("LSTM", {"input_forget": 1}),
        ("LSTM", {"clip": 3.0}),
        ("LSTM", {"activations": ["Sigmoid", "Relu", "Tanh"]}),
        ("GRU", {"activations": ["HardSigmoid", "Tanh"], "activation_alpha": [0.2, 1.0]}),
        ("RNN", {"activations": ["Sigmoid"]}),
    ],
)
def test_unusual_layers_stay_as_they_are(kind: str, attributes: dict[str, Any]) -> None:
    assert is_opaque(read(foreign(kind, 1, **attributes)))


def test_an_exported_layer_comes_back_as_the_op() -> None:
    parameters = weights("LSTM", 3, 4)
    graph = build({"x": "f32[b, t, 3]"}, lambda x: layer("LSTM", x, [lift(w) for w in parameters])[1])
    found = read(to_model(graph))
    assert "lstm" in [n.op.name for n in found.nodes()]
    again = to_model(found)
    assert operators(again).count("LSTM") == 1
    np.testing.assert_allclose(run(again, floats(2, 5, 3))[0], evaluate(graph, [floats(2, 5, 3)])[0], rtol=1e-4)
