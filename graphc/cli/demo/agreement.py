"""Whether eager execution, the backends and the exported files give the same results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from graphc.cli.compare import largest_difference
from graphc.cli.demo import exported
from graphc.cli.demo.model import Training
from graphc.compiler import compile, optimize
from graphc.export import initial_state
from graphc_ir.ops.base import Array

BACKENDS: Final = ("numpy", "onnxruntime")
TOLERANCE: Final = 1e-4
"""Largest accepted difference of float32 results, relative to the larger of 1 and the largest element."""

Batches = Sequence[tuple[Any, Any]]


@dataclass(frozen=True)
class Comparison:
    """The largest difference between eager results and those of another way to run the same function."""

    what: str
    way: str
    difference: float

    @property
    def agrees(self) -> bool:
        return self.difference <= TOLERANCE


def compare_inference(training: Training, path: Path, images: Array) -> list[Comparison]:
    """Class probabilities of the trained network, each backend and the exported file against eager execution."""
    concrete = training.predict.get_concrete_function()
    eager = training.predict.python_function(images).numpy()
    graph = optimize(concrete.graph)[0]
    inputs = [images, *(v.numpy() for v in concrete.variables)]
    ways = {backend: compile(graph, backend)(*inputs)[0] for backend in BACKENDS}
    ways["exported file, plain ONNX Runtime"] = exported.infer(path, images)
    return [Comparison("inference", way, largest_difference([result], [eager])) for way, result in ways.items()]


def compare_training(path: Path, seed: int, batches: Batches) -> list[Comparison]:
    """Losses and all Variables after some steps from the same start, each way against eager execution."""
    arrays = [(images.numpy(), labels.numpy()) for images, labels in batches]
    eager = Training(seed)
    want = _results(eager, eager.step.python_function, arrays)
    what = f"{len(arrays)} training steps"
    comparisons = []
    for backend in BACKENDS:
        training = Training(seed, backend)
        have = _results(training, training.step, arrays)
        comparisons.append(Comparison(what, backend, largest_difference(have, want)))
    have = _exported_results(path, Training(seed), arrays)
    return [*comparisons, Comparison(what, "exported file, plain ONNX Runtime", largest_difference(have, want))]


def _results(training: Training, step: Callable[[Any, Any], Any], batches: Batches) -> list[Array]:
    losses = [float(step(images, labels)[0]) for images, labels in batches]
    return [np.array(losses), *(v.numpy() for v in _assigned(training))]


def _exported_results(path: Path, start: Training, batches: Batches) -> list[Array]:
    losses, state = exported.train(path, initial_state(start.step), batches)
    return [np.array(losses), *(state[v.path] for v in _assigned(start))]


def _assigned(training: Training) -> list[Any]:
    """The Variables that a step changes."""
    return [v for v in training.variables if v is not training.optimizer.learning_rate]
