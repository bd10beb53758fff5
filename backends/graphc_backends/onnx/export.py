"""A graph as a complete ONNX model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

import onnx
from onnx import ModelProto, helper

import graphc_backends.onnx.families  # noqa: F401  (fills the rule tables)
from graphc_backends.onnx.rules import MIN_OPSET
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir.errors import ExportError
from graphc_ir.graph import Graph

DEFAULT_OPSET: Final = 21
MAX_OPSET: Final = min(onnx.defs.onnx_opset_version(), 28)
STATE_PAIRS_KEY: Final = "graphc.state_pairs"


def to_model(
    graph: Graph,
    opset: int = DEFAULT_OPSET,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
) -> ModelProto:
    """Writes the graph in the standard ONNX domain only.

    State is functional: input ``NAME`` and output ``NAME.new``; the model's metadata lists the pairs. Raises
    ExportError for an op without ONNX form at this opset, and for names that clash.
    """
    if not MIN_OPSET <= opset <= MAX_OPSET:
        raise ExportError(f"opset {opset} is not supported; choose one from {MIN_OPSET} to {MAX_OPSET}")
    writer = OnnxWriter(opset)
    writer.proto.name = graph.name
    writer.declare_inputs(graph, input_names or _input_names(graph))
    writer.write_body(graph, output_names or _output_names(graph))
    model = helper.make_model(
        writer.proto,
        opset_imports=[helper.make_opsetid("", opset)],
        producer_name="graphc",
        producer_version=version("graphc"),
        ir_version=ir_version_for(opset),
    )
    pairs = state_pairs(graph)
    if pairs:
        helper.set_model_props(model, {STATE_PAIRS_KEY: json.dumps(pairs)})
    return model


def ir_version_for(opset: int) -> int:
    """The oldest IR version that an opset is released with, so that old runtimes accept the file."""
    return int(helper.find_min_ir_version_for([helper.make_opsetid("", opset)]))


def state_pairs(graph: Graph) -> dict[str, str]:
    """Input name to output name of every Variable that the graph assigns."""
    return {s.name: f"{s.name}.new" for s in graph.states if s.output is not None}


def _input_names(graph: Graph) -> list[str]:
    names = [value.name or f"input_{i}" for i, value in enumerate(graph.inputs)]
    for state in graph.states:
        names[state.input] = state.name
    return names


def _output_names(graph: Graph) -> list[str]:
    count = graph.num_results
    names = ["output"] if count == 1 else [f"output_{i}" for i in range(count)]
    names += [""] * (len(graph.outputs) - count)
    for state in graph.states:
        if state.output is not None:
            names[state.output] = f"{state.name}.new"
    return names
