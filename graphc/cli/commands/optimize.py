"""``graphc optimize``: runs passes on a model file and writes the result."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click
import onnxruntime as ort
from onnx import ModelProto

from graphc.cli.compare import difference
from graphc.cli.console import make_console, make_table
from graphc.cli.errors import CheckFailed
from graphc.cli.inputs import input_names, open_sizes, parse_sizes, random_inputs
from graphc.cli.models import LoadedModel, is_text, load_model
from graphc.cli.options import FilePath, passes_of, size_option
from graphc_backends.onnx.export import (
    DEFAULT_OPSET,
    MAX_INLINE_BYTES,
    ModelFile,
    check_model,
    initializer_bytes,
    to_model,
)
from graphc_backends.onnx.verify import TOLERANCES
from graphc_ir.errors import ArgumentError, BackendError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array
from graphc_ir.passes.pipelines import optimize as run_passes
from graphc_ir.passes.report import HEADER
from graphc_ir.printer import print_graph

Runner = Callable[[Sequence[Array]], list[Array]]
_ASSUMED_SIZE: Final = "2"  # of open axes: 1 would hide broadcasting errors


@click.command()
@click.argument("source", metavar="IN", type=FilePath)
@click.option("-o", "--output", "target", required=True, metavar="OUT", type=FilePath,
              help="ONNX file, or IR text if it is named .gc or .txt.")  # fmt: skip
@click.option("--level", default="O2", show_default=True, help="A pipeline by name.")
@click.option("--passes", default=None, metavar="A,B,C", help="Passes by name, in place of the level.")
@click.option("--opset", default=DEFAULT_OPSET, show_default=True, help="Of the ONNX file.")
@click.option("--verify/--no-verify", default=True, show_default=True,
              help="Run both models in ONNX Runtime on random inputs and compare.")  # fmt: skip
@size_option
def optimize(
    source: Path, target: Path, level: str, passes: str | None, opset: int, verify: bool, sizes: Sequence[str]
) -> None:
    """Run passes on the model IN and write OUT, which appears only when all is well."""
    chosen = passes_of(level, passes)
    loaded = load_model(source)
    bindings = parse_sizes(loaded.graph, sizes)
    optimized, report = run_passes(loaded.graph, passes=chosen, sizes=bindings)
    model = to_model(optimized, opset)
    console = make_console()
    console.print(make_table(f"{source}, {len(chosen)} passes", HEADER, report.rows()))
    with ModelFile(model, target, initializer_bytes(model) > MAX_INLINE_BYTES) as file:
        check_model(file.temporary)
        if verify:
            console.print(_verified(loaded, optimized, file.temporary, sizes))
        if is_text(target):
            write_text(target, print_graph(optimized))
        else:
            file.commit()
    console.print(f"{target}: {len(loaded.graph)} -> {len(optimized)} IR nodes{_onnx_nodes(loaded.proto, model, target)}")


def _onnx_nodes(before: ModelProto | None, after: ModelProto, target: Path) -> str:
    if before is None or is_text(target):
        return ""
    return f", {len(before.graph.node)} -> {len(after.graph.node)} ONNX nodes"


def write_text(path: Path, text: str) -> None:
    """Writes a text file that appears whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _verified(loaded: LoadedModel, optimized: Graph, written: Path, sizes: Sequence[str]) -> str:
    """What was compared, in words. Raises CheckFailed when the optimized model gives other results."""
    graph = loaded.graph
    bindings = parse_sizes(graph, [*([_ASSUMED_SIZE] if open_sizes(graph) else []), *sizes])
    arrays = random_inputs(graph, bindings, seed=0)
    before = _in_runtime(loaded.path) if loaded.proto is not None else lambda given: evaluate(graph, given)
    want, have = before(arrays), _in_runtime(written)(arrays)
    largest = 0.0
    for i, (a, b) in enumerate(zip(have, want, strict=True)):
        distance = difference(a, b)
        largest = max(largest, distance)
        if not distance <= TOLERANCES.get(b.dtype.name, 0.0):
            raise CheckFailed(f"output {i} of the optimized model differs from that of {loaded.path} by {distance:.3g} "
                              f"relative to its scale (inputs {', '.join(input_names(graph))}); nothing was written")  # fmt: skip
    reference = "ONNX Runtime" if loaded.proto is not None else "the reference interpreter"
    return f"verified: the largest difference from the original in {reference} is {largest:.3g}"


def _in_runtime(path: Path) -> Runner:
    """Runs a model file as it is in plain ONNX Runtime."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no common base of their own
        raise BackendError(f"ONNX Runtime does not load {path}: {error}; without it nothing can be verified: "
                           "add --no-verify") from error  # fmt: skip
    names = [i.name for i in session.get_inputs()]

    def run(arrays: Sequence[Array]) -> list[Array]:
        try:
            return list(session.run(None, dict(zip(names, arrays, strict=True))))
        except Exception as error:  # as above
            raise ArgumentError(f"ONNX Runtime cannot run {path} on random inputs: {error}; choose other sizes with "
                                "--size, or add --no-verify") from error  # fmt: skip

    return run
