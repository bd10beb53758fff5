"""Tensor types (dtype and shape) and the specs that users write for inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc_ir import dims as _dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.dtypes import DType, as_dtype, of_numpy, of_short
from graphc_ir.errors import ArgumentError, ParseError


class TensorType:
    """The type of one value: ``dtype`` and ``shape`` (ints or symbolic dims). Immutable and hashable."""

    __slots__ = ("_hash", "dtype", "shape")
    dtype: DType
    shape: Shape

    def __init__(self, dtype: DType, shape: Shape) -> None:
        self.dtype = dtype
        self.shape = shape
        self._hash = hash((dtype, shape))

    @classmethod
    def of(cls, array: np.ndarray[Any, Any] | np.generic) -> TensorType:
        return cls(of_numpy(array.dtype), array.shape)

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_static(self) -> bool:
        return all(type(d) is int for d in self.shape)

    def with_shape(self, shape: Shape) -> TensorType:
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: DType) -> TensorType:
        return TensorType(dtype, self.shape)

    def substitute(self, bindings: Mapping[str, Dim]) -> TensorType:
        if self.is_static:
            return self
        return TensorType(self.dtype, tuple(_dims.substitute(d, bindings) for d in self.shape))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, TensorType) and self.dtype is other.dtype and self.shape == other.shape
        )

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return f"{self.dtype.short}[{', '.join(map(str, self.shape))}]"

    def __repr__(self) -> str:
        return f"TensorType({self})"


class TensorSpec:
    """What a user says of an input: shape (ints, ``None`` for an unnamed unknown size, a string for a named one)
    and dtype.

    ``TensorSpec([None, 784])`` and ``TensorSpec(["batch", 784])`` both leave the first size open; two inputs that
    use the same name are known to agree in that size.
    """

    __slots__ = ("dtype", "name", "shape")

    def __init__(self, shape: Sequence[Any] | None, dtype: Any = "float32", name: str | None = None) -> None:
        if shape is None:
            raise ArgumentError("TensorSpec needs a shape; for sizes that vary use None or a name, e.g. [None, 784]")
        self.shape: tuple[Any, ...] = tuple(_checked_dim(d, shape) for d in shape)
        self.dtype: DType = as_dtype(dtype)
        self.name = name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        return cls(tuple(tensor.shape), tensor.dtype, name)

    def to_type(self) -> TensorType:
        """The IR type; each ``None`` becomes a fresh anonymous symbol, each string a named one."""
        return TensorType(self.dtype, tuple(_spec_dim(d) for d in self.shape))

    def is_compatible_with(self, other: Any) -> bool:
        """Whether a tensor or spec has this dtype and fits this shape."""
        shape = tuple(other.shape)
        fits = all(
            not isinstance(d, int) or not isinstance(s, int) or d == s for d, s in zip(self.shape, shape, strict=False)
        )
        return self.dtype == other.dtype and len(shape) == len(self.shape) and fits

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self.shape, self.dtype, self.name) == (
            other.shape,
            other.dtype,
            other.name,
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.name))

    def __repr__(self) -> str:
        shape = "(" + ", ".join(map(str, self.shape)) + ("," if len(self.shape) == 1 else "") + ")"
        return f"TensorSpec(shape={shape}, dtype={self.dtype!r}, name={self.name!r})"


def _checked_dim(dim: Any, shape: Sequence[Any]) -> Any:
    if dim is None or isinstance(dim, (str, _dims.DimExpr)):
        return dim
    if isinstance(dim, (int, np.integer)) and dim >= 0:
        return int(dim)
    raise ArgumentError(f"TensorSpec shape {list(shape)!r} has {dim!r}; use an int >= 0, None, or a dimension name")


def _spec_dim(dim: Any) -> Dim:
    if dim is None:
        return _dims.fresh_symbol()
    if isinstance(dim, str):
        return _dims.symbol(dim)
    return dim  # type: ignore[no-any-return]


def parse_type(text: str) -> TensorType:
    """The type that ``str(type)`` prints, e.g. ``"f32[2, n]"``. Raises ParseError otherwise."""
    short, bracket, inner = text.strip().partition("[")
    if not bracket or not inner.endswith("]"):
        raise ParseError(f"{text!r} is no tensor type; write it like f32[2, n]")
    listed = [part.strip() for part in inner[:-1].split(",")] if inner[:-1].strip() else []
    return TensorType(of_short(short.strip()), tuple(_dims.parse_dim(part) for part in listed))
