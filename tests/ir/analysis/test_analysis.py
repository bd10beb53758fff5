"""Costs, lifetimes and views of graphs."""

from __future__ import annotations

import pytest

from graphc_ir.analysis import graph_cost, last_uses, lifetimes, peak_bytes, summary_by_op, to_networkx
from graphc_ir.dims import parse_dim
from graphc_ir.graph import Graph
from graphc_ir.ops.linalg import MatMul
from graphc_ir.parser import parse_graph

MLP = f"""\
graph @mlp(%x: f32[n, 8], %w: f32[8, 4], %b: f32[4]) {{
  %h = {MatMul.name}(%x, %w) : f32[n, 4]  // mlp.py:3 model/dense
  %a = add(%h, %b) : f32[n, 4]
  %r = relu(%a) : f32[n, 4]
  %t = transpose(%r) {{permutation = [1, 0]}} : f32[4, n]
  %s = reduce_sum(%t) {{axes = [0, 1], keepdims = false}} : f32[]
  return %s
}}
"""


def graph_of(text: str) -> Graph:
    return parse_graph(text)


def test_costs_are_symbolic_where_sizes_are() -> None:
    cost = graph_cost(graph_of(MLP))
    assert cost.nodes == 5
    assert cost.flops == parse_dim("2*8*4*n + 4*n + 4*n + 4*n")
    assert cost.bytes == parse_dim("(8*n + 32 + 4*n)*4 + (4*n + 4 + 4*n)*4 + 8*n*4 + (4*n + 1)*4")


def test_sizes_make_numbers_of_them() -> None:
    assert graph_cost(graph_of(MLP), {"n": 10}).flops == 76 * 10
    assert graph_cost(graph_of(MLP), default=1).flops == 76
    assert graph_cost(graph_of(MLP), {"m": 3}).flops == parse_dim("76*n")


CONV = 'strides = [1, 1], pad_low = [1, 1], pad_high = [1, 1], dilations = [1, 1], layout = "{}", groups = {}'


@pytest.mark.parametrize(
    ("layout", "groups", "x", "w", "y"),
    [
        ("NHWC", 1, "2, 8, 8, 6", "3, 3, 6, 4", "2, 8, 8, 4"),
        ("NCHW", 1, "2, 6, 8, 8", "4, 6, 3, 3", "2, 4, 8, 8"),
        ("NHWC", 2, "2, 8, 8, 6", "3, 3, 3, 4", "2, 8, 8, 4"),
    ],
)
def test_a_convolution_and_its_gradients_are_the_same_work(layout: str, groups: int, x: str, w: str, y: str) -> None:
    attributes = CONV.format(layout, groups)
    expected = 2 * (2 * 8 * 8 * 4) * (3 * 3 * 6 // groups)
    forward = f"%z = conv(%x, %w) {{{attributes}}} : f32[{y}]"
    data = f"%z = conv_input_grad(%y, %w) {{{attributes}, spatial_sizes = [8, 8]}} : f32[{x}]"
    filters = f"%z = conv_filter_grad(%x, %y) {{{attributes}, kernel_shape = [3, 3]}} : f32[{w}]"
    for node in (forward, data, filters):
        graph = graph_of(f"graph @f(%x: f32[{x}], %w: f32[{w}], %y: f32[{y}]) {{\n{node}\nreturn %z\n}}")
        assert graph_cost(graph).flops == expected


@pytest.mark.parametrize(
    ("node", "flops"),
    [
        ("%y = softmax(%x) {axis = 1} : f32[5, 4]", 5 * 20),
        ("%y = layer_norm(%x, %v, %v) {axis = 1, epsilon = 0.001} : f32[5, 4]", 9 * 20),
        ("%y = softmax_cross_entropy(%x, %x) : f32[5]", 7 * 20),
        ("%y = reduce_logsumexp(%x) {axes = [1], keepdims = false} : f32[5]", 20),
        ("%y = reshape(%x) {shape = [20]} : f32[20]", 0),
        ("%y = cast(%x) {dtype = f64} : f64[5, 4]", 0),
        ("%y = concat(%x, %x) {axis = 0} : f32[10, 4]", 0),
    ],
)
def test_flops_of_an_op(node: str, flops: int) -> None:
    graph = graph_of(f"graph @f(%x: f32[5, 4], %v: f32[4]) {{\n{node}\nreturn %y\n}}")
    assert graph_cost(graph).flops == flops


def test_regions_count_as_often_as_they_run() -> None:
    text = """\
graph @loop(%c: f32[3], %xs: f32[7, 3]) {
  %last = scan(%c, %xs) {carries = 1, scanned = 1, results = 1, reverse = false} : f32[3] {
    graph @body(%h: f32[3], %x: f32[3]) {
      %s = add(%h, %x) : f32[3]
      %t = tanh(%s) : f32[3]
      return %t
    }
  }
  return %last
}
"""
    cost = graph_cost(graph_of(text))
    assert (cost.flops, cost.nodes) == (7 * 6, 3)


def test_last_uses() -> None:
    graph = graph_of(MLP)
    last = last_uses(graph)
    by_name = {value.name: position for value, position in last.items()}
    assert by_name == {"x": 0, "w": 0, "b": 1, "h": 1, "a": 2, "r": 3, "t": 4, "s": 5}


def test_views_live_in_the_buffer_that_they_read() -> None:
    lives = {life.value.name: life for life in lifetimes(graph_of(MLP), {"n": 10})}
    assert "t" not in lives
    assert [view.name for view in lives["r"].views] == ["t"]
    assert (lives["r"].start, lives["r"].end, lives["r"].bytes) == (2, 4, 160)
    assert (lives["x"].start, lives["x"].end, lives["x"].bytes) == (-1, 0, 320)


def test_peak_memory() -> None:
    # The sum needs r's buffer and its own; before that, two buffers of 40 floats are alive at once.
    assert peak_bytes(graph_of(MLP), {"n": 10}, inputs=False) == 2 * 160
    assert peak_bytes(graph_of(MLP), {"n": 10}) == (80 + 32 + 4 + 40) * 4


def test_constants_take_memory_all_the_time() -> None:
    graph = graph_of("graph @f(%x: f32[4]) {\n%c = constant() {value = dense<f32[4], all 2.0>} : f32[4]\n"
                     "%y = mul(%x, %c) : f32[4]\n%z = exp(%y) : f32[4]\nreturn %z\n}")  # fmt: skip
    assert peak_bytes(graph, inputs=False) == 16 + 2 * 16


def test_summary_by_op() -> None:
    graph = graph_of("graph @f(%x: f32[4]) {\n%a = exp(%x) : f32[4]\n%b = neg(%a) : f32[4]\n%c = exp(%b) : f32[4]\n"
                     "return %c\n}")  # fmt: skip
    rows = summary_by_op(graph)
    assert [(row.op, row.count, row.flops, row.bytes) for row in rows] == [("exp", 2, 8, 64), ("neg", 1, 4, 32)]


def test_the_networkx_view() -> None:
    view = to_networkx(graph_of(MLP))
    assert set(view.nodes) == {"in:x", "in:w", "in:b", 0, 1, 2, 3, 4, "out:0"}
    assert view.nodes[0]["label"] == MatMul.name
    assert view.nodes[0]["scope"] == "model/dense"
    assert view.edges["in:w", 0, 0] == {"operand": 1, "value": "w", "type": "f32[8, 4]"}
    assert list(view.successors(4)) == ["out:0"]


def test_operands_used_twice_are_two_edges() -> None:
    view = to_networkx(graph_of("graph @f(%x: f32[]) {\n%y = mul(%x, %x) : f32[]\nreturn %y, %y\n}"))
    assert view.number_of_edges("in:x", 0) == 2
    assert view.number_of_edges() == 4
