"""What the demo prints about graphs: their text, what the passes did, how fast they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console

from graphc.cli.commands.bench import measure
from graphc.cli.console import counted, duration, print_code, print_table
from graphc.cli.demo.agreement import Comparison
from graphc_ir.analysis.cost import graph_cost
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array
from graphc_ir.passes.pipelines import PIPELINES
from graphc_ir.passes.report import HEADER, Report
from graphc_ir.printer import print_graph

_NODES: Final = 18  # of a graph that are shown
_STATES: Final = 2
_BACKENDS: Final = ("numpy", "onnxruntime")
_FREQUENT: Final = 12


def print_ir(console: Console, title: str, graph: Graph, sizes: dict[str, int]) -> None:
    """The first and last lines of a graph, and how often it has which op."""
    cost = graph_cost(graph, sizes, default=1)
    assumed = ", ".join(f"{name} = {size}" for name, size in sizes.items())
    work = f"{len(graph)} ops, {counted(cost.flops)}FLOPs and {counted(cost.bytes, 'B')} moved per run with {assumed}"
    console.print(f"{title}: {work}", style="bold")
    print_code(console, "\n".join(_shortened(print_graph(graph, abridged=True, limit=_NODES))))
    counts = Counter(node.op.name for node in graph.nodes()).most_common()
    shown = ", ".join(f"{name} {count}" for name, count in counts[:_FREQUENT])
    rest = sum(count for _, count in counts[_FREQUENT:])
    console.print(f"ops: {shown}{f', others {rest}' if rest else ''}\n")


def _shortened(text: str) -> Iterator[str]:
    """The lines with all but the first few states left out."""
    states = 0
    for line in text.splitlines():
        is_state = line.startswith("  state(")
        if states > _STATES and not is_state:
            yield f"  ... {states - _STATES} more states ..."
            states = 0
        states += is_state
        if not is_state or states <= _STATES:
            yield line


def print_passes(console: Console, report: Report, sizes: dict[str, int]) -> None:
    """What each pass did to time, ops, FLOPs and bytes."""
    assumed = ", ".join(f"{name} = {size}" for name, size in sizes.items())
    print_table(console, f"Passes of O2 on the training step ({assumed})", HEADER, report.rows())


def print_latencies(console: Console, graphs: Mapping[str, tuple[Graph, Sequence[Array]]], runs: int | None) -> None:
    """The median time of one run after each pipeline on each backend, and its ratio to O0."""
    levels = {level: PIPELINES[level] for level in ("O0", "O1", "O2", "O3")}
    rows = []
    for name, (graph, inputs) in graphs.items():
        for backend in _BACKENDS:
            measured = measure(graph, levels, [backend], inputs, runs=runs)
            cells = [f"{duration(row.median)} ({row.ratio:.2f}x)" for row in measured]
            rows.append((name, backend, *cells))
    headings = ("graph", "backend", *levels)
    print_table(console, "Latency of one run after each pipeline (ratio to O0)", headings, rows, left=2)


def print_comparisons(console: Console, comparisons: Sequence[Comparison]) -> None:
    """One row per way to run, with its largest difference from eager execution."""
    rows = [(c.what, c.way, f"{c.difference:.2g}", "yes" if c.agrees else "NO") for c in comparisons]
    headings = ("what", "run by", "difference", "agrees")
    print_table(console, "Largest difference from eager execution", headings, rows, left=2)
