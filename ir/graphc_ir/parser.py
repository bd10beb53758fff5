"""Reads the text form of a graph back (see :mod:`graphc_ir.printer` for the form)."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NoReturn

from graphc_ir.errors import GraphcError, ParseError
from graphc_ir.graph import UNKNOWN, Graph, Location, State, Value
from graphc_ir.ops import families  # noqa: F401 - so that every op is known by its name
from graphc_ir.ops.base import OPS, Op
from graphc_ir.text import array_value, attribute_value, type_value
from graphc_ir.types import TensorType
from graphc_ir.verify import operand_count

_SPACE: Final = re.compile(r"(?:\s+|//[^\n]*)*")
_NAME: Final = re.compile(r"%([\w.]+)")
_WORD: Final = re.compile(r"[^\W\d][\w.]*")
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_NUMBER: Final = re.compile(r"\d+")
_HEAD: Final = re.compile(r"((?:%[\w.]+\s*,\s*)*%[\w.]+)\s*=\s*([^\W\d][\w.]*)\s*\(([^()]*)\)")
_BARE_HEAD: Final = re.compile(r"([^\W\d][\w.]*)\s*\(([^()]*)\)")
_TYPE: Final = re.compile(r"\w+\s*\[[^\]\n]*\]")
_ITEM: Final = re.compile(r"complex [^\s,\]}]+ [^\s,\]}]+|[^,\]\[{}<>\"\n]+(?:\[[^\]\n]*\])?")
_ELEMENT: Final = re.compile(r'(?:all\s+)?(?:"(?:[^"\\\n]|\\.)*"|[^,>"\s]+)')
_COMMENT: Final = re.compile(r"[ \t]*\{?[ \t]*//[ \t]*([^\n]*)")
_PLACE: Final = re.compile(r"(?:(?P<file>.+):(?P<line>\d+))?(?: ?(?P<scope>\S+))?")
_MAX_NESTING: Final = 100


def parse_graph(text: str) -> Graph:
    """The graph that ``str(graph)`` printed. Result types are inferred and compared with those in the text.

    Raises ParseError with line and column for anything else.
    """
    cursor = _Cursor(text)
    graph = _graph(cursor, 0)
    cursor.space()
    if cursor.position < len(text):
        cursor.fail("text after the end of the graph; expected one graph")
    return graph


class _Cursor:
    """A position in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def fail(self, problem: str, position: int | None = None) -> NoReturn:
        at = self.position if position is None else position
        line = self.text.count("\n", 0, at) + 1
        column = at - self.text.rfind("\n", 0, at)
        raise ParseError(f"line {line}, column {column}: {problem}") from None

    def space(self) -> None:
        match = _SPACE.match(self.text, self.position)
        assert match is not None
        self.position = match.end()

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Reads what the pattern matches right here, after space; None if it does not."""
        self.space()
        match = pattern.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
        return match

    def need(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        match = self.take(pattern)
        return match if match is not None else self.fail(f"expected {expected}, got {self.shown()}")

    def accept(self, literal: str) -> bool:
        """Reads the literal; stays before the space (and the comments in it) if something else follows."""
        match = _SPACE.match(self.text, self.position)
        assert match is not None
        found = self.text.startswith(literal, match.end())
        if found:
            self.position = match.end() + len(literal)
        return found

    def expect(self, literal: str) -> None:
        if not self.accept(literal):
            self.space()
            self.fail(f"expected {literal!r}, got {self.shown()}")

    def word(self, word: str) -> bool:
        """Reads a whole word."""
        self.space()
        match = _WORD.match(self.text, self.position)
        if match is None or match[0] != word:
            return False
        self.position = match.end()
        return True

    def shown(self) -> str:
        rest = self.text[self.position : self.position + 24].split("\n")[0]
        if rest:
            return repr(rest)
        return "the end of the line" if self.position < len(self.text) else "the end of the text"


def _graph(cursor: _Cursor, depth: int) -> Graph:
    if depth > _MAX_NESTING:
        cursor.fail(f"regions are nested more than {_MAX_NESTING} deep")
    if not cursor.word("graph"):
        cursor.fail(f"expected 'graph', got {cursor.shown()}")
    cursor.expect("@")
    graph = Graph(_graph_name(cursor))
    values: dict[str, Value] = {}
    cursor.expect("(")
    _inputs(cursor, graph, values)
    cursor.expect("{")
    states = _states(cursor, graph, values)
    while not cursor.word("return"):
        _node(cursor, graph, values, depth)
    _set_outputs(cursor, graph, values)
    _set_states(cursor, graph, states)
    cursor.expect("}")
    return graph


def _graph_name(cursor: _Cursor) -> str:
    if cursor.text.startswith('"', cursor.position):
        return _string(cursor)
    return cursor.need(_WORD, "a graph name")[0]


def _string(cursor: _Cursor) -> str:
    start = cursor.position
    match = cursor.need(_STRING, "a string in double quotes")
    try:
        text: str = json.loads(match[0])
    except ValueError as error:
        cursor.fail(f"bad string: {error}", start)
    return text


def _inputs(cursor: _Cursor, graph: Graph, values: dict[str, Value]) -> None:
    if cursor.accept(")"):
        return
    while True:
        name = cursor.need(_NAME, "an input such as %x: f32[2]")[1]
        cursor.expect(":")
        _define(cursor, values, name, graph.add_input(_type(cursor)))
        if not cursor.accept(","):
            break
    cursor.expect(")")


def _define(cursor: _Cursor, values: dict[str, Value], name: str, value: Value) -> None:
    if name in values:
        cursor.fail(f"%{name} is defined twice")
    values[name] = value
    if not name.isdecimal():
        value.name = name


def _states(cursor: _Cursor, graph: Graph, values: dict[str, Value]) -> list[State]:
    found = []
    while cursor.word("state"):
        cursor.expect("(")
        value = _use(cursor, values, cursor.need(_NAME, "a state input")[1])
        output = None
        if cursor.accept("->"):
            cursor.expect("output")
            output = int(cursor.need(_NUMBER, "an output number")[0])
        cursor.expect("as")
        cursor.space()
        found.append(State(_string(cursor), value.index, output))
        cursor.expect(")")
    return found


def _set_states(cursor: _Cursor, graph: Graph, states: list[State]) -> None:
    for state in states:
        if state.output is not None and state.output >= len(graph.outputs):
            cursor.fail(f"state {state.name!r} names output {state.output}, but there are {len(graph.outputs)} outputs")
    graph.states = states


def _use(cursor: _Cursor, values: dict[str, Value], name: str) -> Value:
    found = values.get(name)
    return found if found is not None else cursor.fail(f"%{name} is not defined before it is used")


def _set_outputs(cursor: _Cursor, graph: Graph, values: dict[str, Value]) -> None:
    outputs: list[Value] = []
    match = cursor.take(_NAME)
    while match is not None:
        outputs.append(_use(cursor, values, match[1]))
        if cursor.word("as"):
            cursor.space()
            graph.output_names.append(_string(cursor))
        if not cursor.accept(","):
            break
        match = cursor.need(_NAME, "an output")
    if graph.output_names and len(graph.output_names) != len(outputs):
        cursor.fail(f"{len(graph.output_names)} of {len(outputs)} outputs are named; name all or none")
    graph.set_outputs(outputs)


def _names(cursor: _Cursor, text: str) -> list[str]:
    names = [part.strip() for part in text.split(",")] if text.strip() else []
    for name in names:
        if not _NAME.fullmatch(name):
            cursor.fail(f"expected a value such as %x, got {name!r}")
    return [name[1:] for name in names]


def _node(cursor: _Cursor, graph: Graph, values: dict[str, Value], depth: int) -> None:
    cursor.space()
    start = cursor.position
    results, op_name, operand_names = _head(cursor)
    operands = tuple([_use(cursor, values, name) for name in operand_names])
    op = _op(cursor, op_name, start)
    cursor.expect(":")
    types = _types(cursor)
    location = _location(cursor)
    regions = _regions(cursor, depth)
    _check_types(cursor, op, operands, types, regions, start)
    if len(results) != len(types):
        cursor.fail(f"{op_name} has {len(types)} results, but {len(results)} names stand before '='", start)
    node = graph.append(op, operands, types, regions, location)
    for name, value in zip(results, node.results, strict=True):
        _define(cursor, values, name, value)


def _head(cursor: _Cursor) -> tuple[list[str], str, list[str]]:
    match = cursor.take(_HEAD)
    if match is not None:
        return _names(cursor, match[1]), match[2], _names(cursor, match[3])
    if cursor.text.startswith("...", cursor.position):
        cursor.fail("this text is abridged (nodes are left out); print the graph without a limit to read it back")
    match = cursor.need(_BARE_HEAD, "a node such as %0 = add(%x, %y) : f32[2], or return")
    return [], match[1], _names(cursor, match[2])


def _type(cursor: _Cursor) -> TensorType:
    cursor.space()
    start = cursor.position
    text = cursor.need(_TYPE, "a type such as f32[2, n]")[0]
    try:
        return type_value(text)
    except (GraphcError, ValueError) as error:
        cursor.fail(str(error), start)


def _types(cursor: _Cursor) -> list[TensorType]:
    if cursor.accept("()"):
        return []
    types = [_type(cursor)]
    while cursor.accept(","):
        types.append(_type(cursor))
    return types


def _location(cursor: _Cursor) -> Location:
    match = _COMMENT.match(cursor.text, cursor.position)
    return UNKNOWN if match is None else _place(match[1].strip())


@lru_cache(4096)
def _place(comment: str) -> Location:
    """The location that a comment names; other comments name none."""
    match = _PLACE.fullmatch(comment)
    if match is None:
        return UNKNOWN
    return Location(match["file"] or "", int(match["line"] or 0), match["scope"] or "")


def _regions(cursor: _Cursor, depth: int) -> tuple[Graph, ...]:
    if not cursor.accept("{"):
        return ()
    regions = []
    while not cursor.accept("}"):
        regions.append(_graph(cursor, depth + 1))
    return tuple(regions)


def _check_types(
    cursor: _Cursor,
    op: Op,
    operands: Sequence[Value],
    types: Sequence[TensorType],
    regions: tuple[Graph, ...],
    start: int,
) -> None:
    count = operand_count(op)
    if count is not None and count != len(operands):
        cursor.fail(f"{op.name} takes {count} operands, got {len(operands)}", start)
    try:
        expected = op.infer_node([o.type for o in operands], regions)
    except (GraphcError, TypeError, ValueError, IndexError) as error:
        shown = ", ".join(str(o.type) for o in operands)
        cursor.fail(f"{op.name} does not take ({shown}): {error}", start)
    if tuple(types) != expected:
        have, want = ", ".join(map(str, types)) or "()", ", ".join(map(str, expected)) or "()"
        cursor.fail(f"{op.name} gives {want}, but the text says {have}", start)


def _op(cursor: _Cursor, name: str, start: int) -> Op:
    cls = OPS.get(name) or OPS.get(name.partition(".")[0])  # onnx.Relu is an op of class onnx
    if cls is None:
        cursor.fail(f"unknown op {name!r}", start)
    declared = _declared(cls)
    given = _attributes(cursor, name, declared)
    # Text that was written before an op got one more attribute is still read.
    missing = [field for field in declared if field not in given and not hasattr(cls, field)]
    if missing:
        cursor.fail(f"{name} lacks the attribute {missing[0]!r}; it has {', '.join(declared)}", start)
    try:
        return cls(**given)
    except (GraphcError, TypeError, ValueError) as error:
        cursor.fail(f"bad attributes of {name}: {error}", start)


_DECLARED: Final[dict[type[Op], dict[str, str]]] = {}


def _declared(cls: type[Op]) -> dict[str, str]:
    """Attribute names with their annotations."""
    found = _DECLARED.get(cls)
    if found is None:
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        found = _DECLARED[cls] = {field.name: str(field.type) for field in fields}
    return found


def _attributes(cursor: _Cursor, op_name: str, declared: dict[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if not cursor.accept("{"):
        return given
    while True:
        name = cursor.need(_WORD, "an attribute such as axis = 0")[0]
        if name not in declared:
            cursor.fail(f"{op_name} has no attribute {name!r}; it has {', '.join(declared) or 'none'}")
        if name in given:
            cursor.fail(f"attribute {name!r} is given twice")
        cursor.expect("=")
        given[name] = _value(cursor, declared[name], 0)
        if not cursor.accept(","):
            break
    cursor.expect("}")
    return given


def _value(cursor: _Cursor, annotation: str, depth: int) -> Any:
    cursor.space()
    start = cursor.position
    first = cursor.text[start : start + 1]
    if first == "[":
        return _tuple(cursor, annotation, depth)
    if first == '"':
        return _string(cursor)
    if cursor.text.startswith("dense<", start):
        return _dense(cursor)
    if cursor.text.startswith('bytes "', start):
        return _bytes(cursor)
    text = cursor.need(_ITEM, "an attribute value")[0].strip()
    try:
        return attribute_value(text, annotation)
    except (GraphcError, ValueError) as error:
        cursor.fail(f"bad attribute value {text!r}: {error}", start)


def _tuple(cursor: _Cursor, annotation: str, depth: int) -> tuple[Any, ...]:
    if depth > _MAX_NESTING:
        cursor.fail(f"tuples are nested more than {_MAX_NESTING} deep")
    cursor.expect("[")
    items: list[Any] = []
    if cursor.accept("]"):
        return ()
    while True:
        items.append(_value(cursor, annotation, depth + 1))
        if not cursor.accept(","):
            break
    cursor.expect("]")
    return tuple(items)


def _bytes(cursor: _Cursor) -> bytes:
    start = cursor.position
    cursor.position += len("bytes")
    try:
        return base64.b64decode(_string(cursor), validate=True)
    except binascii.Error as error:
        cursor.fail(f"bytes are no base64: {error}", start)


def _dense(cursor: _Cursor) -> Any:
    start = cursor.position
    cursor.position += len("dense<")
    type_text = cursor.need(_TYPE, "the constant's type")[0]
    elements = []
    while cursor.accept(","):
        elements.append(cursor.need(_ELEMENT, "an element, base64 data, or 'all' and an element")[0])
    cursor.expect(">")
    try:
        return array_value(type_text, elements)
    except (GraphcError, ValueError) as error:
        cursor.fail(str(error), start)
