"""ONNX models as IR graphs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, TypeProto, ValueInfoProto

import graphc_backends.onnx.families  # noqa: F401  (fills the rule tables)
from graphc_backends.onnx.check import (
    CheckedModel,
    Source,
    load_checked,
    normal_domain,
    sparse_array,
    tensor_array,
)
from graphc_backends.onnx.dtypes import from_onnx
from graphc_backends.onnx.opaque import opaque_op
from graphc_backends.onnx.reader import ImportContext, describe
from graphc_backends.onnx.rules import IMPORTS, STATE_PAIRS_KEY, pick
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import Dim, Shape, UndecidableDimError, fresh_symbol, parse_dim, symbol
from graphc_ir.errors import GraphcError, ImportModelError
from graphc_ir.graph import UNKNOWN, Graph, Location, Node, State, Value
from graphc_ir.liveness import erase_removable
from graphc_ir.ops.base import Array, using
from graphc_ir.ops.constant import Constant
from graphc_ir.symbolic import symbolic_value
from graphc_ir.types import TensorSpec, TensorType

Initializers = Literal["constant", "state"]

_PLAIN_DIM: Final = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
_COMPOSITE_DIM: Final = re.compile(r"[\w.+*/% -]{1,80}", re.ASCII)
_FOREIGN: Final = re.compile(r"[^\w.]+", re.ASCII)
# What a rule raises over an unusual file rather than because it is wrong: bad attribute types, missing parts.
_DAMAGED: Final = (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError)


@dataclass(frozen=True)
class ImportedModel:
    """``values`` holds the arrays of the initializers that became state inputs, by state name."""

    graph: Graph
    values: dict[str, Array]


def from_model(model: ModelProto) -> Graph:
    """The graph of a model held in memory. See :func:`read_model`."""
    return read_model(model).graph


def read_model(
    source: Source,
    *,
    initializers: Initializers = "constant",
    shapes: Mapping[str, Sequence[Any]] | None = None,
    opaque: bool = True,
) -> ImportedModel:
    """Reads a model (a path, bytes, or a ModelProto) of opset 7 to 28; older ones are converted.

    Symbolic sizes keep their names, unknown ones get fresh symbols, values keep their names. Operators
    without a form in the IR stay as ``onnx.<Operator>`` nodes; with ``opaque=False`` they are an error.
    ``initializers="state"`` makes floating-point weights state inputs (named as in the model) instead of
    constants. ``shapes`` gives sizes to inputs by name: ints, names or None.

    Raises ImportModelError for a file that is damaged, unsafe, invalid or beyond what graphs can express.
    """
    checked = load_checked(source)
    importer = Importer(checked, opaque)
    graph, values = importer.model(initializers, shapes or {})
    return ImportedModel(graph, values)


class Scope:
    """The names of one graph while it is read: values so far, initializers not used yet, the graph around
    it.
    """

    def __init__(self, graph: Graph, importer: Importer, outer: Scope | None = None) -> None:
        self.graph = graph
        self.builder = GraphBuilder(graph)
        self.outer = outer
        self.values: dict[str, Value] = {}
        self.captured: dict[Value, Value] = {}
        self.pending: dict[str, Any] = {}
        self.declared: dict[str, TypeProto] = {}
        self._importer = importer

    def find(self, name: str) -> Value | None:
        """The value of that name, from here or captured from an enclosing graph; None if there is none."""
        found = self.values.get(name)
        if found is None and name in self.pending:
            found = self.constant(name, self._importer.dense(self.pending.pop(name)))
        if found is None and self.outer is not None:
            found = self._capture(name, self.outer.find(name))
        return found

    def constant(self, name: str, array: Array) -> Value:
        value = self.builder.constant(array)
        value.name = name
        self.values[name] = value
        return value

    def _capture(self, name: str, outer: Value | None) -> Value | None:
        if outer is None:
            return None
        op = outer.op
        if isinstance(op, Constant):
            return self.constant(name, op.value.array)
        inner = self.captured.get(outer)
        if inner is None:
            inner = self.captured[outer] = self.graph.add_input(outer.type, name)
        self.values[name] = inner
        return inner


class Importer:
    """Reads the graphs of one model. Rules see it as the reader of sub-graphs."""

    def __init__(self, model: CheckedModel, opaque: bool) -> None:
        self.proto = model.proto
        self.opsets = model.opsets
        self.folder: Path | None = model.folder
        self.opaque = opaque
        self.scope: Scope | None = None
        self._symbols: dict[str, Dim] = {}
        self._symbol_names: set[str] = set()
        self._locations: dict[str, Location] = {}

    # --- whole graphs ---------------------------------------------------------------------------------------

    def model(self, initializers: Initializers, shapes: Mapping[str, Sequence[Any]]) -> tuple[Graph, dict[str, Array]]:
        proto = self.proto.graph
        graph = Graph(proto.name or "main")
        scope = Scope(graph, self)
        weights = self._pending(proto, scope)
        self._check_shapes(proto, weights, shapes)
        for info in proto.input:
            if info.name not in weights:
                self._add_input(scope, info, shapes.get(info.name))
        values = self._state_inputs(scope) if initializers == "state" else {}
        self._read_body(proto, scope)
        graph.output_names = [output.name for output in proto.output]
        self._restore_state(graph)
        erase_removable(graph)
        return graph, values

    def subgraph(self, proto: GraphProto, types: Sequence[TensorType] | None) -> tuple[Graph, list[Value]]:
        """A sub-graph as a closed region and the outer values behind its last inputs."""
        outer = self.scope
        assert outer is not None
        graph = Graph(proto.name or "body")
        scope = Scope(graph, self, outer)
        weights = self._pending(proto, scope)
        inputs = [info for info in proto.input if info.name not in weights]
        if types is not None and len(types) != len(inputs):
            raise ImportModelError(f"sub-graph {proto.name!r} takes {len(inputs)} inputs, expected {len(types)}")
        for i, info in enumerate(inputs):
            self._add_input(scope, info, None, types[i] if types is not None else None)
        try:
            self._read_body(proto, scope)
        finally:
            self.scope = outer
        erase_removable(graph)
        return graph, list(scope.captured)

    def _read_body(self, proto: GraphProto, scope: Scope) -> None:
        self.scope = scope
        scope.declared = {info.name: info.type for info in [*proto.value_info, *proto.output]}
        with using(scope.builder):
            for node in proto.node:
                self._node(node, scope)
            scope.graph.set_outputs([self._output(scope, output.name) for output in proto.output])

    def _output(self, scope: Scope, name: str) -> Value:
        value = scope.find(name)
        if value is None:
            raise ImportModelError(
                f"graph {scope.graph.name}: output {name!r} is made by no node; the file is cut off or damaged"
            )
        return value

    # --- inputs and weights ---------------------------------------------------------------------------------

    def _pending(self, proto: GraphProto, scope: Scope) -> set[str]:
        scope.pending.update({tensor.name: tensor for tensor in proto.initializer})
        scope.pending.update({sparse.values.name: sparse for sparse in proto.sparse_initializer})
        return set(scope.pending)

    def _check_shapes(self, proto: GraphProto, weights: set[str], shapes: Mapping[str, Sequence[Any]]) -> None:
        names = [info.name for info in proto.input if info.name not in weights]
        unknown = [name for name in shapes if name not in names]
        if unknown:
            raise ImportModelError(f"shapes names {unknown}, which the model does not take; its inputs are {names}")

    def _add_input(
        self, scope: Scope, info: ValueInfoProto, shape: Sequence[Any] | None, type: TensorType | None = None
    ) -> None:
        found = type or self._input_type(info, shape)
        scope.values[info.name] = scope.graph.add_input(found, info.name)

    def _input_type(self, info: ValueInfoProto, shape: Sequence[Any] | None) -> TensorType:
        kind = info.type.WhichOneof("value")
        if kind != "tensor_type":
            raise ImportModelError(
                f"input {info.name!r} is a {str(kind).removesuffix('_type')}; graphs take tensors only"
            )
        tensor = info.type.tensor_type
        dtype = from_onnx(tensor.elem_type)
        if shape is not None:
            return TensorSpec(shape, dtype).to_type()
        if not tensor.HasField("shape"):
            raise ImportModelError(f"input {info.name!r} has no declared rank, and values in a graph have one")
        return TensorType(dtype, tuple(self._dim(d) for d in tensor.shape.dim))

    def _dim(self, dim: Any) -> Dim:
        if dim.HasField("dim_value") and dim.dim_value >= 0:
            return int(dim.dim_value)
        name = dim.dim_param
        if not name or name == "?":
            return fresh_symbol()
        if name not in self._symbols:
            self._symbols[name] = self._named_dim(name)
        return self._symbols[name]

    def _named_dim(self, name: str) -> Dim:
        if _COMPOSITE_DIM.fullmatch(name) and not _PLAIN_DIM.fullmatch(name) and not name.lstrip("- ").isdecimal():
            try:
                return parse_dim(name)
            except ValueError:
                pass  # not an expression after all: any text may be a name in ONNX
        clean = _FOREIGN.sub("_", name)
        clean = clean if _PLAIN_DIM.fullmatch(clean) else f"d_{clean}"
        while clean in self._symbol_names:
            clean += "_"
        self._symbol_names.add(clean)
        return symbol(clean)

    def _state_inputs(self, scope: Scope) -> dict[str, Array]:
        """Floating-point weights as inputs after the arguments."""
        values: dict[str, Array] = {}
        for name in list(scope.pending):
            array = self.dense(scope.pending[name])
            kind = TensorType.of(array)
            if not kind.dtype.is_floating or not kind.rank:
                continue
            del scope.pending[name]
            values[name] = array
            scope.values[name] = scope.graph.add_input(kind, name)
            scope.graph.states.append(State(name, len(scope.graph.inputs) - 1))
        return values

    def _restore_state(self, graph: Graph) -> None:
        """Marks the pairs of an exported training step as state again."""
        pairs = _state_pairs(self.proto)
        inputs = {value.name: i for i, value in enumerate(graph.inputs)}
        outputs = {name: i for i, name in enumerate(graph.output_names)}
        for old, new in pairs.items():
            if old not in inputs or new not in outputs:
                raise ImportModelError(
                    f"the model's metadata {STATE_PAIRS_KEY} pairs input {old!r} with "
                    f"output {new!r}, "
                    f"but it has inputs {list(inputs)} and outputs {list(outputs)}"
                )
            graph.states.append(State(old, inputs[old], outputs[new]))
        first = len(graph.inputs) - len(graph.states)
        if any(state.input < first for state in graph.states):
            raise ImportModelError("the inputs that hold state do not come after the others, as graphs expect")

    def dense(self, proto: Any) -> Array:
        if isinstance(proto, TensorProto):
            return self.tensor(proto)
        return sparse_array(proto, self.folder)

    def tensor(self, proto: TensorProto) -> Array:
        from_onnx(proto.data_type)
        return tensor_array(proto, self.folder)

    # --- nodes ----------------------------------------------------------------------------------------------

    def _node(self, node: NodeProto, scope: Scope) -> None:
        operands = [self._operand(node, name, scope) for name in node.input]
        scope.builder.location = self._location(node)
        results = self._native(node, operands, scope)
        named = [name for name in node.output if name]
        wanted = [r for name, r in zip(node.output, results, strict=False) if name]
        if len(wanted) != len(named):
            raise ImportModelError(f"{describe(node)} has {len(node.output)} outputs, {len(results)} were read")
        for name, value in zip(named, wanted, strict=True):
            scope.values[name] = value
            value.name = value.name or name

    def _operand(self, node: NodeProto, name: str, scope: Scope) -> Value | None:
        if not name:
            return None
        value = scope.find(name)
        if value is None:
            raise ImportModelError(
                f"{describe(node)} reads {name!r}, which is made by no node before it; the file is damaged"
            )
        return value

    def _native(self, node: NodeProto, operands: Sequence[Value | None], scope: Scope) -> Sequence[Value]:
        domain = normal_domain(node.domain)
        opset = self.opsets.get(domain, 1)
        rules = IMPORTS.get(f"{domain}.{node.op_type}" if domain else node.op_type)
        rule = pick(rules, opset) if rules else None
        if rule is None:
            return self._keep(node, opset, operands, scope, f"{describe(node)}: no op of this operator (opset {opset})")
        last = next(scope.graph.nodes_reversed(), None)
        context = ImportContext(node, operands, opset, self)
        try:
            result = rule(context)
        except (GraphcError, UndecidableDimError) as error:
            _undo(scope.graph, last)
            self.scope = scope
            return self._keep(node, opset, operands, scope, str(error))
        except _DAMAGED as error:
            raise ImportModelError(f"{describe(node)} cannot be read: {type(error).__name__}: {error}") from error
        unseen = context.unseen()
        if unseen:
            _undo(scope.graph, last)
            return self._keep(node, opset, operands, scope, f"{describe(node)}: no form for {', '.join(unseen)}")
        results: Sequence[Value] = result if isinstance(result, (tuple, list)) else (result,)
        if any(not isinstance(results[i] if i < len(results) else None, Value) for i in _used(node)):
            _undo(scope.graph, last)
            return self._keep(
                node, opset, operands, scope, f"{describe(node)}: not all of its outputs have a form here"
            )
        return results

    def _keep(
        self, node: NodeProto, opset: int, operands: Sequence[Value | None], scope: Scope, reason: str
    ) -> Sequence[Value]:
        """The node as it is, as an opaque op. ``reason`` tells why there is nothing better."""
        if not self.opaque:
            raise ImportModelError(f"{reason}; with opaque=True the operator stays in the graph as it is")
        given = [operand for operand in operands if operand is not None]
        captures = [(name, value) for name in free_names(node) if (value := scope.find(name)) is not None]
        values = [*given, *(value for _, value in captures)]
        known = {i: array for i, value in enumerate(values) if (array := _known(value)) is not None}
        try:
            op = opaque_op(
                node,
                opset,
                [v.type for v in given],
                [(n, v.type) for n, v in captures],
                known,
                scope.declared.get,
            )
        except GraphcError as error:
            raise ImportModelError(f"{error} ({reason})") from error
        result = scope.builder.bind(op, tuple(values))
        results = iter(result if isinstance(result, tuple) else (result,))
        return [next(results) if name else given[0] for name in node.output]

    def _location(self, node: NodeProto) -> Location:
        scope, slash, _ = node.name.strip("/").rpartition("/")
        if not slash:
            return UNKNOWN
        found = self._locations.get(scope)
        if found is None:
            found = self._locations[scope] = Location(scope=scope)
        return found


def _used(node: NodeProto) -> list[int]:
    return [i for i, name in enumerate(node.output) if name]


def _known(value: Value) -> Array | None:
    """The value of an operand if it is known while reading."""
    op = value.op
    if isinstance(op, Constant):
        return op.value.array
    dims: Shape | None = symbolic_value(value)
    if dims is None or not all(isinstance(d, int) for d in dims):
        return None
    return np.array(dims, value.type.dtype.np).reshape(value.type.shape)


def _undo(graph: Graph, last: Node | None) -> None:
    """Takes back what a rule appended before it failed. Constants stay: names refer to them."""
    for node in graph.nodes_reversed():
        if node is last:
            return
        if node.is_dead and not isinstance(node.op, Constant):
            graph.erase(node)


def free_names(node: NodeProto) -> list[str]:
    """Names that the node's sub-graphs take from around it, in order of first use."""
    found: dict[str, None] = {}
    for graph in _subgraphs(node):
        found.update(dict.fromkeys(_free_in(graph)))
    return list(found)


def _free_in(graph: GraphProto) -> Iterator[str]:
    bound = {item.name for item in [*graph.input, *graph.initializer]}
    bound.update(sparse.values.name for sparse in graph.sparse_initializer)
    for node in graph.node:
        for name in [*node.input, *free_names(node)]:
            if name and name not in bound:
                yield name
        bound.update(node.output)
    yield from (output.name for output in graph.output if output.name not in bound)


def _subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _state_pairs(model: ModelProto) -> dict[str, str]:
    text = next((p.value for p in model.metadata_props if p.key == STATE_PAIRS_KEY), "{}")
    try:
        pairs = json.loads(text)
    except json.JSONDecodeError as error:
        raise ImportModelError(f"the model's metadata {STATE_PAIRS_KEY} is no JSON: {error}") from error
    if not isinstance(pairs, dict) or not all(isinstance(v, str) for v in pairs.values()):
        raise ImportModelError(
            f"the model's metadata {STATE_PAIRS_KEY} must map input names to output names, it is {text[:80]}"
        )
    return pairs
