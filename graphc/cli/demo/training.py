"""The training loop, with a progress bar on a terminal and plain lines elsewhere."""

from __future__ import annotations

import time

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from graphc.cli.console import duration
from graphc.cli.demo.data import BATCH, Digits
from graphc.cli.demo.model import Training
from graphc_ir.ops.base import Array


def train(training: Training, digits: Digits, epochs: int, seed: int, console: Console) -> None:
    """Trains for some epochs and prints loss and accuracy of each."""
    dataset = digits.batches(seed)
    steps = epochs * -(-len(digits.images) // BATCH)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeElapsedColumn(),
    )
    start = time.perf_counter()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("training", total=steps)
        for epoch in range(epochs):
            losses, accuracies = [], []
            for images, labels in dataset:
                loss, accuracy = training.step(images, labels)
                losses.append(float(loss))
                accuracies.append(float(accuracy))
                progress.advance(bar)
            shown = f"loss {np.mean(losses):.4f}  accuracy {np.mean(accuracies):.3f}"
            progress.console.print(f"epoch {epoch + 1:2d}/{epochs}  {shown}")
    seconds = time.perf_counter() - start
    console.print(
        f"{steps} steps in {duration(seconds)}, {duration(seconds / steps)} each with data, tracing and compiling"
    )


def accuracy(probabilities: Array, labels: Array) -> float:
    """The fraction of images whose most probable class is the label."""
    return float(np.mean(np.argmax(probabilities, axis=1) == labels))
