"""``tf.device``: where the functions traced inside a block run."""

from __future__ import annotations

import re
import warnings
from typing import Final

from graphc.mode import mode
from graphc_backends.base import get_backend
from graphc_ir.errors import ArgumentError, BackendError

__all__ = ["device"]

_DEVICE: Final = re.compile(r"(?:/job:\w+)?(?:/replica:\d+)?(?:/task:\d+)?/?(?:device:)?(cpu|gpu|cuda)(?::(\d+|\*))?",
                            re.IGNORECASE)  # fmt: skip


class device:
    """Functions traced inside the block compile for that device: ``"/CPU:0"``, ``"gpu:1"``, ``"/device:GPU:0"``...

    None stands for the default, the CPU. A function with a ``device=`` of its own keeps it. Ops outside of traced
    functions always run on the CPU. Raises ArgumentError for a name that is no device, BackendError for a device that
    is not there.
    """

    def __init__(self, device_name: str | None) -> None:
        self._device = _parsed(device_name)
        self._outer: list[str] = []

    def __enter__(self) -> None:
        if mode.tracer is not None and self._device != mode.device:
            warnings.warn(f"tf.device({self._device!r}) inside a traced function has no effect, since a function runs "
                          "on one device: put the block around its calls, or write @tf.function(device=...)",
                          stacklevel=2)  # fmt: skip
        self._outer.append(mode.device)
        if mode.tracer is None:
            mode.device = self._device

    def __exit__(self, *error: object) -> None:
        mode.device = self._outer.pop()


def _parsed(name: str | None) -> str:
    """The name that backends use: ``"cpu"`` or ``"cuda:N"``."""
    if not name and name in (None, ""):
        return "cpu"
    found = _DEVICE.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise ArgumentError(f"tf.device({name!r}): not a device name; expected one like '/CPU:0', '/GPU:0' or "
                            "'/device:GPU:1'")  # fmt: skip
    kind = "cpu" if found[1].lower() == "cpu" else "cuda"
    index = 0 if found[2] in (None, "*") else int(found[2])
    _check_present(str(name), kind, index)
    return kind if kind == "cpu" else f"{kind}:{index}"


def _check_present(name: str, kind: str, index: int) -> None:
    count = 1 if kind == "cpu" else get_backend("onnxruntime").device_count(kind)
    if index >= count:
        raise BackendError(f"tf.device({name!r}): there are {count} devices of kind {kind} here; "
                           "tf.config.list_physical_devices() lists all")  # fmt: skip
