"""Bridges the dtype holes of the installed runtime.

ONNX allows many dtypes that ONNX Runtime has no kernel for. Which ones is learnt from the runtime itself:
when it refuses a node, the node's kind is remembered and casts to a wider dtype are put around it, here and
in every later model. Only dtypes that hold all values of the narrower one are used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper

from graphc_ir.errors import BackendError

_T: Final = TensorProto
WIDER: Final[dict[int, tuple[int, ...]]] = {
    _T.BOOL: (_T.UINT8, _T.INT32, _T.INT64, _T.FLOAT),
    _T.INT8: (_T.INT32, _T.INT64, _T.FLOAT, _T.DOUBLE),
    _T.UINT8: (_T.INT32, _T.INT64, _T.FLOAT, _T.DOUBLE),
    _T.INT16: (_T.INT32, _T.INT64, _T.FLOAT, _T.DOUBLE),
    _T.UINT16: (_T.INT32, _T.INT64, _T.FLOAT, _T.DOUBLE),
    _T.INT32: (_T.INT64, _T.DOUBLE),
    _T.UINT32: (_T.INT64, _T.UINT64, _T.DOUBLE),
    _T.FLOAT16: (_T.FLOAT, _T.DOUBLE),
    _T.BFLOAT16: (_T.FLOAT, _T.DOUBLE),
    _T.FLOAT: (_T.DOUBLE,),
}
"""By dtype: those that hold all its values, best first."""

Kind = tuple[str, str, int, tuple[int, ...]]
"""Domain, operator, version of its definition, input dtypes."""

MISSING: Final[set[Kind]] = set()
"""What the installed runtime was found to have no kernel for."""

_PATTERNS: Final = (
    re.compile(r"implementation for (?P<operator>\w+)\(\d+\) node with name '(?P<node>[^']*)'"),
    re.compile(r"of operator \((?P<operator>\w+)\) in node \((?P<node>[^)]*)\) is invalid"),
)


def refused_node(error: Exception) -> str | None:
    """The name of the node that ONNX Runtime has no kernel for, if that is what the error says."""
    for pattern in _PATTERNS:
        found = pattern.search(str(error))
        if found is not None:
            return found["node"]
    return None


def note_missing(model: ModelProto, name: str) -> bool:
    """Remembers the kind of the refused node. False if it cannot be told apart from what is known already."""
    opsets = _opsets(model)
    for node, types in _typed_nodes(model.graph, _value_types(model)):
        if node.name == name:
            kind = kind_of(node, types, opsets)
            known = kind is None or kind in MISSING
            if kind is not None:
                MISSING.add(kind)
            return not known
    return False


def bridge(model: ModelProto) -> ModelProto:
    """The model with casts around every node of a kind that is missing; itself if there is none.

    Raises BackendError for a node whose dtype has no wider one that the runtime supports.
    """
    if not MISSING:
        return model
    result = ModelProto()
    result.CopyFrom(model)
    opsets = _opsets(model)
    operators = {kind[1] for kind in MISSING}
    if not any(node.op_type in operators for node in _all_nodes(model.graph)):
        return model
    _bridge_graph(result.graph, _value_types(model), opsets)
    return result


def kind_of(node: NodeProto, types: dict[str, int], opsets: dict[str, int]) -> Kind | None:
    """The node's kind; None where a dtype or the operator is not known."""
    dtypes = tuple(types.get(name, -1) if name else 0 for name in node.input)
    version = opsets.get(node.domain, 1)
    if -1 in dtypes or not onnx.defs.has(node.op_type, version, node.domain):
        return None
    schema = onnx.defs.get_schema(node.op_type, version, node.domain)
    return node.domain, node.op_type, schema.since_version, dtypes


def _opsets(model: ModelProto) -> dict[str, int]:
    return {entry.domain: entry.version for entry in model.opset_import}


def _value_types(model: ModelProto) -> dict[str, int]:
    """Element types of all values of the main graph, by ONNX's own inference."""
    return _declared_types(onnx.shape_inference.infer_shapes(model).graph)


def _declared_types(graph: Any) -> dict[str, int]:
    found = {t.name: t.data_type for t in graph.initializer}
    for info in (*graph.input, *graph.value_info, *graph.output):
        found[info.name] = info.type.tensor_type.elem_type
    for _, inner in _subgraphs(graph):
        found.update(_declared_types(inner))
    return found


def _subgraphs(graph: Any) -> Iterator[tuple[NodeProto, Any]]:
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield node, attribute.g


def _all_nodes(graph: Any) -> Iterator[NodeProto]:
    yield from graph.node
    for _, inner in _subgraphs(graph):
        yield from _all_nodes(inner)


def _typed_nodes(graph: Any, types: dict[str, int]) -> Iterator[tuple[NodeProto, dict[str, int]]]:
    for node in _all_nodes(graph):
        yield node, types


def _bridge_graph(graph: Any, types: dict[str, int], opsets: dict[str, int]) -> None:
    nodes: list[NodeProto] = []
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _bridge_graph(attribute.g, types, opsets)
        kind = kind_of(node, types, opsets)
        nodes += [node] if kind not in MISSING else _widened(node, kind, types)
    copies = [_copy(node) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _copy(node: NodeProto) -> NodeProto:
    copied = NodeProto()
    copied.CopyFrom(node)
    return copied


def _widened(node: NodeProto, kind: Kind | None, types: dict[str, int]) -> list[NodeProto]:
    """The node between casts: every operand and result of the first input's type variable takes a wider
    dtype.
    """
    assert kind is not None
    schema = onnx.defs.get_schema(node.op_type, kind[2], node.domain)
    for variable in dict.fromkeys(_variables(schema.inputs, len(node.input))):
        inputs = [
            i for i, v in enumerate(_variables(schema.inputs, len(node.input))) if v == variable and node.input[i]
        ]
        narrow = kind[3][inputs[0]] if inputs else 0
        for wide in WIDER.get(narrow, ()):
            dtypes = tuple(wide if i in inputs else d for i, d in enumerate(kind[3]))
            if _allows(schema, variable, wide) and (*kind[:3], dtypes) not in MISSING:
                outputs = [i for i, v in enumerate(_variables(schema.outputs, len(node.output))) if v == variable]
                return _between_casts(node, inputs, outputs, narrow, wide)
    raise BackendError(_no_kernel(node, kind))


def _variables(parameters: Any, count: int) -> list[str]:
    """The type variable of each operand; the last parameter may be variadic."""
    return [parameters[min(i, len(parameters) - 1)].type_str for i in range(count)]


def _allows(schema: Any, variable: str, dtype: int) -> bool:
    spelling = _spelling(dtype)
    return any(c.type_param_str == variable and spelling in c.allowed_type_strs for c in schema.type_constraints)


def _spelling(dtype: int) -> str:
    name = TensorProto.DataType.Name(dtype).lower()
    return f"tensor({name})"


def _between_casts(node: NodeProto, inputs: list[int], outputs: list[int], narrow: int, wide: int) -> list[NodeProto]:
    core = _copy(node)
    before, after = [], []
    for i in inputs:
        name = f"{node.name}/wide_input_{i}"
        before.append(helper.make_node("Cast", [node.input[i]], [name], name=name, to=wide))
        core.input[i] = name
    for i in outputs:
        if node.output[i]:
            name = f"{node.name}/wide_output_{i}"
            after.append(helper.make_node("Cast", [name], [node.output[i]], name=name, to=narrow))
            core.output[i] = name
    return [*before, core, *after]


def _no_kernel(node: NodeProto, kind: Kind) -> str:
    dtypes = ", ".join(TensorProto.DataType.Name(d).lower() for d in kind[3] if d)
    place = f" [{node.doc_string}]" if node.doc_string else ""
    return (f"ONNX Runtime has no kernel for {node.op_type} of {dtypes} (node {node.name!r}), and no wider "
            "dtype that it supports holds all values; cast to float32 first, or use backend='numpy'"
            f"{place}")  # fmt: skip
