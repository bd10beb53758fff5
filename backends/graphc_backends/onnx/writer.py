"""Builds the protobuf of an ONNX graph from an IR graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, helper, numpy_helper

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.rules import EXPORTS, NO_ONNX_FORM, pick
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import Dim, DimExpr, FloorDiv, Shape, Symbol
from graphc_ir.errors import ExportError
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.base import Array, Op, using
from graphc_ir.ops.constant import Constant
from graphc_ir.types import TensorType


class OnnxWriter:
    """Writes one GraphProto. Export rules call :meth:`emit`, :meth:`constant` and :meth:`sizes`."""

    def __init__(self, opset: int, outer: OnnxWriter | None = None) -> None:
        self.opset = opset
        self.proto = GraphProto()
        self.names: dict[Value, str] = {}
        self._outer = outer
        self._taken: set[str] = set() if outer is None else outer._taken
        self._counters: dict[str, int] = {} if outer is None else outer._counters
        self._constants: dict[Any, str] = {}
        self._symbols: dict[str, tuple[str, int]] = {} if outer is None else dict(outer._symbols)
        self._sizes: dict[Dim, str] = {}
        self._prefix = ""

    # --- what export rules use -----------------------------------------------------------------------------------

    def emit(self, operator: str, inputs: Sequence[str], outputs: int = 1, domain: str = "", **attributes: Any) -> Any:
        """Adds a node and returns the name of its output, or a list of names if ``outputs`` > 1.

        Attributes that are None are left out; ``""`` stands for an absent optional input.
        """
        stem = self._prefix + operator
        names = [self.fresh(stem) for _ in range(outputs)]
        node = NodeProto(op_type=operator, name=names[0], domain=domain, input=inputs, output=names)
        for key, value in attributes.items():
            if value is not None:
                node.attribute.append(helper.make_attribute(key, value))
        self.proto.node.append(node)
        return names[0] if outputs == 1 else names

    def constant(self, value: Any, dtype: Any = None, name: str = "") -> str:
        """The name of an initializer that holds ``value``; equal unnamed ones are shared."""
        array = np.asarray(value, dtype)
        key = (array.dtype, array.shape, array.tobytes()) if array.size <= 64 and not name else None
        found = self._constants.get(key) if key is not None else None
        if found is not None:
            return found
        label = self.fresh(name or self._prefix + "const")
        self.proto.initializer.append(to_proto(array, label))
        if key is not None:
            self._constants[key] = label
        return label

    def sizes(self, shape: Shape) -> str:
        """The name of a 1-D int64 tensor that holds ``shape``, computed at run time where it is symbolic."""
        if all(isinstance(d, int) for d in shape):
            return self.constant(np.array(shape, np.int64))
        parts = [self._size(d) for d in shape]
        return parts[0] if len(parts) == 1 else str(self.emit("Concat", parts, axis=0))

    def type_of(self, value: Value) -> TensorType:
        return value.type

    def write_inline(self, graph: Graph, operands: Sequence[str]) -> list[str]:
        """Writes the nodes of a closed graph with its inputs bound to existing names; returns its output names."""
        for value, name in zip(graph.inputs, operands, strict=True):
            self.names[value] = name
        for node in graph.nodes():
            self.write_node(node)
        return [self.names[o] for o in graph.outputs]

    def subgraph(self, region: Graph, name: str, extra: Sequence[tuple[str, TensorType]] = ()) -> GraphProto:
        """A region as the GraphProto of an If, Loop or Scan node. ``extra`` inputs come before the region's own."""
        inner = OnnxWriter(self.opset, outer=self)
        inner._prefix = self._prefix
        for label, type in extra:
            inner.proto.input.append(value_info(inner.fresh(label), type))
        inner.declare_inputs(region)
        inner.write_body(region)
        inner.proto.name = name
        return inner.proto

    # --- writing a graph -----------------------------------------------------------------------------------------

    def declare_inputs(self, graph: Graph, names: Sequence[str] | None = None) -> None:
        """Adds graph inputs, and notes from which of them each symbolic dim can be read."""
        for i, value in enumerate(graph.inputs):
            label = self.fresh(names[i] if names else value.name or "input", exact=bool(names))
            self.names[value] = label
            self.proto.input.append(value_info(label, value.type))
            self.note_symbols(label, value.type)

    def note_symbols(self, label: str, type: TensorType) -> None:
        for axis, dim in enumerate(type.shape):
            symbol = _plain_symbol(dim)
            if symbol is not None:
                self._symbols.setdefault(symbol, (label, axis))

    def write_body(self, graph: Graph, output_names: Sequence[str] | None = None) -> None:
        """Writes all nodes and declares the outputs. An output that is an input or comes twice gets an Identity."""
        for node in graph.nodes():
            self.write_node(node)
        for i, value in enumerate(graph.outputs):
            wanted = self.fresh(output_names[i] if output_names else "output", exact=bool(output_names))
            self.proto.node.append(NodeProto(op_type="Identity", name=wanted, input=[self.names[value]], output=[wanted]))
            self.proto.output.append(value_info(wanted, value.type))

    def write_node(self, node: Node) -> None:
        """Writes one node by its rule, or through its decomposition."""
        op = node.op
        self._prefix = f"{node.location.scope}/" if node.location.scope else ""
        if isinstance(op, Constant):
            self.names[node.results[0]] = self.constant(op.value.array, name=node.results[0].name)
            return
        operands = [self.names[o] for o in node.operands]
        rules = EXPORTS.get(type(op))
        rule = pick(rules, self.opset) if rules else None
        if rule is not None:
            written = rule(self, node, operands)
        elif op.decompose is not None:
            written = self.write_inline(decomposition(op, [o.type for o in node.operands]), operands)
        else:
            raise ExportError(self._no_form(node))
        labels = [written] if isinstance(written, str) else written
        for value, label in zip(node.results, labels, strict=True):
            self.names[value] = label
            if not value.type.is_static:
                self.note_symbols(label, value.type)

    def _no_form(self, node: Node) -> str:
        rules = EXPORTS.get(type(node.op))
        if rules:
            return (f"{node.op.name} needs opset {min(rules)} or later, asked for {self.opset}; export with "
                    f"opset={min(rules)} [{node.location}]")  # fmt: skip
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

    # --- symbolic sizes ------------------------------------------------------------------------------------------

    def _size(self, dim: Dim) -> str:
        """A 1-element int64 tensor with the value of one dim."""
        if isinstance(dim, int):
            return self.constant(np.array([dim], np.int64))
        found = self._sizes.get(dim)
        if found is None:
            symbol = _plain_symbol(dim)
            found = self._symbol_size(symbol) if symbol is not None else self._expression(dim)
            self._sizes[dim] = found
        return found

    def _symbol_size(self, symbol: str) -> str:
        if symbol not in self._symbols:
            raise ExportError(f"the size {symbol!r} cannot be read from any input; give some input a dimension {symbol!r}")
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


def decomposition(op: Op, types: Sequence[TensorType]) -> Graph:
    """A composite op as a graph of simpler ops."""
    graph = Graph(op.name)
    operands = [graph.add_input(t) for t in types]
    with using(GraphBuilder(graph)):
        results = op.decompose(*operands)  # type: ignore[misc]
    graph.set_outputs(results if isinstance(results, tuple) else (results,))
    return graph


def _plain_symbol(dim: Dim) -> str | None:
    """The symbol's name if the dim is nothing but that symbol."""
    if isinstance(dim, int) or len(dim.terms) != 1:
        return None
    monomial, coefficient = dim.terms[0]
    plain = coefficient == 1 and len(monomial) == 1 and isinstance(monomial[0], Symbol)
    return monomial[0].name if plain and isinstance(monomial[0], Symbol) else None


def value_info(name: str, type: TensorType) -> Any:
    """The declaration of a graph input or output; symbolic dims keep their names."""
    shape = [d if isinstance(d, int) else str(d).replace("?", "unknown_") for d in type.shape]
    return helper.make_tensor_value_info(name, to_onnx(type.dtype), shape)


def to_proto(array: Array, name: str) -> Any:
    """An array as a TensorProto."""
    return numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)


