"""Operators without an op of their own: typed by ONNX's shape inference, run by its reference
implementation, written back as they were read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import onnx
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    TypeProto,
    ValueInfoProto,
    helper,
    numpy_helper,
    shape_inference,
    version_converter,
)
from onnx.reference import ReferenceEvaluator

from graphc_backends.onnx.dtypes import from_onnx, to_onnx
from graphc_backends.onnx.rules import exports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.dims import Dim, fresh_symbol
from graphc_ir.errors import BackendError, DTypeError, ExportError, ImportModelError
from graphc_ir.graph import Node
from graphc_ir.ops.base import Array
from graphc_ir.ops.constant import ArrayAttribute
from graphc_ir.ops.opaque import OnnxOp, Setting, set_opaque_runtime
from graphc_ir.types import TensorType

_KNOWN_LIMIT: Final = 1024  # elements: longer constants tell shape inference nothing
_RANDOM: Final = frozenset(
    {
        "Bernoulli",
        "Dropout",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    }
)
_REFERENCE_OPSETS: Final = (
    13,
    15,
    18,
    19,
    21,
    22,
)  # where the reference implementation lacks an older version
_NUMBERS: Final = {"INT": "i", "FLOAT": "f", "INTS": "ints", "FLOATS": "floats"}


# --- attributes ---------------------------------------------------------------------------------------------


def read_settings(node: NodeProto) -> tuple[Setting, ...]:
    """The node's attributes as hashable data, in the order of their names."""
    return tuple(_setting(a) for a in sorted(node.attribute, key=lambda a: a.name))


def _setting(attribute: AttributeProto) -> Setting:
    kind = AttributeProto.AttributeType.Name(attribute.type)
    if kind in _NUMBERS:
        value = getattr(attribute, _NUMBERS[kind])
        return attribute.name, kind, tuple(value) if kind.endswith("S") else value
    if kind == "STRING":
        return attribute.name, kind, _text(attribute.s)
    if kind == "STRINGS":
        return attribute.name, kind, tuple(map(_text, attribute.strings))
    if kind == "TENSOR":
        return attribute.name, kind, _array(attribute.t)
    return attribute.name, kind, attribute.SerializeToString(deterministic=True)


def _text(data: bytes) -> str | bytes:
    """As text where it is text: attributes of that type may hold any bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _array(tensor: TensorProto) -> ArrayAttribute | bytes:
    try:
        from_onnx(tensor.data_type)
    except ImportModelError:
        return bytes(tensor.SerializeToString(deterministic=True))  # float8 and the like: kept, but no array of ours
    return ArrayAttribute(numpy_helper.to_array(tensor))


def _attribute(setting: Setting) -> AttributeProto:
    name, kind, value = setting
    proto = AttributeProto(name=name, type=AttributeProto.AttributeType.Value(kind))
    if kind in _NUMBERS:
        field = getattr(proto, _NUMBERS[kind]) if kind.endswith("S") else None
        field.extend(value) if field is not None else setattr(proto, _NUMBERS[kind], value)
    elif kind == "STRING":
        proto.s = value.encode() if isinstance(value, str) else value
    elif kind == "STRINGS":
        proto.strings.extend(v.encode() if isinstance(v, str) else v for v in value)
    elif kind == "TENSOR":
        tensor = TensorProto.FromString(value) if isinstance(value, bytes) else numpy_helper.from_array(value.array)
        proto.t.CopyFrom(tensor)
    else:
        proto = AttributeProto.FromString(value)
    return proto


# --- one-node models ----------------------------------------------------------------------------------------


def one_node_model(op: OnnxOp, types: Sequence[TensorType], known: Mapping[int, Array] | None = None) -> ModelProto:
    """A model of this operator alone, with inputs ``x0, x1...`` (and captured names) and outputs ``y0,
    y1...``.

    ``known`` gives operands that are constants.
    """
    symbols: dict[Dim, str] = {}
    labels = operand_labels(op, len(types))
    infos = [
        helper.make_tensor_value_info(label, to_onnx(t.dtype), _shape(t, symbols))
        for label, t in zip(labels, types, strict=True)
    ]
    constants = [numpy_helper.from_array(array, labels[i]) for i, array in (known or {}).items()]
    outputs = [f"y{i}" for i in range(len(op.types) or sum(op.wanted))]
    declared: list[ValueInfoProto] = [
        _declared(label, op.types[i] if op.types else None, symbols) for i, label in enumerate(outputs)
    ]
    graph = helper.make_graph([_node(op, labels, outputs)], "opaque", infos, declared, constants)
    versions = {op.domain: op.opset} | ({"": 21} if op.domain else {})
    opsets = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=onnx.IR_VERSION)


def operand_labels(op: OnnxOp, count: int) -> list[str]:
    return [*(f"x{i}" for i in range(count - len(op.captures))), *op.captures]


def _declared(label: str, type: TensorType | None, symbols: dict[Dim, str]) -> ValueInfoProto:
    if type is None:
        return ValueInfoProto(name=label)
    return helper.make_tensor_value_info(label, to_onnx(type.dtype), _shape(type, symbols))


def _shape(type: TensorType, symbols: dict[Dim, str]) -> list[int | str]:
    return [d if isinstance(d, int) else symbols.setdefault(d, f"dim{len(symbols)}") for d in type.shape]


def _node(op: OnnxOp, operands: Sequence[str], results: Sequence[str]) -> NodeProto:
    inputs = _spread(op.given, operands[: len(operands) - len(op.captures)])
    node = NodeProto(
        op_type=op.op_type, domain=op.domain, name="opaque", input=inputs, output=_spread(op.wanted, results)
    )
    node.attribute.extend(map(_attribute, op.settings))
    return node


def _spread(mask: tuple[bool, ...], names: Sequence[str]) -> list[str]:
    following = iter(names)
    return [next(following) if used else "" for used in mask]


# --- reading ------------------------------------------------------------------------------------------------


def opaque_op(
    node: NodeProto,
    opset: int,
    operands: Sequence[TensorType],
    captures: Sequence[tuple[str, TensorType]],
    known: Mapping[int, Array],
    declared: Callable[[str], TypeProto | None],
) -> OnnxOp:
    """The op that keeps ``node`` as it is.

    ``operands`` are the types of the inputs that are given, ``captures`` those of outer values that
    sub-graphs use, ``known`` the small constants among all these, ``declared`` what the model itself says of
    a value's type. Raises ImportModelError when a result's type or rank cannot be told.
    """
    given, wanted = tuple(map(bool, node.input)), tuple(map(bool, node.output))
    untyped = OnnxOp(
        op_type=node.op_type,
        opset=_meaning(node, opset),
        types=(),
        settings=read_settings(node),
        domain="" if node.domain == "ai.onnx" else node.domain,
        given=given,
        wanted=wanted,
        captures=tuple(name for name, _ in captures),
        deterministic=not _is_random(node),
    )
    types = [*operands, *(t for _, t in captures)]
    inferred = _infer(untyped, types, known)
    labels = [name for name in node.output if name]
    protos = [found if _has_rank(found) else declared(label) for found, label in zip(inferred, labels, strict=True)]
    names = {text: dim for dim, text in _symbols_of(types).items()}
    results = tuple(_result_type(node, label, proto, names) for label, proto in zip(labels, protos, strict=True))
    return OnnxOp(**{**untyped.attributes(), "types": results})


def _meaning(node: NodeProto, opset: int) -> int:
    """The version since which the operator means the same, so that equal nodes of different models are equal.

    Sub-graphs hold operators with versions of their own, and keep the model's.
    """
    holds_graph = any(a.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for a in node.attribute)
    if holds_graph or not onnx.defs.has(node.op_type, opset, node.domain):
        return opset
    return int(onnx.defs.get_schema(node.op_type, opset, node.domain).since_version)


def _symbols_of(types: Sequence[TensorType]) -> dict[Dim, str]:
    symbols: dict[Dim, str] = {}
    for type in types:
        _shape(type, symbols)
    return symbols


def _infer(op: OnnxOp, types: Sequence[TensorType], known: Mapping[int, Array]) -> list[TypeProto]:
    small = {i: array for i, array in known.items() if array.size <= _KNOWN_LIMIT}
    model = one_node_model(op, types, small)
    if not onnx.defs.has(op.op_type, op.domain):
        return [output.type for output in model.graph.output]
    try:
        found = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except (shape_inference.InferenceError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ImportModelError(f"{op.name} does not accept ({', '.join(map(str, types))}): {reason}") from error
    return [output.type for output in found.graph.output]


def _has_rank(proto: TypeProto) -> bool:
    return (proto.HasField("tensor_type") and proto.tensor_type.HasField("shape")) or _is_no_tensor(proto)


def _is_no_tensor(proto: TypeProto) -> bool:
    return proto.WhichOneof("value") not in (None, "tensor_type")


def _result_type(node: NodeProto, label: str, proto: TypeProto | None, names: dict[str, Dim]) -> TensorType:
    what = f"{node.op_type} node {node.name or label!r}: result {label!r}"
    if proto is not None and _is_no_tensor(proto):
        kind = str(proto.WhichOneof("value")).removesuffix("_type")
        raise ImportModelError(f"{what} is a {kind}; graphs hold tensors only")
    if proto is None or not _has_rank(proto):
        raise ImportModelError(
            f"{what} has a rank that is not known before the model runs; declare its "
            "shape in the "
            "model (value_info), or make the inputs' sizes known"
        )
    dtype = from_onnx(proto.tensor_type.elem_type)
    return TensorType(dtype, tuple(_result_dim(d, names) for d in proto.tensor_type.shape.dim))


def _result_dim(dim: Any, names: dict[str, Dim]) -> Dim:
    if dim.HasField("dim_value") and dim.dim_value >= 0:
        return int(dim.dim_value)
    if dim.dim_param not in names or not dim.dim_param:
        names[dim.dim_param] = fresh_symbol()
    return names[dim.dim_param]


def _is_random(node: NodeProto) -> bool:
    stack = [node]
    while stack:
        current = stack.pop()
        if current.op_type in _RANDOM:
            return True
        for attribute in current.attribute:
            for graph in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                stack.extend(graph.node)
    return False


# --- running ------------------------------------------------------------------------------------------------


def run_opaque(op: OnnxOp, arrays: Sequence[Array]) -> list[Array]:
    """The results by the ONNX reference implementation. Raises BackendError where it has none."""
    operands = [np.asarray(a) for a in arrays]
    key = OnnxOp(**{**op.attributes(), "types": ()})
    evaluator = _evaluator(key, tuple(TensorType.of(a).with_shape((0,) * a.ndim) for a in operands))
    results = evaluator.run(None, dict(zip(operand_labels(op, len(operands)), operands, strict=True)))
    return [_checked(op, type, result) for type, result in zip(op.types, results, strict=True)]


def _checked(op: OnnxOp, type: TensorType, result: Any) -> Array:
    array = np.asarray(result, object if type.dtype.kind == "s" else None)
    if array.dtype != type.dtype.np:
        raise DTypeError(f"{op.name}: the reference implementation gave {array.dtype}, expected {type}")
    return array


@lru_cache(512)
def _evaluator(op: OnnxOp, types: tuple[TensorType, ...]) -> ReferenceEvaluator:
    unknown = [t.with_shape(tuple(fresh_symbol() for _ in t.shape)) for t in types]
    model = one_node_model(op, unknown)
    try:
        return ReferenceEvaluator(model)
    except (RuntimeError, NotImplementedError) as error:
        newer = [o for o in _REFERENCE_OPSETS if o > op.opset and not op.domain]
        for opset in newer:
            found = _evaluator_at(model, opset)
            if found is not None:
                return found
        raise BackendError(
            f"{op.name} of version {op.opset} has no reference implementation to run it in "
            "NumPy; use "
            "backend='onnxruntime'"
        ) from error


def _evaluator_at(model: ModelProto, opset: int) -> ReferenceEvaluator | None:
    try:
        return ReferenceEvaluator(version_converter.convert_version(model, opset))
    except (RuntimeError, NotImplementedError, version_converter.ConvertError):
        return None


set_opaque_runtime(run_opaque)


# --- writing ------------------------------------------------------------------------------------------------


@exports(OnnxOp)
def _write(writer: OnnxWriter, node: Node, operands: list[str]) -> list[str]:
    op = node.op
    assert isinstance(op, OnnxOp)
    types = [operand.type for operand in node.operands]
    graph = _at_version(op, types, writer, str(node.location)).graph
    names = dict(zip(operand_labels(op, len(operands)), operands, strict=True))
    for tensor in graph.initializer:
        names[tensor.name] = writer.constant(numpy_helper.to_array(tensor))
    for inner in graph.node:
        if inner.op_type == "Constant" and inner.attribute[0].HasField("t"):  # what a conversion made of attributes
            names[inner.output[0]] = writer.constant(numpy_helper.to_array(inner.attribute[0].t))
            continue
        inner.name = ""
        _rename_node(inner, names, writer)
        writer.add(inner)
    return [names[output.name] for output in graph.output]


def _at_version(op: OnnxOp, types: Sequence[TensorType], writer: OnnxWriter, place: str) -> ModelProto:
    """The operator in the version that the written model uses: converted if its meaning changed in
    between.
    """
    model = one_node_model(op, types)
    if op.domain:
        writer.use_domain(op.domain, op.opset)
        return model
    if _since(op, op.opset) == _since(op, writer.opset):
        return model
    try:
        converted = version_converter.convert_version(model, writer.opset)
    except (RuntimeError, version_converter.ConvertError) as error:
        raise ExportError(
            f"{op.name} of opset {op.opset} cannot be written at opset {writer.opset}: "
            f"{error}; export with "
            f"opset={max(op.opset, 13)} [{place}]"
        ) from error
    return converted


def _since(op: OnnxOp, opset: int) -> int | None:
    try:
        return int(onnx.defs.get_schema(op.op_type, opset, op.domain).since_version)
    except onnx.defs.SchemaError:
        return None


def _rename_node(node: NodeProto, names: dict[str, str], writer: OnnxWriter) -> None:
    inputs = [names.get(name, name) for name in node.input]
    del node.input[:]
    node.input.extend(inputs)
    for attribute in node.attribute:
        for graph in [attribute.g] if attribute.HasField("g") else attribute.graphs:
            _rename_graph(graph, names, writer)
    outputs = [_renamed(name, node.op_type, names, writer) for name in node.output]
    del node.output[:]
    node.output.extend(outputs)


def _rename_graph(graph: GraphProto, outer: dict[str, str], writer: OnnxWriter) -> None:
    """Names inside must differ from all names around the node."""
    names = dict(outer)
    for declared in [*graph.input, *graph.initializer]:
        declared.name = _renamed(declared.name, declared.name, names, writer)
    for node in graph.node:
        _rename_node(node, names, writer)
    for output in graph.output:
        output.name = names[output.name]
    del graph.value_info[:]


def _renamed(name: str, stem: str, names: dict[str, str], writer: OnnxWriter) -> str:
    if name:
        names[name] = writer.fresh(stem)
    return names.get(name, "")
