"""The devices of this machine, and the processes of a job."""

from __future__ import annotations

import os
from typing import Any, Final

from graphc.config import list_logical_devices
from graphc_ir.errors import ArgumentError

__all__ = ["get_device_count", "initialize", "list_devices"]

_KINDS: Final = ("cpu", "gpu", "tpu")
_PREFIX: Final = "KERAS_DISTRIBUTION_"


def list_devices(device_type: str | None = None) -> list[str]:
    """The visible devices of a type as ``"cpu:0"``, ``"gpu:1"``...; by default the GPUs, or the CPU if there are none.

    Raises ArgumentError for another ``device_type`` than ``"cpu"``, ``"gpu"`` and ``"tpu"`` (of which there are none).
    """
    kind = None if device_type is None else str(device_type).lower()
    if kind is not None and kind not in _KINDS:
        raise ArgumentError(f"list_devices: got device_type={device_type!r}, expected one of {', '.join(_KINDS)} or "
                            "None")  # fmt: skip
    names = {k: [] for k in _KINDS}  # type: dict[str, list[str]]
    for device in list_logical_devices():
        names[device.device_type.lower()].append(f"{device.device_type.lower()}:{device.name.rpartition(':')[2]}")
    return names[kind] if kind else names["gpu"] or names["cpu"]


def get_device_count(device_type: str | None = None) -> int:
    """How many devices :func:`list_devices` lists."""
    return len(list_devices(device_type))


def initialize(
    job_addresses: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Joins a job of one process, which this one is; there is nothing to set up.

    What is None is read from ``KERAS_DISTRIBUTION_JOB_ADDRESSES`` (separated by commas), ``..._NUM_PROCESSES`` and
    ``..._PROCESS_ID``. Raises ArgumentError for a job of more processes.
    """
    addresses = _given(job_addresses, "JOB_ADDRESSES")
    listed = [] if addresses is None else str(addresses).split(",")
    count = _number(_given(num_processes, "NUM_PROCESSES"), "num_processes", max(len(listed), 1))
    number = _number(_given(process_id, "PROCESS_ID"), "process_id", 0)
    if count != 1 or number != 0 or len(listed) > 1:
        raise ArgumentError(f"initialize: got job_addresses={addresses!r}, num_processes={count}, process_id={number}, "
                            "but graphc trains in one process; leave the call out, or run the job under Keras with the "
                            "JAX backend")  # fmt: skip


def _given(value: Any, variable: str) -> Any:
    return os.environ.get(_PREFIX + variable) if value is None else value


def _number(value: Any, what: str, default: int) -> int:
    try:
        return default if value is None else int(value)
    except ValueError as error:
        raise ArgumentError(f"initialize: got {what}={value!r}, expected an integer") from error
