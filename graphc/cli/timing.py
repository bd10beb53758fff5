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
    """Seconds per run: the median and the smallest of the rounds' averages. ``runs`` were timed in all."""

    median: float
    best: float
    runs: int


def race(candidates: Mapping[Key, Callable[[], object]], runs: int | None = None) -> dict[Key, Timing]:
    """Times the candidates in turn.

    ``runs`` is how often each runs in all, rounded up to full rounds; None: as often as fits into about 0.2 s. Each
    turn starts with uncounted runs, so that another candidate's worker threads have come to rest.
    """
    for call in candidates.values():
        call()  # the first run may still compile
    rounds = _ROUNDS if runs is None else min(_ROUNDS, runs)
    count = None if runs is None else -(-runs // rounds)
    times: dict[Key, list[float]] = {key: [] for key in candidates}
    total = dict.fromkeys(candidates, 0)
    for _ in range(rounds):
        for key, call in candidates.items():
            _burst(call, None if count is None else max(1, count // 2), _BURST / 2)
            seconds, done = _burst(call, count, _BURST)
            times[key].append(seconds / done)
            total[key] += done
    return {key: Timing(statistics.median(t), min(t), total[key]) for key, t in times.items()}


def _burst(call: Callable[[], object], count: int | None, limit: float) -> tuple[float, int]:
    """Runs ``count`` times, or with None until ``limit`` seconds have passed. Returns the time taken and the runs."""
    start = time.perf_counter()
    done = 0
    elapsed = 0.0
    while done < count if count is not None else elapsed < limit:
        call()
        done += 1
        elapsed = time.perf_counter() - start
    return elapsed, done
