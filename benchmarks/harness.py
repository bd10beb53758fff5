"""Fair timing on noisy machines: candidates take turns, medians are compared as ratios."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One measured figure. ``ratio`` is relative to the case's base candidate; None without one."""

    case: str
    candidate: str
    median: float
    best: float
    unit: str
    ratio: float | None = None


def installed(module: str) -> bool:
    """Whether a peer can be imported here."""
    return importlib.util.find_spec(module) is not None


def race(
    case: str,
    candidates: Mapping[str, Callable[[], Any]],
    base: str,
    *,
    unit: str = "us",
    per_call: int = 1,
    rounds: int = 15,
    burst: float = 0.05,
) -> list[Row]:
    """Times the candidates in turn, ``rounds`` times for about ``burst`` seconds each.

    ``per_call`` units of work are done by one call. Each round starts with an uncounted half burst, so that another
    candidate's worker threads have come to rest.
    """
    counts = {name: _calls_per_burst(call, burst) for name, call in candidates.items()}
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            _repeat(call, max(1, counts[name] // 2))
            times[name].append(_repeat(call, counts[name]) / counts[name] / per_call)
    scale = {"s": 1.0, "ms": 1e3, "us": 1e6}[unit]
    reference = statistics.median(times[base])
    return [
        Row(case, name, statistics.median(t) * scale, min(t) * scale, unit, statistics.median(t) / reference)
        for name, t in times.items()
    ]


def _calls_per_burst(call: Callable[[], Any], burst: float) -> int:
    for _ in range(3):
        call()
    return max(1, int(burst / max(_repeat(call, 2) / 2, 1e-7)))


def _repeat(call: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - start


def conditions() -> dict[str, Any]:
    """What the figures were measured under."""
    from_environment = {k: os.environ[k] for k in THREAD_VARIABLES if k in os.environ}
    return {
        "python": platform.python_version(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": from_environment,
    }


THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
    "GRAPHC_NUM_THREADS",
)  # fmt: skip


def fix_threads(count: int) -> None:
    """Gives every framework the same number of threads. Call before any of them is imported."""
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, str(count))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")


def show(rows: list[Row], console: Console) -> None:
    """Prints a table per case."""
    for case in dict.fromkeys(row.case for row in rows):
        table = Table(title=case, title_justify="left")
        for heading in ("candidate", "median", "best", "ratio"):
            table.add_column(heading, justify="left" if heading == "candidate" else "right")
        for row in (r for r in rows if r.case == case):
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
            table.add_row(row.candidate, f"{row.median:.4g} {row.unit}", f"{row.best:.4g} {row.unit}", ratio)
        console.print(table)


def as_json(rows: list[Row]) -> str:
    return json.dumps({"conditions": conditions(), "rows": [asdict(row) for row in rows]}, indent=1)


def from_json(text: str) -> list[Row]:
    """The rows that :func:`as_json` wrote."""
    return [Row(**row) for row in json.loads(text)["rows"]]
