"""The command: trains, shows, exports, runs the files, compares, measures."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from rich.console import Console

import graphc as tf
from graphc.cli.console import counted, make_console
from graphc.cli.demo.agreement import TOLERANCE, Comparison, compare_inference, compare_training
from graphc.cli.demo.data import BATCH, Digits, load
from graphc.cli.demo.exported import infer
from graphc.cli.demo.model import Training
from graphc.cli.demo.report import print_comparisons, print_ir, print_latencies, print_passes
from graphc.cli.demo.training import accuracy, train
from graphc.cli.errors import CheckFailed
from graphc.cli.files import write_arrays
from graphc.cli.options import FilePath, backend_option
from graphc.export import initial_state
from graphc.function import ConcreteFunction
from graphc_backends.auto import AutoExecutable
from graphc_backends.base import get_backend
from graphc_backends.threads import num_threads
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Array

_SEED: Final = 0
_EPOCHS: Final = 20
_QUICK_EPOCHS: Final = 3
_QUICK_RUNS: Final = 3
_COMPARED_STEPS: Final = 5
_SIZES: Final = {"batch": BATCH}


@click.command()
@click.option("--quick", is_flag=True, help="Train for 3 epochs and measure less carefully.")
@click.option("--epochs", default=None, type=click.IntRange(min=1), help=f"Passes over the data.  [default: {_EPOCHS}]")
@click.option("--out", default=None, type=FilePath, metavar="DIR", help="Where the ONNX files go; else a new folder.")
@backend_option
def demo(quick: bool, epochs: int | None, out: Path | None, backend: str) -> None:
    """Train a network on handwritten digits, show its IR, export it, and compare all ways to run it."""
    get_backend(backend)
    folder = _folder(out)
    console = make_console()
    digits = load(_SEED)
    training = Training(_SEED, backend)
    _train(console, training, digits, epochs or (_QUICK_EPOCHS if quick else _EPOCHS))
    _show_ir(console, training)
    inference, step = _export(console, training, folder)
    shown = f"test accuracy of {inference.name} in plain ONNX Runtime"
    console.print(f"{shown}: {accuracy(infer(inference, digits.test_images), digits.test_labels):.2%}\n")
    batches = list(itertools.islice(digits.batches(_SEED), _COMPARED_STEPS))
    comparisons = [
        *compare_inference(training, inference, digits.test_images),
        *compare_training(step, _SEED, batches),
    ]
    print_comparisons(console, comparisons)
    _show_speed(console, training, digits, _QUICK_RUNS if quick else None)
    _judge(console, comparisons)


def _folder(out: Path | None) -> Path:
    if out is None:
        return Path(tempfile.mkdtemp(prefix="graphc-demo-"))
    if out.exists() and not out.is_dir():
        raise ArgumentError(f"--out {out} is a file; give a folder")
    out.mkdir(parents=True, exist_ok=True)
    return out


def _train(console: Console, training: Training, digits: Digits, epochs: int) -> None:
    count = counted(sum(v.numpy().size for v in training.model.variables))
    console.print(f"graphc {tf.__version__}, {num_threads()} threads; {len(digits.images)} digits for training, "
                  f"{len(digits.test_images)} held out; {count} weights, Adam, batch {BATCH}\n")  # fmt: skip
    train(training, digits, epochs, _SEED, console)
    probabilities = training.predict(digits.test_images).numpy()
    console.print(f"test accuracy {accuracy(probabilities, digits.test_labels):.2%}")
    executable = _concrete(training.step).executable
    chosen = executable.choice if isinstance(executable, AutoExecutable) else executable.backend
    console.print(f"backend of the training step: {chosen}\n")


def _concrete(function: Any) -> ConcreteFunction:
    """The one trace that an input_signature gives."""
    concrete: ConcreteFunction = function.get_concrete_function()
    return concrete


def _show_ir(console: Console, training: Training) -> None:
    graph = _concrete(training.step).graph
    print_ir(console, "The training step as traced", graph, _SIZES)
    optimized, report = tf.optimize(graph, "O2", sizes=_SIZES)
    print_ir(console, "The training step after the passes of O2", optimized, _SIZES)
    print_passes(console, report, _SIZES)


def _export(console: Console, training: Training, folder: Path) -> tuple[Path, Path]:
    """Writes the trained network, the training step, and the Variables that the step starts from."""
    inference, step, state = folder / "digits.onnx", folder / "digits_step.onnx", folder / "digits_state.npz"
    tf.export_onnx(training.predict, inference, input_names=["images"], output_names=["probabilities"])
    tf.export_onnx(training.step, step, train=True, input_names=["images", "labels"], output_names=["loss", "accuracy"])
    write_arrays(state, initial_state(training.step))
    console.print("Exported, checked and verified:")
    for path, what in ((inference, "inference"), (step, "the whole training step"), (state, "its Variables")):
        console.print(f"  {path}  {what}, {counted(path.stat().st_size, 'B')}", soft_wrap=True)
    return inference, step


def _show_speed(console: Console, training: Training, digits: Digits, runs: int | None) -> None:
    images, labels = digits.images[:BATCH], digits.labels[:BATCH]
    predict, step = _concrete(training.predict), _concrete(training.step)
    graphs = {
        f"inference, batch {BATCH}": (predict.graph, [images, *_values(predict)]),
        f"training step, batch {BATCH}": (step.graph, [images, labels, *_values(step)]),
    }
    print_latencies(console, graphs, runs)


def _values(concrete: ConcreteFunction) -> list[Array]:
    return [np.asarray(v.numpy()) for v in concrete.variables]


def _judge(console: Console, comparisons: Sequence[Comparison]) -> None:
    """Raises CheckFailed when results do not agree."""
    wrong = [f"{c.what} by {c.way} ({c.difference:.2g})" for c in comparisons if not c.agrees]
    if wrong:
        raise CheckFailed(f"results differ from eager execution by more than {TOLERANCE:g}: {'; '.join(wrong)}")
    console.print(f"eager, NumPy, ONNX Runtime and the exported files agree within {TOLERANCE:g}")
