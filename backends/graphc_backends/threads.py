"""How many threads computations may use: one place for all backends.

The default is the number of CPUs that this process may really use (affinity mask and container quota), not
the number that the machine has. ``GRAPHC_NUM_THREADS`` or :func:`set_num_threads` override it. NumPy's matrix
products follow the BLAS library's own setting (``OPENBLAS_NUM_THREADS``, read when NumPy is first imported).
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

from graphc_ir.errors import ArgumentError

VARIABLE: Final = "GRAPHC_NUM_THREADS"
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
_chosen: list[int] = []


def num_threads() -> int:
    """The threads that a backend may use: what was set, else the environment, else the CPUs that are
    available.

    Raises ArgumentError when the environment variable is no positive integer.
    """
    if _chosen:
        return _chosen[0]
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return available_cpus()
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentError(f"the environment variable {VARIABLE} is {text!r}; expected a whole number from 1 up")
    return int(text)


def set_num_threads(count: int | None) -> None:
    """Sets the thread count for everything compiled from now on; None returns to the default."""
    if count is not None and count < 1:
        raise ArgumentError(f"the thread count must be 1 or more, got {count}; use None for the default")
    _chosen[:] = [] if count is None else [count]


def available_cpus(quota_file: Path = _QUOTA) -> int:
    """The CPUs that this process may use."""
    granted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(granted, _quota(quota_file) or granted))


def _quota(path: Path) -> int | None:
    """A container's CPU limit in whole CPUs, rounded up; None if there is none."""
    if not path.is_file():
        return None
    limit, _, period = path.read_text(encoding="ascii").partition(" ")
    return None if limit == "max" else math.ceil(int(limit) / int(period))
