"""Text that is no graph: every error names its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphc_ir.errors import ParseError
from graphc_ir.graph import UNKNOWN
from graphc_ir.ops import families
from graphc_ir.ops.movement import Reshape
from graphc_ir.parser import parse_graph
from graphc_ir.printer import print_graph
from graphc_ir.verify import verify

HEAD = "graph @f(%x: f32[2, n]) {\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1: expected 'graph', got the end of the text"),
        ("graph f()", "line 1, column 7: expected '@', got 'f()'"),
        ("graph @f(%x) {", "line 1, column 12: expected ':', got ') {'"),
        ("graph @f(%x: f33[2]) {", "line 1, column 14: unknown dtype 'f33'"),
        ("graph @f(%x: f32[2 n]) {", "line 1, column 14: cannot read dimension '2 n'"),
        ("graph @f(%x: f32[], %x: f32[]) {", "%x is defined twice"),
        (HEAD + "  return %y\n}", "line 2, column 12: %y is not defined before it is used"),
        (HEAD + "  return %x,\n}", "line 3, column 1: expected an output, got '}'"),
        (HEAD + "  return %x\n", "line 3, column 1: expected '}', got the end of the text"),
        (HEAD + "  return %x\n}\n}", "line 4, column 1: text after the end of the graph"),
        (HEAD + '  return %x as "a", %x\n}', "1 of 2 outputs are named"),
        (HEAD + '  state(%x -> output 3 as "w")\n  return %x\n}', "state 'w' names output 3, but there are 1 outputs"),
        (HEAD + "  %y = tanh %x\n", "line 2, column 3: expected a node such as %0 = add(%x, %y) : f32[2], or return"),
        (HEAD + "  %y = tanh(%x, ) : f32[2, n]\n", "expected a value such as %x, got ''"),
        (HEAD + "  %y = tanhh(%x) : f32[2, n]\n", "line 2, column 3: unknown op 'tanhh'"),
        (HEAD + "  %y = tanh(%z) : f32[2, n]\n", "%z is not defined before it is used"),
        (HEAD + "  %y = tanh(%x) : f32[2, m]\n", "line 2, column 3: tanh gives f32[2, n], but the text says f32[2, m]"),
        (HEAD + "  %y = tanh(%x)\n", "line 3, column 1: expected ':', got the end of the text"),
        (HEAD + "  %y = add(%x) : f32[2, n]\n  return %y\n}", "line 2, column 3: add takes 2 operands, got 1"),
        (HEAD + "  %y = tanh(%x, %x) : f32[2, n]\n  return %y\n}", "line 2, column 3: tanh takes 1 operands, got 2"),
        (HEAD + "  %y, %z = tanh(%x) : f32[2, n]\n", "tanh has 1 results, but 2 names stand before '='"),
        (HEAD + "  %y = reshape(%x) : f32[2, n]\n", "reshape lacks the attribute 'shape'; it has shape"),
        (HEAD + "  %y = reshape(%x) {axis = 1} : f32[2, n]\n", "reshape has no attribute 'axis'; it has shape"),
        (HEAD + "  %y = tanh(%x) {axis = 1} : f32[2, n]\n", "tanh has no attribute 'axis'; it has none"),
        (HEAD + "  %y = reshape(%x) {shape = [2], shape = [2]}", "attribute 'shape' is given twice"),
        (HEAD + "  %y = reshape(%x) {shape = [2, } : f32[2, n]\n", "expected an attribute value, got '} : f32[2, n]'"),
        (HEAD + "  %y = reshape(%x) {shape = [2 +]} : f32[2, n]\n", "bad attribute value '2 +'"),
        (HEAD + "  %y = reshape(%x) {shape = [3]} : f32[3]\n", "reshape does not take (f32[2, n]): cannot reshape"),
        (HEAD + "  %y = cast(%x) {dtype = float} : f32[2, n]\n", "bad attribute value 'float': unknown dtype 'float'"),
        (HEAD + "  %c = constant() {value = dense<f32[n], 1.0>} : f32[n]\n", "a constant's sizes are numbers"),
        (HEAD + "  %c = constant() {value = dense<f32[2], 1.0>} : f32[2]\n", "has 1 elements, its type asks for 2"),
        (HEAD + "  %c = constant() {value = dense<i32[], 1.5>} : i32[]\n", "an element is no int32"),
        (HEAD + "  %c = constant() {value = dense<i8[], 300>} : i8[]\n", "an element is no int8"),
        (HEAD + '  %c = constant() {value = dense<f32[2], "AAAA">} : f32[2]\n', "has 3 bytes, its type asks for 8"),
        (HEAD + '  %c = constant() {value = dense<f32[2], "A*">} : f32[2]\n', "constant data is no base64"),
        (HEAD + '  %c = constant() {value = dense<str[1], a>} : str[1]\n', "line 2, column 28"),
    ],
)  # fmt: skip
def test_errors_name_line_and_column(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=r"^line \d+, column \d+: ") as caught:
        parse_graph(text)
    assert message in str(caught.value)


def test_nesting_is_bounded() -> None:
    attribute = "[" * 5000 + "]" * 5000
    with pytest.raises(ParseError, match="nested more than 100 deep"):
        parse_graph(HEAD + f"  %y = reshape(%x) {{shape = {attribute}}} : f32[2, n]\n")
    regions = "graph @f() {\n" + "%y = call() {results = 1} : f32[] {\ngraph @g() {\n" * 5000
    with pytest.raises(ParseError, match="nested more than 100 deep"):
        parse_graph(regions)


def test_space_and_comments_are_free() -> None:
    graph = parse_graph("""
    // a comment of many words
    graph @f ( %x : f32[ 2,n ] , // the data
               %unused: f32[] ) {
      // another one
      %y=reshape( %x ){ shape=[ n , 2 ] }:f32[n,2]   // not a location
      return
        %y }
    """)
    verify(graph)
    node = next(graph.nodes())
    assert isinstance(node.op, Reshape)
    assert node.location is UNKNOWN
    assert graph.outputs == (node.result,)


def test_regions_several_results_and_none() -> None:
    text = """\
graph @main(%p: bool[], %x: f32[n]) {
  %a, %b = cond(%p, %x) {results = 2} : f32[n], f32[n] {  // model.py:3
    graph @then(%0: f32[n]) {
      %1 = tanh(%0) : f32[n]  // model.py:4
      return %1, %0
    }
    graph @else(%0: f32[n]) {
      return %0, %0
    }
  }
  return
}
"""
    graph = parse_graph(text)
    verify(graph)
    assert print_graph(graph) == text
    assert graph.outputs == ()


def test_every_module_of_ops_is_known_to_the_parser() -> None:
    folder = Path(families.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "families"}
    assert modules == set(families.__all__), "list new modules in graphc_ir/ops/families.py"


def test_attributes_with_a_default_may_be_missing() -> None:
    text = "graph @f(%x: f32[n]) {\n  %y = call(%x) {results = 1} : f32[n] {\n"
    text += "    graph @g(%0: f32[n]) {\n      %1 = exp(%0) : f32[n]\n      return %1\n    }\n  }\n  return %y\n}\n"
    printed = print_graph(parse_graph(text))
    assert "call(%x) {results = 1, keep = false, isolated = false} : f32[n] {" in printed
    assert print_graph(parse_graph(printed)) == printed
