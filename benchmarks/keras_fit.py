"""One epoch of ``fit`` (MLP, CNN, LSTM) and ``predict`` on one row, in turn with Keras on its backends."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

from benchmarks.harness import Row, installed
from benchmarks.keras_worker import CASES

BACKENDS = ("tensorflow", "jax", "torch")
ROUNDS = 9
TITLES = {
    "mlp": "fit, a step of an MLP (784-256-256-10, batch 64, Adam)",
    "cnn": "fit, a step of a CNN (28x28, 32 and 64 filters, batch 128, Adam)",
    "lstm": "fit, a step of an LSTM (80 steps of 64, 128 units, batch 32, Adam)",
    "predict": "predict on one row (MLP), called in a loop",
}  # fmt: skip


class Worker:
    """A candidate's process, which works only when asked."""

    def __init__(self, case: str, candidate: str) -> None:
        command = [sys.executable, "-m", "benchmarks.keras_worker", case, candidate]
        self._process: Any = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                              stderr=subprocess.DEVNULL)  # fmt: skip
        while (line := self._process.stdout.readline()).strip() != "ready":
            if not line:
                raise RuntimeError(f"the worker for {candidate} ended before it was ready: run {' '.join(command)}")

    def measure(self) -> float:
        """Seconds per step or call."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def run() -> list[Row]:
    candidates = ["graphc", *(b for b in BACKENDS if installed("keras") and installed(b))]
    return [row for case in CASES for row in _race(case, candidates)]


def _race(case: str, candidates: list[str]) -> list[Row]:
    workers = {name: Worker(case, name) for name in candidates}
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, worker in workers.items():
            times[name].append(worker.measure() * 1e3)
    for worker in workers.values():
        worker.close()
    own = statistics.median(times["graphc"])
    labels = {name: name if name == "graphc" else f"Keras on {name}" for name in candidates}
    return [
        Row(TITLES[case], labels[name], statistics.median(t), min(t), "ms", statistics.median(t) / own)
        for name, t in times.items()
    ]
