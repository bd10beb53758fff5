"""ONNX Runtime sessions: options, providers, a bounded cache, and its errors in our words."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort

from graphc_ir.errors import BackendError

MAX_SESSIONS: Final = 32
_CUDA: Final = "CUDAExecutionProvider"
_CPU: Final = "CPUExecutionProvider"
_GPUS: Final = Path("/proc/driver/nvidia/gpus")
_CONVOLUTIONS: Final = frozenset({"Conv", "ConvTranspose", "MaxPool"})

RUNTIME_ERRORS: Final[tuple[type[Exception], ...]] = tuple(
    getattr(ort.capi.onnxruntime_pybind11_state, name)
    for name in (
        "Fail",
        "InvalidArgument",
        "InvalidGraph",
        "InvalidProtobuf",
        "NotImplemented",
        "RuntimeException",
    )
)
"""What ONNX Runtime raises."""


@dataclass(frozen=True)
class Device:
    """Where a session runs: ``kind`` is ``"cpu"`` or ``"cuda"``."""

    kind: str
    index: int = 0

    @property
    def provider(self) -> str:
        """The name of ONNX Runtime's execution provider."""
        return _CPU if self.kind == "cpu" else _CUDA

    @property
    def providers(self) -> list[Any]:
        return [self.provider if self.kind == "cpu" else (self.provider, {"device_id": self.index})]


def parse_device(text: str) -> Device:
    """``"cpu"``, ``"cuda"`` or ``"cuda:N"``. Raises BackendError for others and for a device that is not
    there.
    """
    kind, colon, number = text.lower().partition(":")
    if kind not in ("cpu", "cuda") or (colon and not number.isdecimal()) or (kind == "cpu" and number not in ("", "0")):
        raise BackendError(f"unknown device {text!r}; use 'cpu', 'cuda' or 'cuda:N'")
    available = ort.get_available_providers()
    if kind == "cuda" and _CUDA not in available:
        raise BackendError(f"device {text!r} needs ONNX Runtime's {_CUDA}, but the installed onnxruntime "
                           f"{ort.__version__} has only {', '.join(available)}; install the CUDA build: "
                           "pip uninstall onnxruntime; pip install onnxruntime-gpu")  # fmt: skip
    index, count = int(number or 0), cuda_device_count()
    if kind == "cuda" and count and index >= count:
        raise BackendError(f"device {text!r} does not exist: this machine has {count} GPUs, numbered from 0")
    return Device(kind, index)


def cuda_device_count() -> int:
    """The GPUs that ONNX Runtime's CUDA provider can use; 0 without that provider or without a driver."""
    return len(list(_GPUS.glob("*"))) if _CUDA in ort.get_available_providers() else 0


def optimization_level(operators: frozenset[str], updates_state: bool) -> Any:
    """ALL, but EXTENDED for training steps with convolutions: their weights are graph inputs, so that the
    NCHWc layout of ALL only adds reorderings (measured: 13 % slower).
    """
    if updates_state and operators & _CONVOLUTIONS:
        return ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    return ort.GraphOptimizationLevel.ORT_ENABLE_ALL


def session_options(device: Device, threads: int, level: Any) -> Any:
    """One intra-op pool that spins between steps, sequential execution; on CUDA no silent fallback to the
    CPU.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = level
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    if device.kind == "cuda":
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return options


class SessionCache:
    """Sessions by model and options, least recently used first out."""

    def __init__(self, limit: int = MAX_SESSIONS) -> None:
        self.limit = limit
        self._sessions: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, model: bytes, device: Device, threads: int, level: Any) -> Any:
        """The session for a serialized model. Raises what ONNX Runtime raises, and BackendError for a device
        that did not load.
        """
        key = (hashlib.blake2b(model, digest_size=16).digest(), device, threads, int(level))
        return self._cached(key, lambda: _create(model, device, threads, level))

    def _cached(self, key: tuple[Any, ...], create: Callable[[], Any]) -> Any:
        with self._lock:
            found = self._sessions.get(key)
            if found is not None:
                self._sessions.move_to_end(key)
                return found
        created = create()
        with self._lock:
            self._sessions[key] = created
            while len(self._sessions) > self.limit:
                self._sessions.popitem(last=False)
        return created


SESSIONS: Final = SessionCache()


def _create(model: bytes, device: Device, threads: int, level: Any) -> Any:
    options = session_options(device, threads, level)
    try:
        session = ort.InferenceSession(model, options, providers=device.providers)
    except RUNTIME_ERRORS as error:
        if device.kind == "cuda":
            raise _cuda_error(device, error) from error
        raise
    if device.kind == "cuda" and _CUDA not in session.get_providers():
        raise BackendError(f"device 'cuda:{device.index}': {_CUDA} did not load, the session would run on "
                           f"{', '.join(session.get_providers())}; check the NVIDIA driver and that the CUDA "
                           "and cuDNN libraries that onnxruntime-gpu needs can be found")  # fmt: skip
    return session


def _cuda_error(device: Device, error: Exception) -> Exception:
    text, name = str(error), f"device 'cuda:{device.index}'"
    if "fallback to CPU EP has been explicitly disabled" in text:
        return BackendError(f"{name}: some nodes of the graph have no CUDA kernel and would run on the CPU; "
                            f"run the graph with device='cpu', or rewrite those ops ({text})")  # fmt: skip
    if "invalid device ordinal" in text or "device_id" in text:
        return BackendError(f"{name} does not exist; use an index below the number of GPUs ({text})")
    return error
