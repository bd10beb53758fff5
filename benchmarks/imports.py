"""Import time in fresh processes."""

from __future__ import annotations

import statistics
import subprocess
import sys

from benchmarks.harness import Row, installed

_PROGRAM = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def run() -> list[Row]:
    modules = [m for m in ("graphc", "jax", "torch", "tensorflow") if installed(m)]
    times: dict[str, list[float]] = {m: [] for m in modules}
    for _ in range(5):
        for module in modules:
            times[module].append(_seconds(module))
    base = statistics.median(times["graphc"])
    return [
        Row("import", module, statistics.median(t), min(t), "s", statistics.median(t) / base)
        for module, t in times.items()
    ]


def _seconds(module: str) -> float:
    found = subprocess.run([sys.executable, "-c", _PROGRAM.format(module)], capture_output=True, text=True, check=True)
    return float(found.stdout.split()[-1])
