"""Constants."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Array, NotDifferentiable, Op, Operand, bind, current, lift, to_array
from graphc_ir.types import TensorType


class ArrayAttribute:
    """A read-only array as an attribute: equal when dtype, shape and bytes are equal (so NaNs are too)."""

    __slots__ = ("_digest", "array")

    def __init__(self, array: Array) -> None:
        # A caller's array may change later; one that nobody can write is shared.
        frozen = array if not array.flags.writeable else array.copy()
        frozen.flags.writeable = False
        self.array = frozen
        self._digest: tuple[Any, ...] | None = None

    @property
    def digest(self) -> tuple[Any, ...]:
        if self._digest is None:
            data = np.ascontiguousarray(self.array).tobytes()
            short = data if len(data) <= 32 else hashlib.blake2b(data, digest_size=16).digest()
            self._digest = (self.array.dtype, self.array.shape, short)
        return self._digest

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, ArrayAttribute) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"ArrayAttribute({self.array.dtype}{list(self.array.shape)})"


class Constant(Op):
    """A value known when the graph is built."""

    value: ArrayAttribute

    def infer(self) -> TensorType:
        return TensorType.of(self.value.array)

    def kernel(self) -> Any:
        return self.value.array

    def vjp(self, g: Operand, y: Operand) -> Any:
        return ()


class StopGradient(Op):
    """The identity that lets no gradient through."""

    is_view = True
    vjp = NotDifferentiable("stop_gradient")

    def infer(self, x: TensorType) -> TensorType:
        return x

    def kernel(self, x: Array) -> Any:
        return x


def constant(value: Any, dtype: Any = None, shape: Any = None) -> Operand:
    """A constant operand. With ``shape``, the data is reshaped, or repeated if it is one element.

    Raises ArgumentError when the element count does not fit.
    """
    array = to_array(value, dtype=None if dtype is None else as_dtype(dtype))
    if array is value:
        array = array.copy()  # the caller may write to it later
    if shape is not None:
        array = _shaped(array, tuple(int(d) for d in shape))
    return current().constant(array)


def stop_gradient(x: Any) -> Operand:
    """The operand itself, through which no gradient flows."""
    return bind(StopGradient(), lift(x))


def _shaped(array: Array, shape: tuple[int, ...]) -> Array:
    count = int(np.prod(shape, dtype=np.int64))
    if array.size == count:
        return array.reshape(shape)
    if array.size == 1:
        return np.full(shape, array.reshape(()))
    raise ArgumentError(
        f"cannot fill shape {shape} ({count} elements) with {array.size} elements of shape {array.shape}"
    )
