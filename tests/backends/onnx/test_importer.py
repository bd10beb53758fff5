"""Reading models: names, sizes, weights, opaque nodes, sub-graphs, functions, versions."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from graphc_backends.onnx import importer
from graphc_backends.onnx.export import to_model
from graphc_backends.onnx.importer import from_model, read_model
from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import IMPORTS, imports
from graphc_ir.autodiff import transform
from graphc_ir.dims import Symbol
from graphc_ir.errors import GradientError, ImportModelError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Operand
from graphc_ir.ops.constant import Constant
from graphc_ir.ops.elementwise import mul
from graphc_ir.ops.opaque import OnnxOp
from graphc_ir.parser import parse_graph
from graphc_ir.printer import print_graph
from graphc_ir.verify import verify
from tests.backends.onnx.models import Array, floats, graph, model, node
from tests.calls import calls_of


def ops_of(found: Graph) -> list[str]:
    return [n.op.name for n in found.nodes()]


def reads(proto: onnx.ModelProto) -> Graph:
    found = from_model(proto)
    verify(found)
    return found


def agrees(proto: onnx.ModelProto, *arrays: Array) -> Graph:
    """Imports, and compares with the ONNX reference implementation, also after export and import again."""
    found = reads(proto)
    names = [value.name for value in found.inputs]
    expected = ReferenceEvaluator(proto).run(None, dict(zip(names, arrays, strict=True)))
    again = to_model(found, opset=21)
    onnx.checker.check_model(again, full_check=True)
    for candidate in (found, reads(again)):
        for have, want in zip(evaluate(candidate, arrays), expected, strict=True):
            np.testing.assert_allclose(have, want, 1e-5, 1e-6)
            assert have.dtype == want.dtype
    assert [i.name for i in again.graph.input] == names
    assert [o.name for o in again.graph.output] == [o.name for o in proto.graph.output]
    return found


LINEAR = model(
    [node("MatMul", ["x", "w"], ["h:0"], name="/encoder/dense/MatMul"), node("Add", ["h:0", "b"], ["y"])],
    {"x": ["batch", 3]},
    {"y": ["batch", 4]},
    {"w": floats(3, 4), "b": floats(4)},
)


def test_weights_become_constants_and_names_stay() -> None:
    found = agrees(LINEAR, floats(2, 3))
    matmul = next(n for n in found.nodes() if n.op.name == "mat_mul")
    assert matmul.results[0].name == "h:0"
    assert matmul.location.scope == "encoder/dense"
    assert [str(v.type) for v in found.inputs] == ["f32[batch, 3]"]
    assert {n.results[0].name for n in found.nodes() if isinstance(n.op, Constant)} == {"w", "b"}
    exported = to_model(found)
    assert {t.name for t in exported.graph.initializer} == {"w", "b"}
    assert [list(n.output) for n in exported.graph.node] == [["h:0"], ["y"]]


def test_weights_become_state_on_request() -> None:
    found = read_model(LINEAR, initializers="state")
    assert [s.name for s in found.graph.states] == ["w", "b"]
    assert found.graph.num_arguments == 1
    x = floats(2, 3)
    expected = x @ found.values["w"] + found.values["b"]
    values = [found.values[s.name] for s in found.graph.states]
    np.testing.assert_allclose(evaluate(found.graph, [x, *values])[0], expected, 1e-6)


def test_initializers_that_are_inputs_too_are_defaults() -> None:
    proto = model(
        LINEAR.graph.node,
        {"x": [2, 3], "w": [3, 4], "b": [4]},
        {"y": [2, 4]},
        {"w": floats(3, 4), "b": floats(4)},
        ir_version=3,
    )
    assert [v.name for v in reads(proto).inputs] == ["x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("batch", "batch"),
        ("batch size", "batch_size"),
        ("dyn.0", "dyn.0"),
        ("2*n + 1", "2*n + 1"),
        ("-1", "_1"),
        ("é!", "_"),
        ("3d", "d_3d"),
    ],
)
def test_any_text_names_a_size(text: str, expected: str) -> None:
    proto = model([node("Relu", ["x"], ["y"])], {"x": [text, 2]}, {"y": [text, 2]})
    assert str(from_model(proto).inputs[0].type.shape[0]) == expected


def test_equal_names_are_equal_sizes_and_unknown_sizes_differ() -> None:
    proto = model(
        [node("Add", ["a", "b"], ["y"])],
        {"a": ["n", None], "b": ["n", 1], "c": [None, None]},
        {"y": ["n", None]},
    )
    a, b, c = (v.type.shape for v in from_model(proto).inputs)
    assert a[0] == b[0]
    anonymous = [a[1], *c]
    assert len(set(anonymous)) == 3
    assert all(str(d).startswith("?") for d in anonymous)
    assert isinstance(a[0].terms[0][0][0], Symbol)  # type: ignore[union-attr]


def test_two_texts_that_clean_up_to_one_name_stay_apart() -> None:
    proto = model([node("Relu", ["x"], ["y"])], {"x": ["a b", "a-b"]}, {"y": [None, None]})
    first, second = from_model(proto).inputs[0].type.shape
    assert first != second


def test_shapes_can_be_given() -> None:
    proto = model([node("Relu", ["x"], ["y"])], {"x": [None, None]}, {"y": [None, None]})
    assert str(read_model(proto, shapes={"x": ["n", 3]}).graph.inputs[0].type) == "f32[n, 3]"
    with pytest.raises(ImportModelError, match=r"shapes names \['z'\].*inputs are \['x'\]"):
        read_model(proto, shapes={"z": [1]})


def test_an_input_without_rank_is_an_error() -> None:
    proto = model([node("Relu", ["x"], ["y"])], {"x": [1]}, {"y": [1]})
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(ImportModelError, match="no valid ONNX model: Field 'shape' of 'type' is required"):
        from_model(proto)


# --- opaque nodes -------------------------------------------------------------------------------------------


def hardmax() -> onnx.ModelProto:
    return model(
        [node("Mul", ["x", "x"], ["s"]), node("Hardmax", ["s"], ["y"], axis=0)],
        {"x": ["n", 3]},
        {"y": ["n", 3]},
    )


@pytest.fixture
def no_hardmax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(IMPORTS, "Hardmax", raising=False)


@pytest.mark.usefixtures("no_hardmax")
def test_an_operator_without_a_rule_stays_as_it_is() -> None:
    found = agrees(hardmax(), floats(4, 3))
    assert "onnx.Hardmax" in ops_of(found)
    opaque = next(n for n in found.nodes() if isinstance(n.op, OnnxOp))
    assert isinstance(opaque.op, OnnxOp)
    assert opaque.op.settings == (("axis", "INT", 0),)
    assert opaque.op.opset == 13, "since when Hardmax means what it means at 17"
    assert str(opaque.results[0].type) == "f32[n, 3]"
    assert hash(opaque.op) == hash(OnnxOp(**opaque.op.attributes()))
    with pytest.raises(ImportModelError, match=r"Hardmax node 'y': no op of this operator.*opaque=True"):
        read_model(hardmax(), opaque=False)


@pytest.mark.usefixtures("no_hardmax")
def test_opaque_nodes_print_and_parse() -> None:
    text = print_graph(reads(hardmax()))
    assert "onnx.Hardmax(" in text
    assert print_graph(parse_graph(text)) == text


@pytest.mark.usefixtures("no_hardmax")
def test_an_opaque_node_has_no_gradient() -> None:
    with pytest.raises(GradientError, match=r"onnx\.Hardmax has no gradient: the operator was imported as it is"):
        transform.vjp(reads(hardmax()))


def test_sizes_that_depend_on_data_are_symbols_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(IMPORTS, "NonZero", raising=False)
    proto = model([node("NonZero", ["x"], ["y"])], {"x": ["n", 3]}, {"y": [2, None]}, dtypes={"y": TensorProto.INT64})
    found = agrees(proto, np.array([[1, 0, 2], [0, 0, 3]], np.float32))
    rows, count = found.outputs[0].type.shape
    assert rows == 2
    assert str(count).startswith("?")


def test_a_rule_that_cannot_express_a_node_leaves_it_as_it_is() -> None:
    nodes = [node("Cast", ["n"], ["shape"], to=TensorProto.INT64), node("Reshape", ["x", "shape"], ["y"])]
    proto = model(nodes, {"x": [6], "n": [2]}, {"y": [None, None]})
    found = agrees(proto, floats(6), np.array([2, 3], np.float32))
    assert "onnx.Reshape" in ops_of(found)


def test_a_failed_rule_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(context: ImportContext) -> Operand:
        mul(context.operands[0], 2.0)
        raise context.decline("only half of it")

    monkeypatch.setitem(IMPORTS, "Hardmax", {1: rule})
    assert ops_of(reads(hardmax())) == ["mul", "onnx.Hardmax"]


def test_an_attribute_that_a_rule_does_not_know_keeps_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(context: ImportContext) -> Operand:
        return context.operands[0]

    monkeypatch.setitem(IMPORTS, "Hardmax", {1: rule})
    assert "onnx.Hardmax" in ops_of(reads(hardmax()))
    plain = model([node("Hardmax", ["x"], ["y"], axis=-1)], {"x": [3]}, {"y": [3]})
    assert ops_of(reads(plain)) == [], "axis=-1 is the default"


def test_rules_are_picked_by_version_and_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(IMPORTS, "Hardmax", {})
    seen = []

    @imports("Hardmax", since=11)
    def _old(context: ImportContext) -> Operand:
        seen.append((context.opset, context.attribute("axis")))
        return context.operands[0]

    @imports("Hardmax", since=18)
    def _new(context: ImportContext) -> Operand:
        raise AssertionError("for later versions")

    reads(hardmax())
    assert seen == [(17, 0)]
    monkeypatch.setitem(IMPORTS, "my.domain.Twice", {1: lambda c: mul(c.operands[0], 2.0)})
    proto = model([node("Twice", ["x"], ["y"], domain="my.domain")], {"x": [2]}, {"y": [2]}, domains={"my.domain": 1})
    np.testing.assert_allclose(evaluate(reads(proto), [floats(2)])[0], floats(2) * 2)


def test_operators_of_unknown_domains_need_declared_types() -> None:
    nodes = [node("FusedGelu", ["x"], ["h"], domain="com.example", alpha=0.5), node("Relu", ["h"], ["y"])]
    proto = model(nodes, {"x": ["n", 2]}, {"y": ["n", 2]}, domains={"com.example": 3})
    with pytest.raises(ImportModelError, match="FusedGelu node 'h': result 'h' has a rank that is not known"):
        from_model(proto)
    proto.graph.value_info.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, ["n", 2]))
    found = reads(proto)
    assert "onnx.com.example.FusedGelu" in ops_of(found)
    again = to_model(found)
    assert {o.domain: o.version for o in again.opset_import} == {"": 21, "com.example": 3}
    assert again.graph.node[0].attribute[0].f == 0.5


def test_optional_inputs_and_outputs_stay_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(IMPORTS, "LSTM", raising=False)
    nodes = [node("LSTM", ["x", "w", "r", "", "", "h"], ["", "yh"], hidden_size=4)]
    weights = {"w": floats(1, 16, 5), "r": floats(1, 16, 4)}
    proto = model(nodes, {"x": ["t", 2, 5], "h": [1, 2, 4]}, {"yh": [1, 2, 4]}, weights)
    found = agrees(proto, floats(3, 2, 5), floats(1, 2, 4))
    op = next(n.op for n in found.nodes() if isinstance(n.op, OnnxOp))
    assert isinstance(op, OnnxOp)
    assert op.given == (True, True, True, False, False, True)
    assert op.wanted == (False, True)


def test_random_operators_are_not_pure() -> None:
    proto = model([node("RandomNormal", [], ["y"], shape=[3])], {}, {"y": [3]})
    found = reads(proto)
    opaque = [n.op for n in found.nodes() if isinstance(n.op, OnnxOp)]
    assert all(not op.is_pure for op in opaque)


# --- sub-graphs and functions -------------------------------------------------------------------------------


def branches() -> onnx.ModelProto:
    chosen = graph([node("Mul", ["x", "w"], ["t"])], {}, {"t": [2, 3]})
    inner = graph([node("Sub", ["x", "e"], ["i"])], {}, {"i": [2, 3]})
    other = graph(
        [node("Exp", ["x"], ["e"]), node("If", ["flag"], ["n"], then_branch=inner, else_branch=chosen)],
        {},
        {"n": [2, 3]},
    )
    return model(
        [node("If", ["flag"], ["y"], then_branch=chosen, else_branch=other)],
        {"flag": [], "x": [2, 3]},
        {"y": [2, 3]},
        {"w": floats(3)},
        dtypes={"flag": TensorProto.BOOL},
    )


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize("native", [True, False])
def test_sub_graphs_with_outer_values(flag: bool, native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not native:
        monkeypatch.delitem(IMPORTS, "If", raising=False)
    agrees(branches(), np.array(flag), floats(2, 3))


def test_a_rule_gets_a_closed_region_and_what_it_captures(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Graph, list[str]]] = []

    def rule(context: ImportContext) -> Operand:
        for name in ("then_branch", "else_branch"):
            region, captured = context.subgraph(name)
            verify(region)
            seen.append((region, [value.name for value in captured]))
        raise context.decline("only looking")

    monkeypatch.setitem(IMPORTS, "If", {1: rule})
    reads(branches())
    (chosen, captured), *_ = seen
    assert captured == ["x"], "the constant w is copied in"
    assert [str(v.type) for v in chosen.inputs] == ["f32[2, 3]"]
    np.testing.assert_allclose(evaluate(chosen, [floats(2, 3)])[0], floats(2, 3) * floats(3), 1e-6)


def test_local_functions_are_inlined() -> None:
    body = [node("Mul", ["a", "a"], ["s"]), node("Relu", ["s"], ["r"])]
    function = helper.make_function("local", "SquareRelu", ["a"], ["r"], body, [helper.make_opsetid("", 17)])
    proto = model(
        [node("SquareRelu", ["x"], ["y"], domain="local")],
        {"x": [3]},
        {"y": [3]},
        functions=[function],
        domains={"local": 1},
    )
    found = reads(proto)
    assert not any(isinstance(n.op, OnnxOp) for n in found.nodes())
    np.testing.assert_allclose(evaluate(found, [floats(3)])[0], np.square(floats(3)), 1e-6)


# --- versions -----------------------------------------------------------------------------------------------


def test_opsets_before_7_are_converted() -> None:
    proto = model(
        [node("Add", ["x", "b"], ["y"], axis=0, broadcast=1)],
        {"x": [2, 3], "b": [2]},
        {"y": [2, 3]},
        opset=6,
        ir_version=3,
    )
    expected = floats(2, 3) + floats(2)[:, None]
    np.testing.assert_allclose(evaluate(reads(proto), [floats(2, 3), floats(2)])[0], expected, 1e-6)


def test_an_opaque_node_is_converted_to_the_version_that_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(IMPORTS, "ReduceSumSquare", raising=False)
    old = model([node("ReduceSumSquare", ["x"], ["y"], axes=[1])], {"x": [2, 3]}, {"y": [2, 1]}, opset=11)
    found = agrees(old, floats(2, 3))
    written = to_model(found, opset=21).graph.node[0]
    assert len(written.input) == 2, "axes are an input from version 18 on"


@pytest.mark.parametrize("opset", [7, 13, 28])
def test_supported_opsets(opset: int) -> None:
    if opset > onnx.defs.onnx_opset_version():
        pytest.skip("the installed onnx is older")
    ir_version = helper.find_min_ir_version_for([helper.make_opsetid("", opset)])
    proto = model([node("Add", ["x", "x"], ["y"])], {"x": [2]}, {"y": [2]}, opset=opset, ir_version=ir_version)
    assert ops_of(reads(proto)) == ["add"]


# --- state, size --------------------------------------------------------------------------------------------


def test_state_pairs_come_back() -> None:
    proto = model([node("Sub", ["w", "x"], ["w.new"])], {"x": [2], "w": [2]}, {"w.new": [2]})
    helper.set_model_props(proto, {"graphc.state_pairs": '{"w": "w.new"}'})
    found = reads(proto)
    assert [(s.name, s.input, s.output) for s in found.states] == [("w", 1, 0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[1]", "must map"),
        ('{"w": "v"}', "pairs input 'w' with output 'v', but it has inputs"),
        ('{"x": "w.new"}', "do not come after the others"),
    ],
)
def test_wrong_state_pairs_are_explained(text: str, message: str) -> None:
    proto = model([node("Sub", ["w", "x"], ["w.new"])], {"x": [2], "w": [2]}, {"w.new": [2]})
    helper.set_model_props(proto, {"graphc.state_pairs": text})
    with pytest.raises(ImportModelError, match=message):
        from_model(proto)


def test_dead_shape_computations_go_away() -> None:
    nodes = [
        node("Constant", [], ["s"], value=numpy_helper.from_array(np.array([3, 2]))),
        node("Reshape", ["x", "s"], ["y"]),
    ]
    assert ops_of(reads(model(nodes, {"x": [2, 3]}, {"y": [3, 2]}))) == ["reshape"]


def nodes_in_a_row(count: int) -> onnx.ModelProto:
    nodes = [node("Tanh", [f"v{i}"], [f"v{i + 1}"]) for i in range(count)]
    return model(nodes, {"v0": ["n", 4]}, {f"v{count}": ["n", 4]})


def test_thousands_of_nodes_are_read_without_recursion_in_linear_time() -> None:
    short, long = nodes_in_a_row(500), nodes_in_a_row(5000)
    assert len(importer.from_model(long)) == 5000
    assert calls_of(lambda: importer.from_model(long)) < 10.5 * calls_of(lambda: importer.from_model(short))
