"""The text form of a graph. :func:`graphc_ir.parser.parse_graph` reads it back.

    graph @step(%x: f32[batch, 784], %w: f32[784, 10]) {
      state(%w -> output 1 as "w")
      %0 = matmul(%x, %w) : f32[batch, 10]  // mlp.py:12 dense_1
      %1 = reduce_sum(%0) {axes = [1], keepdims = true} : f32[batch, 1]
      return %1, %w
    }

Outputs with names of their own are written ``return %1 as "loss"``.

One form serves all ops: results, op name, operands, attributes in braces, result types; then regions as nested graphs
in braces. A comment names the place in the user's source; it is read back but takes no part in what the graph means.
"""

from __future__ import annotations

import json
import os
import re

from graphc_ir.graph import Graph, Location, Node, State, Value
from graphc_ir.text import attribute_text, graph_name_text

_FOREIGN = re.compile(r"[^\w.]")


def print_graph(graph: Graph, abridged: bool = False, locations: bool = True, limit: int | None = None) -> str:
    """The graph as text.

    Full text reads back to the same graph. ``abridged`` leaves out the data of large constants, ``limit`` all but that
    many nodes (the first and last ones); such text is for people and the parser refuses it. ``locations`` adds the
    source lines as comments.
    """
    lines: list[str] = []
    _Printer(abridged, locations, limit, lines).graph(graph, "")
    return "\n".join(lines) + "\n"


def value_names(graph: Graph) -> dict[Value, str]:
    """Unique names of all values: their own ones where they have one, else numbers in order of definition."""
    taken: dict[str, int] = {}
    names: dict[Value, str] = {}
    number = 0
    for value in _values(graph):
        if value.name:
            names[value] = _unique(_FOREIGN.sub("_", value.name), taken)
            continue
        names[value] = str(number)
        number += 1
    return names


def _values(graph: Graph) -> list[Value]:
    return [*graph.inputs, *(result for node in graph.nodes() for result in node.results)]


def _unique(name: str, taken: dict[str, int]) -> str:
    base = name if not name.isdecimal() else f"_{name}"
    found = base
    while found in taken:
        found = f"{base}_{taken[base]}"
        taken[base] += 1
    taken[found] = 1
    return found


class _Printer:
    def __init__(self, abridged: bool, locations: bool, limit: int | None, lines: list[str]) -> None:
        self.abridged = abridged
        self.locations = locations
        self.limit = limit
        self.lines = lines

    def graph(self, graph: Graph, indent: str) -> None:
        names = value_names(graph)
        inputs = ", ".join(f"%{names[value]}: {value.type}" for value in graph.inputs)
        self.lines.append(f"{indent}graph @{graph_name_text(graph.name)}({inputs}) {{")
        inner = indent + "  "
        for state in graph.states:
            self.lines.append(inner + _state_text(state, names[graph.inputs[state.input]]))
        self._nodes(graph, names, inner)
        outputs = [f"%{names[o]}" for o in graph.outputs]
        if graph.output_names:
            outputs = [f"{o} as {json.dumps(n)}" for o, n in zip(outputs, graph.output_names, strict=True)]
        self.lines.append(f"{inner}return {', '.join(outputs)}".rstrip())
        self.lines.append(indent + "}")

    def _nodes(self, graph: Graph, names: dict[Value, str], indent: str) -> None:
        hidden = 0 if self.limit is None else max(0, len(graph) - self.limit)
        first_hidden = (len(graph) - hidden) // 2
        for i, node in enumerate(graph.nodes()):
            if hidden and first_hidden <= i < first_hidden + hidden:
                continue
            if hidden and i == first_hidden + hidden:
                self.lines.append(f"{indent}... {hidden} more nodes ...")
            self.node(node, names, indent)

    def node(self, node: Node, names: dict[Value, str], indent: str) -> None:
        line = indent + self._node_text(node, names) + (" {" if node.regions else "")
        place = location_text(node.location) if self.locations else ""
        self.lines.append(f"{line}  // {place}" if place else line)
        if not node.regions:
            return
        for region in node.regions:
            self.graph(region, indent + "  ")
        self.lines.append(indent + "}")

    def _node_text(self, node: Node, names: dict[Value, str]) -> str:
        results = ", ".join([f"%{names[r]}" for r in node.results])
        operands = ", ".join([f"%{names[o]}" for o in node.operands])
        types = ", ".join([str(r.type) for r in node.results]) or "()"
        head = f"{results} = " if results else ""
        return f"{head}{node.op.name}({operands}){self._attributes(node)} : {types}"

    def _attributes(self, node: Node) -> str:
        attributes = node.op.attributes()
        if not attributes:
            return ""
        shown = ", ".join([f"{name} = {attribute_text(v, self.abridged)}" for name, v in attributes.items()])
        return f" {{{shown}}}"


def _state_text(state: State, value: str) -> str:
    target = "" if state.output is None else f" -> output {state.output}"
    return f"state(%{value}{target} as {json.dumps(state.name)})"


def location_text(location: Location) -> str:
    """``mlp.py:12 model/dense_1``: the file without its folder, so that text does not depend on the machine."""
    place = f"{os.path.basename(location.file)}:{location.line}" if location.file else ""
    scope = "_".join(location.scope.split())
    return " ".join(part for part in (" ".join(place.split()), scope) if part)


Graph.printer = staticmethod(print_graph)
