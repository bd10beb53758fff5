"""``graphc bench``: latency of a model by optimization level and backend."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from graphc.cli.console import duration, make_console, print_table
from graphc.cli.execution import repeated_run
from graphc.cli.inputs import make_inputs, parse_inputs, parse_sizes
from graphc.cli.models import load_model
from graphc.cli.options import (
    device_option,
    input_option,
    model_argument,
    passes_of,
    seed_option,
    size_option,
    split_list,
)
from graphc.cli.timing import Timing, race
from graphc.compiler import compile
from graphc.version import VERSION
from graphc_backends.base import get_backend
from graphc_backends.threads import num_threads
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array
from graphc_ir.passes.base import Pass
from graphc_ir.passes.pipelines import optimize as run_passes


@dataclass(frozen=True)
class Row:
    """One candidate. Times in seconds; ``ratio`` is the median relative to the first row's."""

    level: str
    backend: str
    nodes: int
    median: float
    best: float
    ratio: float
    runs: int


@click.command()
@model_argument
@click.option("--levels", default="O0,O2", show_default=True, help="Pipelines by name, separated by commas.")
@click.option("--passes", default=None, metavar="A,B,C", help="Also measure this list of passes.")
@click.option("--backends", default="numpy,onnxruntime", show_default=True, help="Separated by commas.")
@click.option("--runs", default=None, type=click.IntRange(min=1),
              help="Timed runs of each candidate; by default what fits into 0.2 s.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@input_option
@size_option
@device_option
@seed_option
def bench(
    model: Path,
    levels: str,
    passes: str | None,
    backends: str,
    runs: int | None,
    as_json: bool,
    inputs: Sequence[str],
    sizes: Sequence[str],
    device: str,
    seed: int,
) -> None:
    """Measure the latency of MODEL on each backend after each pipeline.

    Inputs are random unless given. Candidates take turns; medians and their ratios to the first row are shown.
    """
    pipelines = {level: passes_of(level, None) for level in split_list(levels, "--levels")}
    if passes is not None:
        pipelines[passes] = passes_of("", passes)
    names = split_list(backends, "--backends")
    for name in names:
        get_backend(name)
    graph = load_model(model).graph
    sources = parse_inputs(graph, inputs, default="random")
    arrays, bindings = make_inputs(graph, sources, parse_sizes(graph, sizes), seed)
    rows = measure(graph, pipelines, names, arrays, device, runs)
    conditions = {"model": str(model), "sizes": bindings, "device": device, **machine()}
    if as_json:
        click.echo(json.dumps({"conditions": conditions, "rows": [asdict(row) for row in rows]}, indent=1))
        return
    _show(rows, conditions)


def measure(
    graph: Graph,
    pipelines: dict[str, tuple[Pass, ...]],
    backends: Sequence[str],
    arrays: Sequence[Array],
    device: str = "cpu",
    runs: int | None = None,
) -> list[Row]:
    """Times every pipeline on every backend, pipelines of a backend in order."""
    candidates, nodes = {}, {}
    for level, chosen in pipelines.items():
        optimized = run_passes(graph, passes=chosen, cost=False)[0]
        nodes[level] = len(optimized)
        for backend in backends:
            candidates[backend, level] = repeated_run(compile(optimized, backend, device), arrays)
    times = race(candidates, runs)
    ordered = [(backend, level) for backend in backends for level in pipelines]
    base = times[ordered[0]].median
    return [_row(level, backend, nodes[level], times[backend, level], base) for backend, level in ordered]


def _row(level: str, backend: str, nodes: int, timing: Timing, base: float) -> Row:
    return Row(level, backend, nodes, timing.median, timing.best, timing.median / base, timing.runs)


def machine() -> dict[str, Any]:
    """What figures depend on."""
    return {"threads": num_threads(), "graphc": VERSION, "python": platform.python_version()}


def _show(rows: list[Row], conditions: dict[str, Any]) -> None:
    console = make_console()
    console.print(", ".join(f"{name} {value}" for name, value in conditions.items() if value not in ({}, "")))
    cells = [
        (r.level, r.backend, str(r.nodes), duration(r.median), duration(r.best), f"{r.ratio:.2f}x", str(r.runs))
        for r in rows
    ]
    headings = ("passes", "backend", "ops", "median", "best", "ratio", "runs")
    print_table(console, "Latency of one run", headings, cells, left=2)
