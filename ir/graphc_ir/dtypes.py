"""Element types. Every dtype is one object: compare with ``is`` or ``==``; strings and NumPy dtypes are equal too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import ml_dtypes
import numpy as np

from graphc_ir.errors import DTypeError


class DType:
    """An element type.

    Attributes: ``name`` as in NumPy (``"float32"``), ``short`` as in IR text (``"f32"``), ``np`` the NumPy dtype,
    ``kind`` one of ``"b"`` (bool), ``"i"``, ``"u"``, ``"f"``, ``"c"``, ``"s"`` (string), ``size`` in bytes.
    """

    __slots__ = ("_hash", "kind", "name", "np", "short", "size")

    def __init__(self, name: str, short: str, np_dtype: Any, kind: str) -> None:
        self.name: Final = name
        self.short: Final = short
        self.np: Final[np.dtype[Any]] = np.dtype(np_dtype)
        self.kind: Final = kind
        self.size: Final = self.np.itemsize
        self._hash: Final = hash(name)

    @property
    def is_floating(self) -> bool:
        return self.kind == "f"

    @property
    def is_integer(self) -> bool:
        return self.kind in "iu"

    @property
    def is_unsigned(self) -> bool:
        return self.kind == "u"

    @property
    def is_complex(self) -> bool:
        return self.kind == "c"

    @property
    def is_bool(self) -> bool:
        return self.kind == "b"

    @property
    def is_numeric(self) -> bool:
        return self.kind in "iufc"

    @property
    def is_differentiable(self) -> bool:
        return self.kind in "fc"

    @property
    def as_numpy_dtype(self) -> Callable[..., Any]:
        """The NumPy scalar class, as TensorFlow names it."""
        return self.np.type

    @property
    def min(self) -> Any:
        """The smallest finite value (floats) or the smallest value (integers)."""
        return self._limits().min

    @property
    def max(self) -> Any:
        """The largest finite value."""
        return self._limits().max

    def _limits(self) -> Any:
        if self.is_integer:
            return np.iinfo(self.np)
        if self.is_floating:
            return ml_dtypes.finfo(self.np)  # type: ignore[no-untyped-call]
        raise DTypeError(f"dtype {self.name} has no minimum and maximum; integers and floats have")

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, DType) or other is None:
            return False
        try:
            return as_dtype(other) is self
        except DTypeError:
            return False

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: '{self.name}'>"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)


bool_ = DType("bool", "bool", np.bool_, "b")
int8 = DType("int8", "i8", np.int8, "i")
int16 = DType("int16", "i16", np.int16, "i")
int32 = DType("int32", "i32", np.int32, "i")
int64 = DType("int64", "i64", np.int64, "i")
uint8 = DType("uint8", "u8", np.uint8, "u")
uint16 = DType("uint16", "u16", np.uint16, "u")
uint32 = DType("uint32", "u32", np.uint32, "u")
uint64 = DType("uint64", "u64", np.uint64, "u")
float16 = DType("float16", "f16", np.float16, "f")
bfloat16 = DType("bfloat16", "bf16", ml_dtypes.bfloat16, "f")
float32 = DType("float32", "f32", np.float32, "f")
float64 = DType("float64", "f64", np.float64, "f")
complex64 = DType("complex64", "c64", np.complex64, "c")
complex128 = DType("complex128", "c128", np.complex128, "c")
string = DType("string", "str", np.object_, "s")

ALL: Final[tuple[DType, ...]] = (
    bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
    float16, bfloat16, float32, float64, complex64, complex128, string,
)  # fmt: skip

_BY_NAME: Final = {d.name: d for d in ALL} | {"half": float16, "double": float64, "str": string}
_BY_SHORT: Final = {d.short: d for d in ALL}
_BY_NUMPY: Final[dict[Any, DType]] = {d.np: d for d in ALL}
_PYTHON: Final[dict[Any, DType]] = {bool: bool_, int: int32, float: float32, complex: complex128, str: string}


def of_numpy(np_dtype: np.dtype[Any]) -> DType:
    """The DType of a NumPy dtype. Raises DTypeError for one that graphc does not have."""
    found = _BY_NUMPY.get(np_dtype)
    if found is not None:
        return found
    if np_dtype.kind in "USO":
        return string
    native = _BY_NUMPY.get(np_dtype.newbyteorder("="))
    if native is not None:
        return native
    raise DTypeError(f"NumPy dtype {np_dtype} has no counterpart; use one of {', '.join(d.name for d in ALL)}")


def as_dtype(value: Any) -> DType:
    """Turns a DType, a name (``"float32"``), a NumPy dtype or a Python number class into a DType.

    Raises DTypeError when there is no such dtype.
    """
    if isinstance(value, DType):
        return value
    if isinstance(value, str):
        found = _BY_NAME.get(value)
        if found is None:
            raise DTypeError(f"unknown dtype {value!r}; use one of {', '.join(d.name for d in ALL)}")
        return found
    if isinstance(value, type) and value in _PYTHON:
        return _PYTHON[value]
    try:
        return of_numpy(np.dtype(value))
    except TypeError as error:
        raise DTypeError(f"{value!r} is not a dtype; use e.g. tf.float32, 'float32' or numpy.float32") from error


def of_short(short: str) -> DType:
    """The DType of its IR spelling (``"f32"``). Raises DTypeError if there is none."""
    found = _BY_SHORT.get(short)
    if found is None:
        raise DTypeError(f"unknown dtype {short!r} in IR text; use one of {', '.join(_BY_SHORT)}")
    return found
