"""``graphc run``: runs a model file on given or made-up inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from graphc.cli.console import make_console, print_table
from graphc.cli.files import check_arrays_target, write_arrays
from graphc.cli.inputs import make_inputs, open_sizes, output_names, parse_inputs, parse_sizes
from graphc.cli.models import load_model
from graphc.cli.options import (
    FilePath,
    backend_option,
    device_option,
    input_option,
    model_argument,
    seed_option,
    size_option,
)
from graphc.compiler import compile
from graphc_ir.ops.base import Array
from graphc_ir.passes.pipelines import optimize as run_passes


@click.command()
@model_argument
@input_option
@size_option
@backend_option
@device_option
@click.option("--level", default="O2", show_default=True, help="The passes to run first.")
@click.option("--output", "target", default=None, type=FilePath, metavar="DIR|FILE.npz",
              help="Write the outputs: a .npy file each, or one .npz file.")  # fmt: skip
@seed_option
def run(
    model: Path,
    inputs: Sequence[str],
    sizes: Sequence[str],
    backend: str,
    device: str,
    level: str,
    target: Path | None,
    seed: int,
) -> None:
    """Run MODEL once and show its outputs."""
    graph = load_model(model).graph
    given = parse_sizes(graph, sizes)
    arrays, bindings = make_inputs(graph, parse_inputs(graph, inputs), given, seed)
    if target is not None:
        check_arrays_target(target)
    optimized = run_passes(graph, level, cost=False)[0]
    executable = compile(optimized, backend, device)
    outputs = dict(zip(output_names(graph), executable(*arrays), strict=True))
    console = make_console()
    if assumed := [name for name in open_sizes(graph) if name not in given]:
        console.print("sizes: " + ", ".join(f"{name}={bindings[name]}" for name in assumed))
    rows = [(name, f"{array.dtype}{list(array.shape)}", *summary(array)) for name, array in outputs.items()]
    title = f"{model} on {executable.backend} ({device})"
    print_table(console, title, ("output", "type", "min", "mean", "max", "first values"), rows, left=2)
    if target is not None:
        write_arrays(target, outputs)
        console.print(f"written: {target}")


def summary(array: Array) -> tuple[str, str, str, str]:
    """Smallest element, mean, largest element, first elements; empty cells where they have no meaning."""
    first = ", ".join(f"{x:.4g}" if array.dtype.kind == "f" else str(x) for x in array.reshape(-1)[:3])
    first += ", ..." if array.size > 3 else ""
    if not array.size or array.dtype.kind not in "biuf":
        return "", "", "", first
    return f"{array.min():.4g}", f"{array.mean(dtype=np.float64):.4g}", f"{array.max():.4g}", first
