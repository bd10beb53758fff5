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
    "LogicalDeviceConfiguration",
    "PhysicalDevice",
    "experimental_functions_run_eagerly",
    "experimental_run_functions_eagerly",
    "functions_run_eagerly",
    "get_logical_device_configuration",
    "get_soft_device_placement",
    "get_visible_devices",
    "list_logical_devices",
    "list_physical_devices",
    "optimizer",
    "run_functions_eagerly",
    "set_logical_device_configuration",
    "set_soft_device_placement",
    "set_visible_devices",
    "threading",
]

experimental_run_functions_eagerly = run_functions_eagerly
experimental_functions_run_eagerly = functions_run_eagerly


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


class LogicalDeviceConfiguration(NamedTuple):
    """A part of a device with so many megabytes of memory."""

    memory_limit: float | None = None


def get_logical_device_configuration(device: PhysicalDevice) -> None:
    """None: devices are never divided."""


def set_logical_device_configuration(device: PhysicalDevice, logical_devices: Any) -> None:
    """Accepts one part without a memory limit, which is the device. Raises ArgumentError for anything else."""
    if list(logical_devices) != [LogicalDeviceConfiguration()]:
        raise ArgumentError(f"graphc does not divide devices: got {list(logical_devices)} for {device}; leave the call "
                            "out, and limit memory by smaller batches")  # fmt: skip


def get_soft_device_placement() -> bool:
    """False: a function runs on the device that it is told, or raises."""
    return False


def set_soft_device_placement(enabled: bool) -> None:
    """Accepted for TensorFlow code, without effect: see :func:`get_soft_device_placement`."""


# TensorFlow's switches of single passes; graphc has pipelines: tf.function(level=...), tf.optimize(graph, level=...).
optimizer = SimpleNamespace(
    get_jit=lambda: "",
    set_jit=lambda enabled: None,
    get_experimental_options=dict,
    set_experimental_options=lambda options: None,
)
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
