"""``tf.config``: devices, threads, and running traced functions as plain Python."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

from graphc.function import functions_run_eagerly, run_functions_eagerly
from graphc_backends.base import get_backend
from graphc_backends.threads import num_threads, set_num_threads
from graphc_ir.errors import ArgumentError

__all__ = [
    "LogicalDevice",
    "PhysicalDevice",
    "experimental_run_functions_eagerly",
    "functions_run_eagerly",
    "get_visible_devices",
    "list_logical_devices",
    "list_physical_devices",
    "run_functions_eagerly",
    "set_visible_devices",
    "threading",
]

experimental_run_functions_eagerly = run_functions_eagerly


class PhysicalDevice(NamedTuple):
    """A device of this machine, e.g. ``PhysicalDevice("/physical_device:CPU:0", "CPU")``."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device as programs name it, e.g. ``LogicalDevice("/device:CPU:0", "CPU")``."""

    name: str
    device_type: str


@functools.cache
def _devices() -> tuple[PhysicalDevice, ...]:
    cpu = PhysicalDevice("/physical_device:CPU:0", "CPU")
    gpus = range(get_backend("onnxruntime").device_count("cuda"))
    return cpu, *(PhysicalDevice(f"/physical_device:GPU:{i}", "GPU") for i in gpus)


_visible: dict[str, list[PhysicalDevice]] = {}


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The CPU, and the GPUs that ONNX Runtime can use; ``device_type`` is ``"CPU"`` or ``"GPU"``."""
    return [d for d in _devices() if device_type in (None, d.device_type)]


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that programs see: all of them unless :func:`set_visible_devices` said otherwise."""
    return [d for d in list_physical_devices(device_type) if d in _visible.get(d.device_type, [d])]


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Hides all other devices of that type. Raises ArgumentError for a device that this machine does not have."""
    chosen: Sequence[PhysicalDevice] = [devices] if isinstance(devices, PhysicalDevice) else list(devices)
    for device in chosen:
        if device not in _devices():
            raise ArgumentError(f"{device} is not a device of this machine, which has {list(_devices())}")
    for kind in [device_type] if device_type else ["CPU", "GPU"]:
        _visible[kind] = [d for d in chosen if d.device_type == kind]


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The visible devices as programs name them."""
    return [
        LogicalDevice(d.name.replace("/physical_device", "/device"), d.device_type)
        for d in get_visible_devices(device_type)
    ]


threading = SimpleNamespace(
    get_intra_op_parallelism_threads=num_threads,
    set_intra_op_parallelism_threads=set_num_threads,
    get_inter_op_parallelism_threads=lambda: 1,
    set_inter_op_parallelism_threads=lambda count: None,
)
experimental = SimpleNamespace(
    list_physical_devices=list_physical_devices,
    get_visible_devices=get_visible_devices,
    set_visible_devices=set_visible_devices,
    set_memory_growth=lambda device, enable: None,
)
