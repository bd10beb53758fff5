"""Tensors that sessions are bound to: host memory of our own, or memory of a device."""

from __future__ import annotations

import math
from sys import getrefcount
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnxruntime.session import Device
from graphc_ir.dtypes import bfloat16
from graphc_ir.ops.base import Array
from graphc_ir.types import TensorType

_ALIGNMENT = 64
_COPY_UP_TO = 1 << 15  # bytes: larger results are handed out themselves, and replaced if they are kept


class BoundTensor(Protocol):
    """Memory of one static type that a session reads or writes. ``value`` is the OrtValue over it."""

    value: Any

    def write(self, array: Array) -> None: ...

    def read(self) -> Array:
        """A copy on the host."""
        ...


class HostTensor:
    """Host memory that an OrtValue and a NumPy array share."""

    def __init__(self, type: TensorType) -> None:
        self.type = type
        self._memory, self.array = _aligned(type)
        self.value = ort_value(self.array, type)
        self._own_references = self._references()

    def _references(self) -> tuple[int, int]:
        # The base of a view of the array is the memory itself, not the array.
        return getrefcount(self.array), getrefcount(self._memory)

    def write(self, array: Array) -> None:
        np.copyto(self.array, array)

    def read(self) -> Array:
        return self.array.copy()

    @property
    def is_kept(self) -> bool:
        """Whether somebody else still holds the array or a view of it."""
        return self._references() != self._own_references


class CudaTensor:
    """Device memory."""

    def __init__(self, type: TensorType, index: int) -> None:
        self.value = ort.OrtValue.ortvalue_from_shape_and_type(type.shape, type.dtype.np, "cuda", index)

    def write(self, array: Array) -> None:
        self.value.update_inplace(np.ascontiguousarray(array))

    def read(self) -> Array:
        return np.asarray(self.value.numpy())


class OrtTensor:
    """A result that stays where the session put it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape())

    @property
    def device(self) -> str:
        return str(self.value.device_name())

    def numpy(self) -> Array:
        """The value on the host."""
        return np.array(self.value.numpy())


def bound_tensor(type: TensorType, device: Device) -> BoundTensor:
    """New memory for a static type."""
    return HostTensor(type) if device.kind == "cpu" else CudaTensor(type, device.index)


def is_copied(type: TensorType) -> bool:
    """Whether results of this type are small enough to be copied out at every run."""
    return _nbytes(type) <= _COPY_UP_TO


def ort_value(array: Array, type: TensorType) -> Any:
    """An OrtValue over the memory of a C-contiguous array."""
    if type.dtype is bfloat16:
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(array, to_onnx(type.dtype))
    return ort.OrtValue.ortvalue_from_numpy(array)


def _nbytes(type: TensorType) -> int:
    return math.prod(d for d in type.shape if isinstance(d, int)) * int(type.dtype.size)


def _aligned(type: TensorType) -> tuple[Array, Array]:
    """Zeros that start on a cache line: the memory, and the array in it."""
    size = _nbytes(type)
    memory = np.zeros(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory, memory[start : start + size].view(type.dtype.np).reshape(type.shape)
