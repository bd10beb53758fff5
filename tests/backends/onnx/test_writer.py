"""Names, outputs and speed of written models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import GraphProto, TensorProto

from graphc_backends.onnx.check import load_checked
from graphc_backends.onnx.export import ModelFile, check_model, to_model
from graphc_backends.onnx.verify import verify_model
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import fresh_symbol
from graphc_ir.dtypes import float32
from graphc_ir.errors import ExportError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph, Location, State
from graphc_ir.ops.base import bind, using
from graphc_ir.ops.constant import constant
from graphc_ir.ops.elementwise import add, mul, square, tanh
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import expand_dims, reshape, squeeze
from graphc_ir.ops.optim import AdamUpdate
from graphc_ir.types import TensorType, parse_type
from tests.calls import calls_of


def chain(length: int) -> Graph:
    graph = Graph("chain")
    x = graph.add_input(parse_type("f32[n, 4]"), "x")
    with using(GraphBuilder(graph)):
        for i in range(length):
            x = tanh(x) if i % 2 else mul(x, 1.5)
    graph.set_outputs([x])
    return graph


def linear() -> Graph:
    graph = Graph("linear")
    x, w = graph.add_input(parse_type("f32[n, 3]"), "x"), graph.add_input(parse_type("f32[3, 2]"), "w")
    builder = GraphBuilder(graph)
    builder.location = Location("/home/somebody/train.py", 12, "model/dense")
    with using(builder):
        y = add(matmul(x, w), constant(np.ones(2, np.float32)))
    graph.set_outputs([y])
    return graph


def names(graph: GraphProto) -> list[str]:
    defined = [i.name for i in graph.input] + [t.name for t in graph.initializer]
    return defined + [name for node in graph.node for name in node.output]


def test_names_are_unique_and_stable() -> None:
    first, second = to_model(chain(50)), to_model(chain(50))
    assert len(set(names(first.graph))) == len(names(first.graph))
    assert first.SerializeToString() == second.SerializeToString()


def test_scopes_and_lines_are_kept_without_the_folder() -> None:
    node = to_model(linear()).graph.node[0]
    assert node.name == "model/dense/MatMul"
    assert node.doc_string == "train.py:12"
    assert b"somebody" not in to_model(linear()).SerializeToString()


def test_values_keep_their_names_and_made_up_names_avoid_them() -> None:
    graph = Graph("named")
    x = graph.add_input(parse_type("f32[2]"), "Add")
    with using(GraphBuilder(graph)):
        first = add(x, x)
        second = mul(first, first)
        second.name = "Add_1"
    graph.set_outputs([second, first])
    graph.output_names = ["product", "sum"]
    written = to_model(graph).graph
    assert [n.output[0] for n in written.node] == ["sum", "product"]
    graph.output_names = []
    third = to_model(graph, output_names=["a", "b"]).graph
    assert [o.name for o in third.output] == ["a", "b"]


def test_outputs_that_are_inputs_constants_or_come_twice() -> None:
    graph = Graph("outputs")
    x = graph.add_input(parse_type("f32[2]"), "x")
    with using(GraphBuilder(graph)):
        y, c = square(x), constant(np.ones(2, np.float32))
    graph.set_outputs([x, y, y, c])
    model = to_model(graph)
    check_model(model)
    assert len({o.name for o in model.graph.output}) == 4
    verify_model(model, graph)


def test_unused_inputs_stay_in_order() -> None:
    graph = Graph("unused")
    inputs = [graph.add_input(parse_type("f32[2]")) for _ in range(3)]
    with using(GraphBuilder(graph)):
        graph.set_outputs([square(inputs[1])])
    model = to_model(graph)
    assert [i.name for i in model.graph.input] == ["input_0", "input_1", "input_2"]
    verify_model(model, graph)


def test_names_that_clash_or_are_none() -> None:
    with pytest.raises(ExportError, match="'x' is used twice"):
        to_model(linear(), output_names=["x"])
    with pytest.raises(ExportError, match="up to 2 names"):
        to_model(linear(), input_names=["a", "b", "c"])
    with pytest.raises(ExportError, match="up to 1 names"):
        to_model(linear(), output_names="y")
    assert [i.name for i in to_model(linear(), input_names=["features"]).graph.input] == ["features", "w"]


@pytest.mark.parametrize("opset", [12, 99])
def test_opsets_out_of_range(opset: int) -> None:
    with pytest.raises(ExportError, match=f"opset {opset} is not supported; choose one from 13 to"):
        to_model(linear(), opset)


def test_bound_inputs_become_initializers_of_their_name() -> None:
    w = np.full((3, 2), 0.5, np.float32)
    model = to_model(linear(), bound={1: w})
    assert [i.name for i in model.graph.input] == ["x"]
    assert "w" in {t.name for t in model.graph.initializer}
    report = verify_model(model, linear(), bound={1: w})
    assert report.runtime == "onnxruntime"
    assert report.sizes == ({"n": 2}, {"n": 5})
    assert report.differences["output"] < 1e-5


def test_state_is_paired_in_the_metadata() -> None:
    graph = linear()
    with using(GraphBuilder(graph)):
        new = mul(graph.inputs[1], 0.5)
    graph.set_outputs([*graph.outputs, new])
    graph.states = [State("w", 1, 1)]
    model = to_model(graph)
    assert [o.name for o in model.graph.output] == ["output", "w.new"]
    assert {p.key: p.value for p in model.metadata_props} == {"graphc.state_pairs": '{"w": "w.new"}'}


@pytest.mark.parametrize("change", ["value", "dtype"])
def test_a_wrong_model_is_found(change: str) -> None:
    graph = linear()
    model = to_model(graph)
    if change == "value":
        model.graph.node[0].op_type = "MatMul"
        model.graph.initializer[0].raw_data = np.array([1, 1.1], np.float32).tobytes()
        with pytest.raises(
            ExportError, match=r"output 'output' \(with sizes {'n': 2}\) differs from the graph by 0\.\d+"
        ):
            verify_model(model, graph)
        return
    model.graph.node.add(op_type="Cast", input=["output"], output=["y"]).attribute.add(
        name="to", type=2, i=TensorProto.DOUBLE
    )
    model.graph.output[0].name = "y"
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    with pytest.raises(ExportError, match=r"output 'y' .* is float64\[2, 2\], expected float32\[2, 2\]"):
        verify_model(model, graph)


def test_graphs_that_refuse_random_inputs_say_so() -> None:
    graph = Graph("strict")
    x = graph.add_input(parse_type("f32[n, n - 9]"), "x")
    with using(GraphBuilder(graph)):
        graph.set_outputs([square(x)])
    report = verify_model(to_model(graph), graph)
    assert [sizes["n"] for sizes in report.sizes] == [16, 32]
    with pytest.raises(ExportError, match="verify got 2 arrays, the graph takes 1: x"):
        verify_model(to_model(graph), graph, inputs=[np.ones(2), np.ones(2)])


def test_sizes_without_a_name_are_called_after_their_input() -> None:
    graph = Graph("open")
    size, other = fresh_symbol(), fresh_symbol()
    x = graph.add_input(TensorType(float32, (size, other, 3)), "image")
    y = graph.add_input(TensorType(float32, (size,)), "weights")
    with using(GraphBuilder(graph)):
        graph.set_outputs([square(x), square(y)])
    proto = to_model(graph).graph
    shapes = {v.name: [d.dim_param for d in v.type.tensor_type.shape.dim] for v in (*proto.input, *proto.output)}
    assert shapes["image"] == ["image_dim_0", "image_dim_1", ""]
    assert [shapes[o.name] for o in proto.output] == [["image_dim_0", "image_dim_1", ""], ["image_dim_0"]]
    assert shapes["weights"] == ["image_dim_0"]


# --- files --------------------------------------------------------------------------------------------------


def test_external_data_is_aligned_and_read_back(tmp_path: Path) -> None:
    w = np.arange(3000, dtype=np.float32).reshape(3, 1000)
    graph = Graph("large")
    x, v = graph.add_input(parse_type("f32[n, 3]"), "x"), graph.add_input(parse_type("f32[3, 1000]"), "w")
    with using(GraphBuilder(graph)):
        graph.set_outputs([matmul(x, v)])
    path = tmp_path / "m.onnx"
    with ModelFile(to_model(graph, bound={1: w}), path, external=True) as file:
        check_model(file.temporary)
        verify_model(file.temporary, graph, bound={1: w})
        assert not path.exists()
        file.commit()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "m.onnx.data"]
    assert path.stat().st_size < 1000
    tensor = onnx.load(path, load_external_data=False).graph.initializer[0]
    assert {e.key: e.value for e in tensor.external_data}["location"] == "m.onnx.data"
    assert load_checked(path).folder == tmp_path.resolve()


def test_what_is_not_committed_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"before")
    with pytest.raises(RuntimeError, match="stop"), ModelFile(to_model(linear()), path, external=False):
        raise RuntimeError("stop")
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]
    assert path.read_bytes() == b"before"


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="there is no folder"):
        ModelFile(to_model(linear()), tmp_path / "none" / "m.onnx", external=False)
    with pytest.raises(ExportError, match="it is a folder"):
        ModelFile(to_model(linear()), tmp_path, external=False)


# --- size ---------------------------------------------------------------------------------------------------


def test_long_chains_are_written_in_linear_time() -> None:
    short, long = chain(500), chain(5000)
    assert calls_of(lambda: to_model(long)) < 10.5 * calls_of(lambda: to_model(short))


def test_a_written_chain_runs() -> None:
    graph = chain(300)
    report = verify_model(to_model(graph), graph)
    assert len(report.sizes) == 2
    assert evaluate(graph, [np.ones((1, 4), np.float32)])[0].shape == (1, 4)


def test_results_inside_a_decomposition_are_outputs_without_a_copy() -> None:
    graph = Graph("update")
    operands = [graph.add_input(parse_type(t)) for t in ("f32[3]", "f32[3]", "f32[3]", "f32[3]", "f32[]")]
    with using(GraphBuilder(graph)):
        graph.set_outputs(bind(AdamUpdate(0.9, 0.999, 1e-7), *operands))
    model = to_model(graph, output_names=["p", "m", "v"])
    assert "Identity" not in [node.op_type for node in model.graph.node]
    arrays = [np.full(3, x, np.float32) for x in (1.0, 0.1, 0.2, 0.5)] + [np.array(0.01, np.float32)]
    session = ort.InferenceSession(model.SerializeToString())
    found = session.run(["p", "m", "v"], {i.name: a for i, a in zip(session.get_inputs(), arrays, strict=True)})
    for mine, expected in zip(found, evaluate(graph, arrays), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-6)


def test_what_no_output_depends_on_is_not_written() -> None:
    graph = chain(1)
    x = graph.inputs[0]
    with using(GraphBuilder(graph)):
        tanh(square(x))
    assert [node.op_type for node in to_model(graph).graph.node] == ["Mul"]
    assert len(graph) == 4  # the caller's graph stays as it is


def test_axes_of_size_one_need_no_sizes() -> None:
    graph = Graph("axes")
    x = graph.add_input(parse_type("f32[n, m, 3]"), "x")
    with using(GraphBuilder(graph)):
        spread = expand_dims(x, (0, 3))
        graph.set_outputs([spread, squeeze(tanh(spread), 3), reshape(x, (-1, 3))])
    proto = to_model(graph)
    assert [node.op_type for node in proto.graph.node] == ["Unsqueeze", "Tanh", "Squeeze", "Reshape"]
    array = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    found = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": array})
    for have, want in zip(found, evaluate(graph, [array]), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-6)
