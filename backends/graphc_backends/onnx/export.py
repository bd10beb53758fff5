"""A graph as a complete ONNX model, and the model as a file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import onnx
from onnx import GraphProto, ModelProto, TensorProto, helper

import graphc_backends.onnx.families  # noqa: F401  (fills the rule tables)
from graphc_backends.onnx.rules import MIN_OPSET, STATE_PAIRS_KEY
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.errors import ExportError
from graphc_ir.graph import Graph
from graphc_ir.liveness import is_removable
from graphc_ir.ops.base import Array
from graphc_ir.ops.conv import Windowed
from graphc_ir.passes import (
    ChannelsFirst,
    CommonSubexpressionElimination,
    ConstantFolding,
    DeadCodeElimination,
    Rewrites,
    optimize,
)
from graphc_ir.passes.movement import MOVEMENT

DEFAULT_OPSET: Final = 21
# The onnx package may know an opset before it knows which IR version that one needs.
MAX_OPSET: Final = min(onnx.defs.onnx_opset_version(), max(row[2] for row in helper.VERSION_TABLE), 28)
MAX_INLINE_BYTES: Final = 2**31 - 2**20  # a protobuf message ends at 2 GiB; some room for the structure
_EXTERNAL_FROM: Final = 1024  # bytes: smaller tensors stay in the model file
_ALIGNMENT: Final = 4096  # so that runtimes can map the data into memory


def to_model(
    graph: Graph,
    opset: int = DEFAULT_OPSET,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    bound: Mapping[int, Array] | None = None,
) -> ModelProto:
    """Writes the graph, in the standard ONNX domain only unless it holds imported operators of another one.

    State is functional: input ``NAME`` and output ``NAME.new``; the model's metadata lists the pairs.
    ``input_names`` and ``output_names`` name all of them or all but the state. ``bound`` gives inputs by
    number that become initializers of their name. What no output depends on is left out; data of
    convolutions and pooling is written with the channels first. Raises ExportError for an op without ONNX
    form at this opset, and for names that clash.
    """
    if not MIN_OPSET <= opset <= MAX_OPSET:
        raise ExportError(f"opset {opset} is not supported; choose one from {MIN_OPSET} to {MAX_OPSET}")
    graph = channels_first(_without_dead_nodes(graph))
    model = ModelProto(producer_name="graphc", producer_version=version("graphc"), ir_version=ir_version_for(opset))
    writer = OnnxWriter(opset, proto=model.graph)
    writer.proto.name = graph.name
    writer.declare_inputs(graph.inputs, _named(input_names, _input_names(graph), "input"), bound)
    writer.write_body(graph, _named(output_names, _output_names(graph), "output"))
    for domain, number in {"": opset, **writer.domains}.items():
        model.opset_import.append(helper.make_opsetid(domain, number))
    pairs = state_pairs(graph)
    if pairs:
        helper.set_model_props(model, {STATE_PAIRS_KEY: json.dumps(pairs)})
    return model


_MOVING: Final = (
    ChannelsFirst(), Rewrites(tuple(rewrite.name for rewrite in MOVEMENT)), ConstantFolding(),
    CommonSubexpressionElimination(), DeadCodeElimination(),
)  # fmt: skip


def channels_first(graph: Graph) -> Graph:
    """The graph with the channels in front wherever ONNX wants them there; the graph itself if they are."""
    if not _has_channels_last(graph):
        return graph
    moved = graph.copy()
    for each in _MOVING:
        each(moved)
    return moved


def _has_channels_last(graph: Graph) -> bool:
    for node in graph.nodes():
        if isinstance(node.op, Windowed) and node.op.layout == "NHWC":
            return True
        if any(map(_has_channels_last, node.regions)):
            return True
    return False


def _without_dead_nodes(graph: Graph) -> Graph:
    if not any(map(is_removable, graph.nodes())):
        return graph
    return optimize(graph, passes=(DeadCodeElimination(),), verify="never", cost=False)[0]


def ir_version_for(opset: int) -> int:
    """The oldest IR version that an opset is released with, so that old runtimes accept the file."""
    return int(helper.find_min_ir_version_for([helper.make_opsetid("", opset)]))


def state_pairs(graph: Graph) -> dict[str, str]:
    """Input name to output name of every Variable that the graph assigns."""
    return {s.name: f"{s.name}.new" for s in graph.states if s.output is not None}


def _named(given: Sequence[str] | None, own: list[str], what: str) -> list[str]:
    """The given names, followed by the graph's own ones for what is left (the state)."""
    if given is None:
        return own
    if isinstance(given, str) or len(given) > len(own) or not all(isinstance(name, str) and name for name in given):
        raise ExportError(f"{what}_names must be up to {len(own)} names, got {given!r}")
    return [*given, *own[len(given) :]]


def _input_names(graph: Graph) -> list[str]:
    names = [value.name or "input" for value in graph.inputs]
    if names.count("input") > 1:
        names = [value.name or f"input_{i}" for i, value in enumerate(graph.inputs)]
    for state in graph.states:
        names[state.input] = state.name
    return _unique(names)


def _output_names(graph: Graph) -> list[str]:
    if len(graph.output_names) == len(graph.outputs):
        return list(graph.output_names)
    count = graph.num_results
    names = ["output"] if count == 1 else [f"output_{i}" for i in range(count)]
    names += [""] * (len(graph.outputs) - count)
    for state in graph.states:
        if state.output is not None:
            names[state.output] = f"{state.name}.new"
    taken = set(_input_names(graph))
    return [f"{name}_" if name in taken else name for name in names]


def _unique(names: list[str]) -> list[str]:
    taken: set[str] = set()
    for i, name in enumerate(names):
        number = 0
        while names[i] in taken:
            number += 1
            names[i] = f"{name}_{number}"
        taken.add(names[i])
    return names


# --- files --------------------------------------------------------------------------------------------------


def initializer_bytes(model: ModelProto) -> int:
    """Bytes of the initializers' data."""
    return sum(len(t.raw_data) for t in model.graph.initializer)


def check_model(model: ModelProto | Path) -> None:
    """The full ONNX check. Raises ExportError: what was written breaks the standard."""
    try:
        onnx.checker.check_model(model if isinstance(model, ModelProto) else str(model), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        raise ExportError(f"the exported model breaks the ONNX standard: {error}") from error


class ModelFile:
    """A model on its way to ``path``: written next to it in a folder of its own, moved into place by
    :meth:`commit`.

    Used as a context: what is not committed is removed, and a file that was there before stays untouched.
    With ``external``, large tensors go into ``<path>.data``; the model then refers to them.
    """

    def __init__(self, model: ModelProto, path: Path, external: bool) -> None:
        self.path = path
        self._data_name = path.name + ".data" if external else ""
        if not path.parent.is_dir():
            raise ExportError(f"cannot write {path}: there is no folder {path.parent}; make it first")
        if path.is_dir():
            raise ExportError(f"cannot write {path}: it is a folder; give a file name, e.g. {path / 'model.onnx'}")
        try:
            self._folder = tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent)
            self.temporary = Path(self._folder.name) / path.name
            if external:
                _write_external(model.graph, self.temporary.parent / self._data_name, self._data_name)
            _write(self.temporary, model.SerializeToString())
        except OSError as error:
            raise ExportError(f"cannot write {path}: {error.strerror}") from error

    def __enter__(self) -> ModelFile:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._folder.cleanup()

    def commit(self) -> None:
        """Moves the files into place; the model last, so that a model that is there has its data."""
        if self._data_name:
            os.replace(self.temporary.parent / self._data_name, self.path.parent / self._data_name)
        os.replace(self.temporary, self.path)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _write_external(graph: GraphProto, path: Path, location: str) -> None:
    with path.open("wb") as file:
        for tensor in graph.initializer:
            if len(tensor.raw_data) < _EXTERNAL_FROM:
                continue
            file.write(b"\0" * (-file.tell() % _ALIGNMENT))
            _refer(tensor, location, file.tell())
            file.write(tensor.raw_data)
            tensor.ClearField("raw_data")
        file.flush()
        os.fsync(file.fileno())


def _refer(tensor: TensorProto, location: str, offset: int) -> None:
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in (("location", location), ("offset", offset), ("length", len(tensor.raw_data))):
        tensor.external_data.add(key=key, value=str(value))
