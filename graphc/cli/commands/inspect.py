"""``graphc inspect``: what is in a model file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from onnx import TensorProto
from rich.console import Console

from graphc.cli.console import counted, make_console, print_code, print_table
from graphc.cli.inputs import input_names, output_names, parse_sizes
from graphc.cli.models import LoadedModel, load_model
from graphc.cli.options import model_argument, size_option
from graphc_backends.onnx.dtypes import from_onnx
from graphc_ir.analysis.cost import graph_cost
from graphc_ir.analysis.views import summary_by_op
from graphc_ir.graph import Graph
from graphc_ir.ops.constant import Constant
from graphc_ir.printer import print_graph
from graphc_ir.types import TensorType

_LIMIT: Final = 60  # nodes of the IR that are shown
_LARGEST: Final = 10  # weights that are listed


@click.command()
@model_argument
@click.option("--ir/--no-ir", "show_ir", default=True, help="Print the IR, at most 60 nodes of it.")
@click.option("--full", is_flag=True, help="Print nothing but the whole IR, which graphc reads back.")
@size_option
def inspect(model: Path, show_ir: bool, full: bool, sizes: Sequence[str]) -> None:
    """Show the IR of MODEL (ONNX, or IR text in a .gc or .txt file), its inputs and outputs, and its work by op."""
    loaded = load_model(model)
    graph = loaded.graph
    bindings = parse_sizes(graph, sizes)
    if full:
        click.echo(print_graph(graph), nl=False)
        return
    console = make_console()
    if show_ir:
        print_code(console, print_graph(graph, abridged=True, limit=_LIMIT))
        console.print()
    for line in description(loaded):
        console.print(line)
    print_table(console, "Inputs and outputs", ("", "name", "type"), _ports(graph), left=3)
    _print_weights(console, loaded)
    _print_work(console, graph, bindings)


def description(loaded: LoadedModel) -> list[str]:
    """The file in words: format, versions, producer."""
    size = counted(loaded.path.stat().st_size, "B")
    proto = loaded.proto
    if proto is None:
        return [f"{loaded.path}: IR text, {size}"]
    opsets = ", ".join(f"{o.domain or 'ai.onnx'} {o.version}" for o in proto.opset_import)
    producer = " ".join(part for part in (proto.producer_name, proto.producer_version) if part)
    return [
        f"{loaded.path}: ONNX, {size}, IR version {proto.ir_version}, opset {opsets}",
        f"producer: {producer or 'not named'}; {len(proto.graph.node)} ONNX nodes, {len(loaded.graph)} IR nodes",
    ]


def _ports(graph: Graph) -> list[tuple[str, str, str]]:
    states = {state.input for state in graph.states}
    inputs = [
        ("state" if i in states else "input", name, str(value.type))
        for i, (name, value) in enumerate(zip(input_names(graph), graph.inputs, strict=True))
    ]
    names = zip(output_names(graph), graph.outputs, strict=True)
    outputs = [("output" if i < graph.num_results else "new state", n, str(v.type)) for i, (n, v) in enumerate(names)]
    return [*inputs, *outputs]


def _weights(loaded: LoadedModel) -> list[tuple[str, TensorType]]:
    """Stored tensors, largest first."""
    if loaded.proto is not None:
        found = [(t.name, _stored_type(t)) for t in loaded.proto.graph.initializer]
    else:
        constants = [n for n in loaded.graph.nodes() if isinstance(n.op, Constant)]
        found = [(node.result.name or "constant", node.result.type) for node in constants]
    return sorted(found, key=lambda pair: -_nbytes(pair[1]))


def _stored_type(tensor: TensorProto) -> TensorType:
    return TensorType(from_onnx(tensor.data_type), tuple(tensor.dims))


def _elements(type: TensorType) -> int:
    total = 1
    for dim in type.shape:
        total *= dim if isinstance(dim, int) else 1
    return total


def _nbytes(type: TensorType) -> int:
    size: int = type.dtype.size
    return _elements(type) * size


def _print_weights(console: Console, loaded: LoadedModel) -> None:
    weights = _weights(loaded)
    if not weights:
        return
    elements, size = sum(_elements(t) for _, t in weights), sum(_nbytes(t) for _, t in weights)
    title = f"{len(weights)} stored tensors, {counted(elements)} elements, {counted(size, 'B')}"
    rows = [(name, str(kind), counted(_nbytes(kind), "B")) for name, kind in weights[:_LARGEST]]
    if len(weights) > _LARGEST:
        rows.append((f"... {len(weights) - _LARGEST} smaller ones", "", ""))
    print_table(console, title, ("name", "type", "size"), rows, left=2)


def _parameters_by_op(graph: Graph) -> dict[str, int]:
    """Floating-point elements of constants and state by the op that reads them first."""
    states = {graph.inputs[state.input] for state in graph.states}
    counted_already = set()
    totals: dict[str, int] = {}
    for node in graph.nodes():
        for value in node.operands:
            stored = isinstance(value.op, Constant) or value in states
            if stored and value.type.dtype.is_floating and value not in counted_already:
                counted_already.add(value)
                totals[node.op.name] = totals.get(node.op.name, 0) + _elements(value.type)
    return totals


def _print_work(console: Console, graph: Graph, sizes: dict[str, int]) -> None:
    parameters = _parameters_by_op(graph)
    rows = [
        (row.op, str(row.count), counted(row.flops), counted(row.bytes, "B"), counted(parameters.get(row.op, 0)))
        for row in summary_by_op(graph, sizes)
    ]
    total = graph_cost(graph, sizes)
    rows.append(("total", str(len(graph)), counted(total.flops), counted(total.bytes, "B"),
                 counted(sum(parameters.values()))))  # fmt: skip
    headings = ("op", "count", "FLOPs", "bytes moved", "parameters")
    print_table(console, "Work of one run", headings, rows)
