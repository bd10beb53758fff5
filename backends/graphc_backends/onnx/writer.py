"""Builds the protobuf of an ONNX graph from an IR graph."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, helper, numpy_helper

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.rules import EXPORTS, NO_ONNX_FORM, ExportRule, pick
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import Dim, DimExpr, FloorDiv, Shape, Symbol
from graphc_ir.errors import ExportError
from graphc_ir.graph import UNKNOWN, Graph, Location, Node, Value
from graphc_ir.ops.base import Array, Op, using
from graphc_ir.ops.constant import Constant
from graphc_ir.types import TensorType

_ANONYMOUS: Final = re.compile(r"\?\d+")
"""How sizes without a name print."""


class OnnxWriter:
    """Writes one GraphProto. Export rules call :meth:`emit`, :meth:`constant` and :meth:`sizes`.

    Values keep their names; names made up here stay clear of them.
    """

    def __init__(self, opset: int, outer: OnnxWriter | None = None, proto: GraphProto | None = None) -> None:
        self.opset = opset
        self.proto: GraphProto = GraphProto() if proto is None else proto
        self.names: dict[Value, str] = {}
        self.domains: dict[str, int] = {} if outer is None else outer.domains
        self._outer = outer
        self._taken: set[str] = set() if outer is None else outer._taken
        self._counters: dict[str, int] = {} if outer is None else outer._counters
        self._constants: dict[Any, str] = {}
        self._arrays: dict[str, Array] = {}
        self._rewritten: set[str] = set()
        self._symbols: dict[str, tuple[str, int]] = {} if outer is None else dict(outer._symbols)
        self._sizes: dict[Dim, str] = {}
        self._rules: dict[type[Op], ExportRule | None] = {} if outer is None else outer._rules
        self._wanted: dict[Value, str] = {}
        self._inlining = 0
        self._prefix = ""
        self._place = ""

    # --- what export rules use ------------------------------------------------------------------------------

    def emit(self, operator: str, inputs: Sequence[str], outputs: int = 1, domain: str = "", **attributes: Any) -> Any:
        """Adds a node and returns the name of its output, or a list of names if ``outputs`` > 1.

        Attributes that are None are left out; ``""`` stands for an absent optional input.
        """
        stem = self._prefix + operator
        names = [self.fresh(stem)] if outputs == 1 else [self.fresh(stem) for _ in range(outputs)]
        node = self.proto.node.add(op_type=operator, name=names[0], input=inputs, output=names)
        if domain:
            node.domain = domain
        if self._place:
            node.doc_string = self._place
        for key, value in attributes.items():
            if value is not None:
                _add_attribute(node, key, value)
        return names[0] if outputs == 1 else names

    def drop_outputs(self, wanted: Sequence[bool]) -> None:
        """Leaves optional outputs of the node that was added last away."""
        node = self.proto.node[-1]
        names = [name if keep else "" for name, keep in zip(node.output, wanted, strict=True)]
        while names and not names[-1]:
            names.pop()
        del node.output[:]
        node.output.extend(names)

    def add(self, node: NodeProto) -> None:
        """Adds a node that is already complete but for its name."""
        added = self.proto.node.add()
        added.CopyFrom(node)
        added.name = added.name or next((name for name in node.output if name), "")
        added.doc_string = self._place

    def use_domain(self, domain: str, version: int) -> None:
        """Notes that nodes of another operator domain are written. Raises ExportError for two versions of
        one.
        """
        known = self.domains.setdefault(domain, version)
        if known != version:
            raise ExportError(
                f"the graph holds operators of domain {domain!r} in the versions {known} and "
                f"{version}; one "
                "model has one version of a domain"
            )

    def constant(self, value: Any, dtype: Any = None, name: str = "") -> str:
        """The name of an initializer that holds ``value``; equal unnamed ones are shared."""
        array = np.asarray(value, dtype)
        shared = array.size <= 64 and not name and array.dtype != object
        key = (array.dtype, array.shape, array.tobytes()) if shared else None
        found = self._constants.get(key) if key is not None else None
        if found is not None:
            return found
        label = self.fresh(name or self._prefix + "const")
        self._initializer(array, label)
        if key is not None:
            self._constants[key] = label
        return label

    def _initializer(self, array: Array, label: str) -> None:
        self.proto.initializer.append(to_proto(array, label))
        self._arrays[label] = array

    def rewritten(self, name: str) -> Array | None:
        """The array of an initializer, for a rule that writes it in another form; None if the name is no initializer.

        The initializer itself stays out of the model unless something else reads it.
        """
        found = self._arrays.get(name)
        if found is None:
            return None if self._outer is None else self._outer.rewritten(name)
        self._rewritten.add(name)
        return found

    def sizes(self, shape: Shape) -> str:
        """The name of a 1-D int64 tensor that holds ``shape``, computed at run time where it is symbolic."""
        if all(isinstance(d, int) for d in shape):
            return self.constant(np.array(shape, np.int64))
        parts = [self._size(d) for d in shape]
        return parts[0] if len(parts) == 1 else str(self.emit("Concat", parts, axis=0))

    def write_inline(self, graph: Graph, operands: Sequence[str]) -> list[str]:
        """Writes the nodes of a closed graph with its inputs bound to existing names; returns its output
        names.
        """
        for value, name in zip(graph.inputs, operands, strict=True):
            self.names[value] = name
            self.note_symbols(name, value.type)
        self._inlining += 1  # nodes of a decomposition stand where the composite op stands
        for node in graph.nodes():
            self.write_node(node)
        self._inlining -= 1
        return [self.names[o] for o in graph.outputs]

    def subgraph(
        self,
        region: Graph,
        name: str,
        extra: Sequence[tuple[str, TensorType]] = (),
        captured: Sequence[str] = (),
    ) -> GraphProto:
        """A region as the GraphProto of an If, Loop or Scan node.

        ``extra`` inputs come before the region's own. The region's last inputs are read from around the
        sub-graph, under the names in ``captured``.
        """
        inner = OnnxWriter(self.opset, outer=self)
        inner._prefix, inner._place = self._prefix, self._place
        for label, type in extra:
            inner.proto.input.append(inner._declaration(inner.fresh(label), type))
        own = len(region.inputs) - len(captured)
        # A size of a loop variable may differ from what has that name around the loop.
        for symbol in {plain_symbol(dim) for value in region.inputs[:own] for dim in value.type.shape}:
            inner._symbols.pop(symbol or "", None)
        inner.declare_inputs(region.inputs[:own])
        for value, label in zip(region.inputs[own:], captured, strict=True):
            inner.names[value] = label
            inner.note_symbols(label, value.type)
        inner.write_body(region)
        inner.proto.name = name
        return inner.proto

    def branch(self, name: str, types: Sequence[TensorType], write: Callable[[OnnxWriter], Any]) -> GraphProto:
        """The GraphProto of an If's branch whose outputs, of these types, ``write`` makes."""
        inner = OnnxWriter(self.opset, outer=self)
        inner._prefix, inner._place = self._prefix, self._place
        written = write(inner)
        for label, type in zip([written] if isinstance(written, str) else written, types, strict=True):
            output = inner.emit("Identity", [label])
            inner.proto.output.append(inner._declaration(output, type))
        inner.proto.name = name
        return inner.proto

    def is_computed(self, dim: Dim) -> bool:
        """Whether a size can be read from no input of the model, so that it may be any number, 0 too."""
        symbols = () if isinstance(dim, int) else dim.symbols
        inputs = self._model_inputs()
        return any(symbol in self._symbols and self._symbols[symbol][0] not in inputs for symbol in symbols)

    def _model_inputs(self) -> set[str]:
        return self._outer._model_inputs() if self._outer is not None else {i.name for i in self.proto.input}

    # --- writing a graph ------------------------------------------------------------------------------------

    def declare_inputs(
        self,
        values: Sequence[Value],
        names: Sequence[str] | None = None,
        bound: Mapping[int, Array] | None = None,
    ) -> None:
        """Adds graph inputs, and notes from which of them each symbolic dim can be read.

        ``bound`` gives inputs by number that become initializers with this value.
        """
        for i, value in enumerate(values):
            label = self.fresh(names[i] if names else value.name or "input", exact=bool(names))
            self.names[value] = label
            if bound is not None and i in bound:
                self._initializer(bound[i], label)
                continue
            self.note_symbols(label, value.type)
            self.proto.input.append(self._declaration(label, value.type))

    def note_symbols(self, label: str, type: TensorType) -> None:
        for axis, dim in enumerate(type.shape):
            symbol = plain_symbol(dim)
            if symbol is not None:
                self._symbols.setdefault(symbol, (label, axis))

    def _declaration(self, label: str, type: TensorType) -> Any:
        """Of a graph's input or output. Symbolic dims keep their names; those without one are called after where they
        can be read, as ``image_dim_1``."""
        shape = [d if isinstance(d, int) else _ANONYMOUS.sub(self._dim_name, str(d)) for d in type.shape]
        return helper.make_tensor_value_info(label, to_onnx(type.dtype), shape)

    def _dim_name(self, found: re.Match[str]) -> str:
        symbol = found[0]
        if symbol in self._symbols:
            label, axis = self._symbols[symbol]
            return f"{label}_dim_{axis}"
        return symbol.replace("?", "unknown_")

    def write_body(self, graph: Graph, output_names: Sequence[str] | None = None) -> None:
        """Writes all nodes and declares the outputs. An output that is an input, a constant or comes twice
        gets an Identity."""
        labels = [
            self.fresh(output_names[i] if output_names else o.name or "output", exact=bool(output_names))
            for i, o in enumerate(graph.outputs)
        ]
        self._reserve(graph, labels)
        for node in graph.nodes():
            self.write_node(node)
        self._place = ""
        for value, label in zip(graph.outputs, labels, strict=True):
            if self.names[value] != label:
                self.proto.node.add(op_type="Identity", name=label, input=[self.names[value]], output=[label])
            self.proto.output.append(self._declaration(label, value.type))
        self._drop_rewritten()

    def _drop_rewritten(self) -> None:
        unread = self._rewritten - names_read(self.proto) if self._rewritten else ()
        places = [i for i, tensor in enumerate(self.proto.initializer) if tensor.name in unread]
        for i in reversed(places):
            del self.proto.initializer[i]

    def _reserve(self, graph: Graph, outputs: Sequence[str]) -> None:
        """Notes which names values shall get, so that no name made up here takes them away."""
        for value, label in zip(graph.outputs, outputs, strict=True):
            if value.node is not None and not isinstance(value.node.op, Constant):
                self._wanted.setdefault(value, label)
        for node in graph.nodes():
            for value in node.results:
                if value.name and value not in self._wanted:
                    self._wanted[value] = self.fresh(value.name)

    def write_node(self, node: Node) -> None:
        """Writes one node by its rule, or through its decomposition."""
        op = node.op
        if isinstance(op, Constant):
            if node.results[0].users:
                self.names[node.results[0]] = self._constant_node(node, op)
            return
        if node.location is not UNKNOWN or not self._inlining:
            self._prefix = f"{node.location.scope}/" if node.location.scope else ""
            self._place = _place(node.location)
        operands = [self.names[o] for o in node.operands]
        start = len(self.proto.node)
        rule = self._rule(type(op))
        if rule is not None:
            written = rule(self, node, operands)
        elif op.decompose is not None:
            written = self.write_inline(decomposition(op, [o.type for o in node.operands]), operands)
        else:
            raise ExportError(self._no_form(node))
        labels = [written] if isinstance(written, str) else written
        for value, label in zip(node.results, labels, strict=True):
            if not label:  # an optional output that nobody reads
                continue
            wanted = self._wanted.get(value)
            if wanted is not None and self._rename(label, wanted, start):
                label = wanted
            self.names[value] = label
            if not value.type.is_static:
                self.note_symbols(label, value.type)

    def _constant_node(self, node: Node, op: Constant) -> str:
        wanted = self._wanted.get(node.results[0])
        if wanted is None:
            return self.constant(op.value.array)
        self._initializer(op.value.array, wanted)
        return wanted

    def _rename(self, label: str, wanted: str, start: int) -> bool:
        """Gives an output of the nodes from number ``start`` on the name that its value has; says whether it is one."""
        written = self.proto.node[start:]
        made = [node for node in written if label in node.output]
        # A sub-graph may read the old name; the value then gets an Identity.
        if not made or any(a.HasField("g") for node in written if node is not made[0] for a in node.attribute):
            return False
        made[0].name = wanted if made[0].name == label else made[0].name
        for node in written:
            for names in (node.input, node.output):
                for i, name in enumerate(names):
                    if name == label:
                        names[i] = wanted
        return True

    def _rule(self, op: type[Op]) -> ExportRule | None:
        if op not in self._rules:
            rules = EXPORTS.get(op)
            self._rules[op] = pick(rules, self.opset) if rules else None
        return self._rules[op]

    def _no_form(self, node: Node) -> str:
        rules = EXPORTS.get(type(node.op))
        if rules:
            return (
                f"{node.op.name} needs opset {min(rules)} or later, asked for {self.opset}; export with "
                f"opset={min(rules)} [{node.location}]"
            )
        reason = NO_ONNX_FORM.get(type(node.op), "there is no rule for it")
        return f"{node.op.name} has no ONNX form: {reason} [{node.location}]"

    def fresh(self, stem: str, exact: bool = False) -> str:
        """A name that is not taken yet. With ``exact``, raises ExportError when the name itself is taken."""
        if stem not in self._taken:
            self._taken.add(stem)
            return stem
        if exact:
            raise ExportError(f"the name {stem!r} is used twice; give different input and output names")
        number = self._counters.get(stem, 0)
        while True:
            number += 1
            candidate = f"{stem}_{number}"
            if candidate not in self._taken:
                break
        self._counters[stem] = number
        self._taken.add(candidate)
        return candidate

    # --- symbolic sizes -------------------------------------------------------------------------------------

    def _size(self, dim: Dim) -> str:
        """A 1-element int64 tensor with the value of one dim."""
        if isinstance(dim, int):
            return self.constant(np.array([dim], np.int64))
        found = self._sizes.get(dim)
        if found is None:
            symbol = plain_symbol(dim)
            found = self._symbol_size(symbol) if symbol is not None else self._expression(dim)
            self._sizes[dim] = found
        return found

    def _symbol_size(self, symbol: str) -> str:
        if symbol not in self._symbols:
            raise ExportError(
                f"the size {symbol!r} cannot be read from any input; give some input a dimension {symbol!r}"
            )
        label, axis = self._symbols[symbol]
        shape = self.emit("Shape", [label])
        return str(self.emit("Gather", [shape, self.constant(np.array([axis], np.int64))], axis=0))

    def _expression(self, dim: DimExpr) -> str:
        total = ""
        for monomial, coefficient in dim.terms:
            term = self.constant(np.array([coefficient], np.int64)) if coefficient != 1 or not monomial else ""
            for atom in monomial:
                factor = self._atom(atom)
                term = factor if not term else self.emit("Mul", [term, factor])
            total = term if not total else self.emit("Add", [total, term])
        return total

    def _atom(self, atom: Symbol | FloorDiv) -> str:
        if isinstance(atom, Symbol):
            return self._size(DimExpr((((atom,), 1),)))
        # ONNX Div truncates; sizes are not negative, so that is floor division.
        return str(self.emit("Div", [self._size(atom.numerator), self._size(atom.denominator)]))


# --- attributes ---------------------------------------------------------------------------------------------


def _add_attribute(node: NodeProto, key: str, value: Any) -> None:
    add = _ATTRIBUTES.get(type(value))
    if add is None:
        node.attribute.append(helper.make_attribute(key, value))
        return
    add(node.attribute.add(name=key), value)


def _int(attribute: AttributeProto, value: int) -> None:
    attribute.type = AttributeProto.INT
    attribute.i = value


def _float(attribute: AttributeProto, value: float) -> None:
    attribute.type = AttributeProto.FLOAT
    attribute.f = value


def _string(attribute: AttributeProto, value: str) -> None:
    attribute.type = AttributeProto.STRING
    attribute.s = value.encode()


_ATTRIBUTES: Final[dict[type, Callable[[AttributeProto, Any], None]]] = {
    int: _int,
    bool: _int,
    float: _float,
    str: _string,
}


# --- pieces -------------------------------------------------------------------------------------------------


_places: Final[dict[Location, str]] = {}


def _place(location: Location) -> str:
    """File and line of the user's code, without the folder: a model must not tell where it was made."""
    found = _places.get(location)
    if found is None:
        text = f"{os.path.basename(location.file)}:{location.line}" if location.file else ""
        found = _places[location] = text
    return found


def decomposition(op: Op, types: Sequence[TensorType]) -> Graph:
    """A composite op as a graph of simpler ops."""
    graph = Graph(op.name)
    operands = [graph.add_input(t) for t in types]
    with using(GraphBuilder(graph)):
        results = op.decompose(*operands)  # type: ignore[misc]
    graph.set_outputs(results if isinstance(results, tuple) else (results,))
    return graph


def names_read(proto: GraphProto) -> set[str]:
    """The names that the nodes of a graph read, those of sub-graphs included, and the names of its outputs."""
    found = {output.name for output in proto.output}
    stack = [proto]
    while stack:
        for node in stack.pop().node:
            found.update(node.input)
            stack += [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return found


def plain_symbol(dim: Dim) -> str | None:
    """The symbol's name if the dim is nothing but that symbol."""
    if isinstance(dim, int) or len(dim.terms) != 1:
        return None
    monomial, coefficient = dim.terms[0]
    plain = coefficient == 1 and len(monomial) == 1 and isinstance(monomial[0], Symbol)
    return monomial[0].name if plain and isinstance(monomial[0], Symbol) else None


def to_proto(array: Array, name: str) -> TensorProto:
    """An array as a TensorProto."""
    return numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
