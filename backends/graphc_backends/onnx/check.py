"""Reads model files and checks them before anything else looks inside: size, structure, versions, function
calls, external data. Nothing of a file is ever executed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    helper,
    inliner,
    numpy_helper,
    version_converter,
)

from graphc_ir.errors import ImportModelError
from graphc_ir.ops.base import Array

MIN_IMPORT_OPSET: Final = 7
MAX_IMPORT_OPSET: Final = min(onnx.defs.onnx_opset_version(), 28)
MAX_FILE_BYTES: Final = 2**31 - 1
MAX_NODES: Final = 5_000_000
MAX_RANK: Final = 32

Source = ModelProto | bytes | str | os.PathLike[str]

_FOREIGN_FORMATS: Final = (
    (b"PK\x03\x04", "a zip archive (a .keras, .pt2 or .mlpackage file?)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80", "a Python pickle"),
    (b"{", "JSON text"),
    (b"<", "markup text"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself (run git lfs pull)"),
)


@dataclass(frozen=True)
class CheckedModel:
    """A model that passed all checks, functions inlined. ``folder`` holds its external data; None without
    any.
    """

    proto: ModelProto
    folder: Path | None

    @property
    def opsets(self) -> dict[str, int]:
        """Versions by domain; the standard domain is ``""``."""
        return opsets_of(self.proto)


def opsets_of(model: ModelProto) -> dict[str, int]:
    """Versions by domain; the standard domain is ``""``."""
    return {normal_domain(o.domain): o.version for o in model.opset_import}


def normal_domain(domain: str) -> str:
    """``"ai.onnx"`` and ``""`` name the same domain."""
    return "" if domain == "ai.onnx" else domain


def load_checked(source: Source) -> CheckedModel:
    """Loads a model and checks it. Raises ImportModelError that says what is wrong with the file."""
    path = None if isinstance(source, (ModelProto, bytes)) else Path(source)
    label = "the model" if path is None else str(path)
    model = source if isinstance(source, ModelProto) else _parse(_read(source), label)
    _check_structure(model, label)
    folder = None if path is None else path.resolve().parent
    _check_functions(model, label)
    _check_external(model, folder, label)
    _run_checker(model, path, label)
    if model.functions:
        model = inliner.inline_local_functions(model, True)
    return CheckedModel(_modernised(model, label), folder)


# --- files --------------------------------------------------------------------------------------------------


def _read(source: bytes | str | os.PathLike[str]) -> bytes:
    if isinstance(source, bytes):
        return source
    path = Path(source)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no regular file" if path.exists() else "does not exist"
        raise ImportModelError(f"{path} {what}; give the path of an .onnx file")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ImportModelError(
            f"{path} has {size} bytes; an ONNX file holds at most {MAX_FILE_BYTES}, "
            "larger models keep "
            "their weights in external data files next to it"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImportModelError(f"{path} cannot be read: {error.strerror}") from error


def _parse(data: bytes, label: str) -> ModelProto:
    if not data:
        raise ImportModelError(f"{label} is empty (0 bytes); expected an ONNX model")
    try:
        parsed: ModelProto = ModelProto.FromString(data)
        return parsed
    except DecodeError as error:
        raise ImportModelError(f"{label} ({len(data)} bytes) is no readable ONNX model: {_guess(data)}") from error


def _guess(data: bytes) -> str:
    for magic, name in _FOREIGN_FORMATS:
        if data.startswith(magic):
            return f"it looks like {name}"
    if data[4:8] == b"ORTM":
        return "it is in ONNX Runtime's own ORT format; use the .onnx file that it was made from"
    if data[4:8] == b"TFL3":
        return "it is a TensorFlow Lite file"
    return "the file is damaged, cut off, or of another format; fetch or export it again"


# --- structure ----------------------------------------------------------------------------------------------


def _check_structure(model: ModelProto, label: str) -> None:
    if not model.HasField("graph"):
        raise ImportModelError(f"{label} holds no graph: the file is cut off or is no ONNX model")
    if model.ir_version > onnx.IR_VERSION:
        raise ImportModelError(
            f"{label} has IR version {model.ir_version}, the installed onnx "
            f"{onnx.__version__} knows up "
            f"to {onnx.IR_VERSION}; update onnx or export with an older version"
        )
    if not model.opset_import:
        raise ImportModelError(
            f"{label} imports no operator set, so its operators have no meaning; the file "
            "is cut off "
            "or made by a broken exporter"
        )
    version = opsets_of(model).get("", MIN_IMPORT_OPSET)
    if version > MAX_IMPORT_OPSET:
        raise ImportModelError(
            f"{label} is of opset {version}; supported are {MIN_IMPORT_OPSET} to "
            f"{MAX_IMPORT_OPSET}, "
            "older ones by conversion; export it with an opset in that range"
        )


def _run_checker(model: ModelProto, path: Path | None, label: str) -> None:
    try:
        if path is not None and has_external_data(model):
            onnx.checker.check_model(str(path))
        else:
            onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ImportModelError(f"{label} is no valid ONNX model: {reason}") from error


def _modernised(model: ModelProto, label: str) -> ModelProto:
    """Operator sets from before 7 are converted: their broadcasting has another meaning."""
    version = opsets_of(model).get("", MIN_IMPORT_OPSET)
    if version >= MIN_IMPORT_OPSET:
        return model
    try:
        return version_converter.convert_version(model, MIN_IMPORT_OPSET)
    except Exception as error:
        raise ImportModelError(
            f"{label} is of opset {version} and cannot be converted to {MIN_IMPORT_OPSET}: {error}"
        ) from error


# --- local functions ----------------------------------------------------------------------------------------


def _check_functions(model: ModelProto, label: str) -> None:
    """Functions must end and must not blow up when they are written in place."""
    if not model.functions:
        return
    sizes = _expanded_sizes(model, label)
    total = sum(_call_size(node, sizes) for node in _nodes_within(model.graph.node))
    if total > MAX_NODES:
        raise ImportModelError(f"{label} has {total} nodes with its functions expanded; at most {MAX_NODES} are read")


_FunctionKey = tuple[str, str, str]


def _expanded_sizes(model: ModelProto, label: str) -> dict[_FunctionKey, int]:
    """Nodes of each function with all calls expanded. Raises ImportModelError for a function that calls
    itself.
    """
    functions = {_key(f.domain, f.name, f.overload): f for f in model.functions}
    sizes: dict[_FunctionKey, int] = {}
    open_calls: dict[_FunctionKey, None] = {}
    stack = list(functions)
    while stack:
        key = stack[-1]
        waiting = [k for k in _callees(functions[key], functions) if k not in sizes]
        if not waiting or key in sizes:
            sizes.setdefault(key, sum(_call_size(n, sizes) for n in _nodes_within(functions[key].node)))
            open_calls.pop(key, None)
            stack.pop()
            continue
        if key in open_calls:
            raise ImportModelError(
                f"{label}: function {key[1]!r} of domain {key[0]!r} calls itself, which ONNX does not allow"
            )
        open_calls[key] = None
        stack.extend(waiting)
    return sizes


def _key(domain: str, name: str, overload: str) -> _FunctionKey:
    return normal_domain(domain), name, overload


def _callees(function: FunctionProto, known: Mapping[_FunctionKey, FunctionProto]) -> list[_FunctionKey]:
    keys = {_key(n.domain, n.op_type, n.overload) for n in _nodes_within(function.node)}
    return [key for key in keys if key in known]


def _call_size(node: NodeProto, sizes: Mapping[_FunctionKey, int]) -> int:
    return 1 + sizes.get(_key(node.domain, node.op_type, node.overload), 0)


def _nodes_within(nodes: Sequence[NodeProto]) -> Iterator[NodeProto]:
    """All nodes, those of sub-graphs too."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        for graph in _subgraphs(node):
            stack.extend(graph.node)


def _subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


# --- tensors and external data ------------------------------------------------------------------------------


def _all_tensors(model: ModelProto) -> Iterator[TensorProto]:
    graphs = [model.graph]
    functions = [node for function in model.functions for node in function.node]
    for node in _nodes_within([*model.graph.node, *functions]):
        graphs.extend(_subgraphs(node))
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield sparse.values
            yield sparse.indices


def has_external_data(model: ModelProto) -> bool:
    return any(t.data_location == TensorProto.EXTERNAL for t in _all_tensors(model))


def _check_external(model: ModelProto, folder: Path | None, label: str) -> None:
    for tensor in _all_tensors(model):
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        if folder is None:
            raise ImportModelError(
                f"{label}: the data of tensor {tensor.name!r} is in another file; import "
                "the model by "
                "its path, so that the file can be found next to it"
            )
        _external_place(tensor, folder)


def _external_place(tensor: TensorProto, folder: Path) -> tuple[Path, int, int]:
    """File, offset and byte count. Raises ImportModelError unless the file lies within the model's own
    folder.
    """
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    what = f"the data of tensor {tensor.name!r} is said to be in {location!r}"
    path = (folder / location).resolve()
    if not location or "\0" in location or Path(location).is_absolute() or "\\" in location:
        raise ImportModelError(f"{what}, which is no relative path")
    if not path.is_relative_to(folder):
        raise ImportModelError(f"{what}, outside of the model's folder {folder}; only files next to the model are read")
    if not path.is_file():
        raise ImportModelError(f"{what}, but {path} is no file; copy the data file next to the model")
    size = path.stat().st_size
    offset, length = _entry(entries, "offset", 0, what), _entry(entries, "length", -1, what)
    length = size - offset if length < 0 else length
    if offset + length > size:
        raise ImportModelError(
            f"{what} at bytes {offset} to {offset + length}, but {path} has {size} bytes; it is cut off"
        )
    return path, offset, length


def _entry(entries: Mapping[str, str], key: str, default: int, what: str) -> int:
    text = entries.get(key, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise ImportModelError(f"{what} with {key} {text[:40]!r}, which is no byte count")
    return int(text)


def tensor_array(tensor: TensorProto, folder: Path | None) -> Array:
    """A tensor's elements. Raises ImportModelError for data that does not fit its type and shape."""
    if any(d < 0 for d in tensor.dims) or len(tensor.dims) > MAX_RANK:
        raise ImportModelError(
            f"tensor {tensor.name!r} has the shape {list(tensor.dims)[:40]}; expected at "
            f"most {MAX_RANK} "
            "sizes, none negative"
        )
    try:
        if tensor.data_location == TensorProto.EXTERNAL:
            return _external_array(tensor, folder)
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ImportModelError(
            f"the data of tensor {tensor.name!r} does not fit its shape "
            f"{list(tensor.dims)}: {error}; "
            "the file is damaged"
        ) from error


def _external_array(tensor: TensorProto, folder: Path | None) -> Array:
    assert folder is not None, "checked when the model was loaded"
    path, offset, length = _external_place(tensor, folder)
    dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    if dtype.itemsize == 0 or dtype == np.object_:
        raise ImportModelError(f"tensor {tensor.name!r}: elements of type {dtype} cannot be in an external file")
    inline = TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
    with path.open("rb") as file:
        file.seek(offset)
        inline.raw_data = file.read(length)
    return numpy_helper.to_array(inline)


def sparse_array(sparse: onnx.SparseTensorProto, folder: Path | None) -> Array:
    """A sparse tensor with its zeros filled in. Raises ImportModelError for indices outside of its shape."""
    values, indices = tensor_array(sparse.values, folder), tensor_array(sparse.indices, folder)
    shape = tuple(sparse.dims)
    name = sparse.values.name
    count = 1
    for size in shape:
        count *= size
    if not shape or min(shape) < 0 or count * values.itemsize > MAX_FILE_BYTES:
        raise ImportModelError(f"sparse tensor {name!r} has the shape {list(shape)}; it is too large to fill in")
    if indices.ndim == 2:
        inside = indices.shape == (values.size, len(shape)) and bool(((indices >= 0) & (indices < shape)).all())
        flat = np.ravel_multi_index(tuple(indices.T), shape) if inside else indices
    else:
        flat, inside = (
            indices,
            indices.shape == values.shape and bool(((indices >= 0) & (indices < count)).all()),
        )
    if not inside:
        raise ImportModelError(f"sparse tensor {name!r} has indices outside of its shape {list(shape)}")
    dense = np.zeros(count, values.dtype)
    dense[flat] = values
    return dense.reshape(shape)
