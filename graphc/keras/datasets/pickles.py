"""Reading pickles that hold arrays, as old data sets do, without letting them call anything.

A pickle is a program: it names functions and calls them. Here every name but the four that make up an array is
refused, and those four stand for plain records, so that nothing of the file reaches NumPy but sizes and bytes.
"""

from __future__ import annotations

import math
import pickle
import re
from typing import IO, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc.keras.utils.errors import CorruptFileError, UnsafeFileError

__all__ = ["read_pickle"]

Array: TypeAlias = NDArray[Any]

_BYTE_ORDERS: Final = ("<", ">", "=", "|")
_DTYPE_CODE: Final = re.compile(r"[biufO]\d{1,2}")


def read_pickle(stream: IO[bytes], where: str) -> Any:
    """The object of a pickle: lists, tuples, dicts, numbers, strings (bytes where Python 2 wrote them), arrays.

    Args:
        where: what is read, for messages.

    Raises:
        UnsafeFileError: the pickle names a class or function that arrays do not need.
        CorruptFileError: the pickle is damaged.
    """
    try:
        return _settled(_ArrayUnpickler(stream, where).load())
    except UnsafeFileError:
        raise
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise CorruptFileError(f"{where} is damaged ({error}); delete it and download it again") from error


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _settled(entry) for key, entry in value.items()}
    return value.array if isinstance(value, _PickledArray) else value


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, stream: IO[bytes], where: str) -> None:
        super().__init__(stream, encoding="bytes")
        self._where = where

    def find_class(self, module: str, name: str) -> Any:
        found = _STAND_INS.get((module.replace("numpy._core", "numpy.core"), name))
        if found is None:
            raise UnsafeFileError(
                f"{self._where} is not read: it asks for {module}.{name}, which arrays do not need, so it may try to "
                "run code; get the file from a source that you trust"
            )
        return found


class _PickledDType:
    """The dtype of a pickled array."""

    def __init__(self, code: str | bytes, align: bool = False, copy: bool = False) -> None:
        self._code = code.decode("ascii") if isinstance(code, bytes) else code
        if not _DTYPE_CODE.fullmatch(self._code):
            raise ValueError(f"dtype {self._code!r}")
        self._order = "="

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        self._order = order.decode("ascii") if isinstance(order, bytes) else order
        if self._order not in _BYTE_ORDERS:
            raise ValueError(f"byte order {self._order!r}")

    @property
    def numpy(self) -> np.dtype[Any]:
        return np.dtype(self._order + self._code)


class _PickledArray:
    """An array as its pickle describes it; ``array`` once the description is complete."""

    array: Array

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, data = state
        flat = _object_array(data) if dtype.numpy.hasobject else np.frombuffer(data, dtype.numpy).copy()
        if flat.size != math.prod(shape):
            raise ValueError(f"shape {shape} for {flat.size} elements")
        self.array = flat.reshape(shape, order="F" if is_fortran else "C")


def _object_array(entries: list[Any]) -> Array:
    # Filled one by one: NumPy would make a matrix of lists of equal lengths.
    array = np.empty(len(entries), object)
    for index, entry in enumerate(entries):
        array[index] = _settled(entry)
    return array


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in the older protocols."""
    return text.encode("latin1")


_STAND_INS: Final[dict[tuple[str, str], Any]] = {
    ("numpy", "ndarray"): _PickledArray,
    ("numpy", "dtype"): _PickledDType,
    ("numpy.core.multiarray", "_reconstruct"): _PickledArray,
    ("_codecs", "encode"): _encode,
}
