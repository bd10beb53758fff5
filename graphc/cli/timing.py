"""Fair timing on busy machines: candidates take turns, medians count."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

Key = TypeVar("Key")
_ROUNDS: Final = 7
_BURST: Final = 0.03  # seconds


@dataclass(frozen=True)
class Timing:
    """Seconds per run: the median and the smallest of the rounds' averages."""

    median: float
    best: float
    runs: int


def race(candidates: Mapping[Key, Callable[[], object]], runs: int | None = None) -> dict[Key, Timing]:
    """Times the candidates in turn.

    ``runs`` is how often each runs in all; None: as often as fits into about 0.2 s. Each turn starts with uncounted
    runs, so that another candidate's worker threads have come to rest.
    """
    rounds = _ROUNDS if runs is None else min(_ROUNDS, runs)
    counts = {key: _count(call, runs, rounds) for key, call in candidates.items()}
    times: dict[Key, list[float]] = {key: [] for key in candidates}
    for _ in range(rounds):
        for key, call in candidates.items():
            _repeat(call, max(1, counts[key] // 2))
            times[key].append(_repeat(call, counts[key]) / counts[key])
    return {key: Timing(statistics.median(t), min(t), rounds * counts[key]) for key, t in times.items()}


def _count(call: Callable[[], object], runs: int | None, rounds: int) -> int:
    """Runs per round. The first run, which may still compile, is not timed."""
    call()
    if runs is not None:
        return -(-runs // rounds)
    return max(1, int(_BURST / max(_repeat(call, 1), 1e-7)))


def _repeat(call: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - start
