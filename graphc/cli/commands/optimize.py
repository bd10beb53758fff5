"""``graphc optimize``: runs passes on a model file and writes the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click
import onnxruntime as ort

from graphc.cli.compare import difference
from graphc.cli.console import make_console, print_table
from graphc.cli.errors import CheckFailed
from graphc.cli.files import check_file, write_text
from graphc.cli.inputs import open_sizes, output_names, parse_sizes, random_inputs
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
    check_file(target)
    loaded = load_model(source)
    bindings = parse_sizes(loaded.graph, sizes)
    optimized, report = run_passes(loaded.graph, passes=chosen, sizes=bindings)
    console = make_console()
    unset = [name for name in open_sizes(loaded.graph) if name not in bindings]
    counted = f" (counted with {', '.join(f'{name} = 1' for name in unset)})" if unset else ""
    print_table(console, f"{len(chosen)} passes on {source}{counted}", HEADER, report.rows())
    check = _Check(loaded, sizes) if verify else None
    done = _write_text(optimized, target, check) if is_text(target) else _write_onnx(optimized, target, opset, check)
    console.print(f"{target}: {len(loaded.graph)} -> {len(optimized)} IR nodes, {done}", soft_wrap=True)


def _write_text(optimized: Graph, target: Path, check: _Check | None) -> str:
    """Writes IR text. Returns what was done, in words."""
    verdict = "" if check is None else f"; {check(_interpreted(optimized))}"
    write_text(target, print_graph(optimized))
    return f"written as text{verdict}"


def _write_onnx(optimized: Graph, target: Path, opset: int, check: _Check | None) -> str:
    """Writes an ONNX file. Returns what was done, in words."""
    model = to_model(optimized, opset)
    with ModelFile(model, target, initializer_bytes(model) > MAX_INLINE_BYTES) as file:
        check_model(file.temporary)
        verdict = "" if check is None else f"; {check(_in_runtime(file.temporary))}"
        file.commit()
    return f"{len(model.graph.node)} ONNX nodes{verdict}"


class _Check:
    """Compares optimized models with the original on random inputs: an ONNX file in ONNX Runtime, IR text in the
    reference interpreter."""

    def __init__(self, loaded: LoadedModel, sizes: Sequence[str]) -> None:
        graph = loaded.graph
        bindings = parse_sizes(graph, [*([_ASSUMED_SIZE] if open_sizes(graph) else []), *sizes])
        self.arrays = random_inputs(graph, bindings, seed=0)
        self.names = output_names(graph)
        self.expected = (_interpreted(graph) if loaded.proto is None else _in_runtime(loaded.path))(self.arrays)

    def __call__(self, run: Runner) -> str:
        """The largest difference, in words. Raises CheckFailed when a result is another one."""
        differences = {}
        for name, have, want in zip(self.names, run(self.arrays), self.expected, strict=True):
            differences[name] = difference(have, want)
            if not differences[name] <= TOLERANCES.get(want.dtype.name, 0.0):
                raise CheckFailed(f"output {name!r} of the optimized model differs from the original by "
                                  f"{differences[name]:.3g} relative to its scale; nothing was written")  # fmt: skip
        return f"verified, largest difference {max(differences.values(), default=0.0):.2g}"


def _interpreted(graph: Graph) -> Runner:
    return lambda arrays: evaluate(graph, arrays)


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
