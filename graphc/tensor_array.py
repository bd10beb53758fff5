"""TensorArray: a list of tensors that is filled step by step and stacked at the end."""

from __future__ import annotations

from typing import Any

from graphc.tensor import SymbolicTensor
from graphc_ir.dtypes import DType, as_dtype
from graphc_ir.errors import ArgumentError, DTypeError, TracingError
from graphc_ir.ops.base import current, lift
from graphc_ir.ops.movement import broadcast_to, concat, expand_dims
from graphc_ir.types import TensorType


class TensorArray:
    """Tensors of one dtype by position. Writing returns the array itself, as in ``ta = ta.write(i, x)``.

    Positions are known numbers: eagerly always, inside a traced function in Python loops. Where the number of rounds
    depends on data, use tf.scan or tf.map_fn.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        self.dtype: DType = as_dtype(dtype)
        self.dynamic_size = bool(dynamic_size)
        self._tensors: list[Any] = [None] * (0 if size is None else _position(size))
        self._element_shape = None if element_shape is None else tuple(element_shape)

    @property
    def element_shape(self) -> Any:
        """The shape of the elements as declared or written; None while it is unknown."""
        written = next((t for t in self._tensors if t is not None), None)
        return self._element_shape if written is None else written.shape

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Puts a tensor at a position. Raises ArgumentError outside of a fixed size, DTypeError for another dtype."""
        position, tensor = _position(index), lift(value, self.dtype)
        if tensor.dtype is not self.dtype:
            raise DTypeError(f"this TensorArray holds {self.dtype.name}, got a {tensor.dtype.name} tensor; cast it")
        if position >= len(self._tensors):
            self._grow(position)
        self._tensors[position] = tensor
        return self

    def _grow(self, position: int) -> None:
        if not self.dynamic_size:
            raise ArgumentError(f"position {position} is outside of a TensorArray of size {len(self._tensors)}; give a "
                                "larger size, or dynamic_size=True")  # fmt: skip
        self._tensors += [None] * (position + 1 - len(self._tensors))

    def read(self, index: Any, name: str | None = None) -> Any:
        """The tensor at a position; zeros where nothing was written but the element shape is known."""
        position = _position(index)
        if position >= len(self._tensors):
            raise ArgumentError(f"position {position} is outside of a TensorArray of size {len(self._tensors)}")
        return self._tensor(position)

    def _tensor(self, position: int) -> Any:
        found = self._tensors[position]
        return self._zeros(position) if found is None else found

    def _zeros(self, position: int) -> Any:
        shape = self.element_shape
        if shape is None or None in tuple(shape):
            raise ArgumentError(f"nothing was written at position {position} of a TensorArray; write all positions, or "
                                "give element_shape to have zeros there")  # fmt: skip
        return broadcast_to(current().lift(0, self.dtype), tuple(shape))

    def stack(self, name: str | None = None) -> Any:
        """All tensors along a new first axis."""
        if not self._tensors:
            return broadcast_to(current().lift(0, self.dtype), (0, *(self._element_shape or ())))
        return concat([expand_dims(self._tensor(i), 0) for i in range(len(self._tensors))], 0)

    def concat(self, name: str | None = None) -> Any:
        """All tensors joined along their first axis."""
        return concat([self._tensor(i) for i in range(len(self._tensors))], 0)

    def gather(self, indices: Any, name: str | None = None) -> Any:
        """The tensors at these positions along a new first axis."""
        return concat([expand_dims(self.read(i), 0) for i in indices], 0)

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """Fills the array with the slices of a tensor along its first axis."""
        tensor = lift(value, self.dtype)
        self._tensors = [tensor[i] for i in range(len(tensor))]
        return self

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """Writes the slices of a tensor at these positions."""
        tensor = lift(value, self.dtype)
        for row, position in enumerate(indices):
            self.write(position, tensor[row])
        return self

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """Fills the array with consecutive pieces of a tensor."""
        tensor, start = lift(value, self.dtype), 0
        for position, length in enumerate(lengths):
            self.write(position, tensor[start : start + int(length)])
            start += int(length)
        return self

    def size(self, name: str | None = None) -> Any:
        """The number of positions, as an int32 scalar."""
        return lift(len(self._tensors))

    def identity(self) -> TensorArray:
        """A TensorArray with the same tensors."""
        other = TensorArray(self.dtype, 0, self.dynamic_size, element_shape=self._element_shape)
        other._tensors = list(self._tensors)
        return other

    def grad(self, source: Any, flow: Any = None, name: str | None = None) -> Any:
        raise ArgumentError("TensorArray.grad belongs to TensorFlow 1; use tf.GradientTape")

    def close(self, name: str | None = None) -> None:
        """Forgets all tensors."""
        self._tensors = []

    @property
    def element_type(self) -> TensorType | None:
        """The IR type of the first tensor written; None before that."""
        written = next((t for t in self._tensors if t is not None), None)
        return None if written is None else written.type

    def __len__(self) -> int:
        return len(self._tensors)


def _position(index: Any) -> int:
    if isinstance(index, SymbolicTensor):
        raise TracingError("a TensorArray inside a traced function needs positions that are known while tracing (a "
                           "Python loop of known length); use tf.scan or tf.map_fn where they are not")  # fmt: skip
    position = index.__index__() if hasattr(index, "__index__") else int(index)
    if position < 0:
        raise ArgumentError(f"positions of a TensorArray count from 0, got {position}")
    return position
