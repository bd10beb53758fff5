"""Options of a dataset. They are kept and merged as in TensorFlow; graphc's pipelines, which run in the
thread that iterates and in order, need none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

_T = TypeVar("_T")


@dataclass(slots=True)
class AutotuneOptions:
    """Limits for choosing parallelism and buffer sizes."""

    enabled: bool | None = None
    cpu_budget: int | None = None
    ram_budget: int | None = None
    autotune_algorithm: Any = None
    initial_parallelism: int | None = None
    min_parallelism: int | None = None


@dataclass(slots=True)
class ThreadingOptions:
    """Limits for threads."""

    max_intra_op_parallelism: int | None = None
    private_threadpool_size: int | None = None


@dataclass(slots=True)
class DistributeOptions:
    """How a dataset is divided among devices."""

    auto_shard_policy: Any = None
    num_devices: int | None = None


@dataclass(slots=True)
class OptimizationOptions:
    """Which rewrites of the pipeline are allowed."""

    apply_default_optimizations: bool | None = None
    filter_fusion: bool | None = None
    filter_parallelization: bool | None = None
    inject_prefetch: bool | None = None
    map_and_batch_fusion: bool | None = None
    map_and_filter_fusion: bool | None = None
    map_fusion: bool | None = None
    map_parallelization: bool | None = None
    noop_elimination: bool | None = None
    parallel_batch: bool | None = None
    seq_interleave_prefetch: bool | None = None
    shuffle_and_repeat_fusion: bool | None = None


@dataclass(slots=True)
class Options:
    """The options of a dataset; None means that nothing was chosen. Unknown names raise AttributeError."""

    autotune: AutotuneOptions = field(default_factory=AutotuneOptions)
    dataset_name: str | None = None
    deterministic: bool | None = None
    experimental_deterministic: bool | None = None
    experimental_distribute: DistributeOptions = field(default_factory=DistributeOptions)
    experimental_external_state_policy: Any = None
    experimental_optimization: OptimizationOptions = field(default_factory=OptimizationOptions)
    experimental_slack: bool | None = None
    experimental_symbolic_checkpoint: bool | None = None
    experimental_threading: ThreadingOptions = field(default_factory=ThreadingOptions)
    experimental_warm_start: bool | None = None
    framework_type: list[str] | None = None
    threading: ThreadingOptions = field(default_factory=ThreadingOptions)

    def merge(self, options: Options) -> Options:
        """These options, overridden by what ``options`` has chosen."""
        return _merged(self, options)


def _merged(first: _T, second: _T) -> _T:
    if not is_dataclass(first) or isinstance(first, type):
        return first if second is None else second
    changes = {f.name: _merged(getattr(first, f.name), getattr(second, f.name)) for f in fields(first)}
    return replace(first, **changes)
