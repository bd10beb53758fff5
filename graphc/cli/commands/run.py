"""``graphc run``: runs a model file on given or made-up inputs."""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import click
import numpy as np

from graphc.cli.console import make_console, make_table
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
from graphc.tracing import unique_name
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Array
from graphc_ir.passes.pipelines import optimize as run_passes

_FOREIGN: Final = re.compile(r"[^\w.-]")


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
        check_target(target)
    optimized = run_passes(graph, level, cost=False)[0]
    executable = compile(optimized, backend, device)
    outputs = dict(zip(output_names(graph), executable(*arrays), strict=True))
    console = make_console()
    if assumed := [name for name in open_sizes(graph) if name not in given]:
        console.print("sizes: " + ", ".join(f"{name}={bindings[name]}" for name in assumed))
    rows = [(name, f"{array.dtype}{list(array.shape)}", *summary(array)) for name, array in outputs.items()]
    title = f"{model} on {executable.backend} ({device})"
    console.print(make_table(title, ("output", "type", "min", "mean", "max", "first values"), rows, left=2))
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


def check_target(target: Path) -> None:
    """Raises ArgumentError when nothing can be written there."""
    if target.suffix == ".npz":
        if target.is_dir() or not target.parent.is_dir():
            raise ArgumentError(f"--output {target}: {'it is a folder' if target.is_dir() else 'there is no such folder'}")
        return
    if target.exists() and not target.is_dir():
        raise ArgumentError(f"--output {target} is a file; give a folder, or a name that ends in .npz")
    if not target.parent.is_dir():
        raise ArgumentError(f"--output {target}: there is no folder {target.parent}")


def write_arrays(target: Path, arrays: Mapping[str, Array]) -> None:
    """Writes one .npz file, or a .npy file per array into a folder. Each file appears whole or not at all.

    Raises ArgumentError for strings, which these files only hold as Python objects.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ArgumentError(f"output {name!r} holds strings, which .npy files cannot; leave out --output")
    if target.suffix == ".npz":
        _replace(target, arrays)
        return
    target.mkdir(exist_ok=True)
    taken: dict[str, int] = {}
    for name, array in arrays.items():
        _replace(target / f"{unique_name(_FOREIGN.sub('_', name), taken)}.npy", array)


def _replace(path: Path, content: Array | Mapping[str, Array]) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        with temporary.open("wb") as file:
            if isinstance(content, np.ndarray):
                np.save(file, content, allow_pickle=False)
            else:
                save_archive(file, content)
        os.replace(temporary, path)


def save_archive(file: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """``np.savez`` for names that are no Python identifiers, such as ``file``."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
