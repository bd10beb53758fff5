"""``tf.distribute``: strategies over the devices there are. graphc trains on one device, so each has one replica."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from graphc.devices import device
from graphc.pytree import map_leaves
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import lift
from graphc_ir.ops.reduction import reduce_mean, reduce_sum

__all__ = [
    "MirroredStrategy", "OneDeviceStrategy", "ReduceOp", "ReplicaContext", "Strategy", "get_replica_context",
    "get_strategy", "has_strategy",
]  # fmt: skip


class ReduceOp(Enum):
    """How the values of replicas become one."""

    SUM = "SUM"
    MEAN = "MEAN"


class InputContext:
    """What a function that makes a dataset is told: there is one pipeline for one replica."""

    num_input_pipelines = 1
    input_pipeline_id = 0
    num_replicas_in_sync = 1

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        return global_batch_size


class ReplicaContext:
    """What a replica knows of itself, and of the others, of whom there are none."""

    replica_id_in_sync_group = 0
    num_replicas_in_sync = 1

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """The value itself: sum and mean over one replica."""
        _reduction(reduce_op)
        return value


class Strategy:
    """One replica on one device: code written for several runs unchanged.

    ``device_name``: where traced functions called inside :meth:`scope` and :meth:`run` compile for, e.g. ``"/GPU:0"``;
    None leaves that to the code.
    """

    num_replicas_in_sync = 1

    def __init__(self, device_name: str | None = None) -> None:
        self._device = device_name

    @contextmanager
    def scope(self) -> Iterator[Strategy]:
        """Variables made inside belong to the strategy; functions called inside run on its device."""
        _active.append(self)
        try:
            if self._device is None:
                yield self
            else:
                with device(self._device):
                    yield self
        finally:
            _active.pop()

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None) -> Any:
        """``fn(*args, **kwargs)`` on the replica."""
        with self.scope():
            return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: int | None) -> Any:
        """The values of all replicas as one, and reduced over an axis if one is given.

        Raises ArgumentError for another ``reduce_op`` than SUM and MEAN.
        """
        compute = _reduction(reduce_op)
        return value if axis is None else map_leaves(lambda x: compute(lift(x), axis), value)

    def gather(self, value: Any, axis: int) -> Any:
        """The values of all replicas joined along an axis: that of the one replica."""
        return value

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """The dataset itself: the one replica gets whole batches."""
        return dataset

    def distribute_datasets_from_function(self, dataset_fn: Callable[[InputContext], Any], options: Any = None) -> Any:
        """The dataset that ``dataset_fn(context)`` makes."""
        return dataset_fn(InputContext())

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """The value of each replica of this machine."""
        return (value,)


class OneDeviceStrategy(Strategy):
    """Everything on one device, e.g. ``OneDeviceStrategy("/GPU:0")``."""

    def __init__(self, device: str) -> None:
        super().__init__(device)


class MirroredStrategy(Strategy):
    """For code written for several GPUs of one machine: the first of ``devices`` is used, by default where the code
    says. Raises ArgumentError for more devices than one: graphc trains on one."""

    def __init__(self, devices: Any = None, cross_device_ops: Any = None) -> None:
        names = [devices] if isinstance(devices, str) else list(devices or ())
        if len(names) > 1:
            raise ArgumentError(f"MirroredStrategy: got devices={names}, but graphc trains on one device; pass one of "
                                "them")  # fmt: skip
        super().__init__(names[0] if names else None)


_DEFAULT = Strategy()
_active: list[Strategy] = []


def _reduction(reduce_op: Any) -> Callable[..., Any]:
    word = str(getattr(reduce_op, "value", reduce_op)).upper()
    if word not in ("SUM", "MEAN"):
        raise ArgumentError(f"got reduce_op={reduce_op!r}, expected tf.distribute.ReduceOp.SUM or MEAN")
    return reduce_sum if word == "SUM" else reduce_mean


def get_strategy() -> Strategy:
    """The strategy whose scope is open; a default one otherwise."""
    return _active[-1] if _active else _DEFAULT


def has_strategy() -> bool:
    """Whether the scope of a strategy is open."""
    return bool(_active)


def get_replica_context() -> ReplicaContext:
    """The context of the one replica."""
    return ReplicaContext(get_strategy())
