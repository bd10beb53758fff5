"""TensorArray: a list of tensors that is filled step by step and stacked at the end."""

from __future__ import annotations

from typing import Any

from graphc.tensor import SymbolicTensor, Tensor
from graphc_ir.dtypes import DType, as_dtype, int32
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import lift
from graphc_ir.ops.creation import arange, zeros
from graphc_ir.ops.elementwise import cast, maximum
from graphc_ir.ops.gather import gather, tensor_scatter_nd_update
from graphc_ir.ops.movement import broadcast_to, concat, expand_dims, reshape
from graphc_ir.ops.shape import size_operand
from graphc_ir.types import TensorType


class TensorArray:
    """Tensors of one dtype by position. Writing returns the array itself, as in ``ta = ta.write(i, x)``.

    While positions are known numbers, it is a list of tensors. At a position that only a run of the graph tells, and in
    loops of the graph, it is one tensor with the elements along its first axis; all of them have one shape then.
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
        self._element_shape = None if element_shape is None else tuple(element_shape)
        self._size = size if isinstance(size, SymbolicTensor) else None
        """The number of positions, where only a run of the graph tells."""
        self._tensors: list[Any] = [None] * (0 if size is None or self._size is not None else _position(size))
        self._stacked: Tensor | None = None

    @property
    def element_shape(self) -> Any:
        """The shape of the elements as declared or written; None while it is unknown."""
        if self._stacked is not None:
            return self._stacked.shape[1:]
        written = next((t for t in self._tensors if t is not None), None)
        return self._element_shape if written is None else written.shape

    @property
    def element_type(self) -> TensorType | None:
        """The IR type of the elements; None while it is unknown."""
        if self._stacked is not None:
            return self._stacked.type.with_shape(self._stacked.type.shape[1:])
        written = next((t for t in self._tensors if t is not None), None)
        if written is not None:
            return written.type  # type: ignore[no-any-return]
        if self._element_shape is None or None in self._element_shape:
            return None
        return TensorType(self.dtype, self._element_shape)

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Puts a tensor at a position. Raises ArgumentError outside of a fixed size, DTypeError for another dtype."""
        tensor = lift(value, self.dtype)
        if tensor.dtype is not self.dtype:
            raise DTypeError(f"this TensorArray holds {self.dtype.name}, got a {tensor.dtype.name} tensor; cast it")
        if self._is_one_tensor(index):
            return self._write_into_tensor(index, tensor)
        position = _position(index)
        if position >= len(self._tensors):
            self._grow(position)
        self._tensors[position] = tensor
        return self

    def _is_one_tensor(self, index: Any) -> bool:
        return self._stacked is not None or self._size is not None or isinstance(index, SymbolicTensor)

    def _grow(self, position: int) -> None:
        if not self.dynamic_size:
            raise ArgumentError(f"position {position} is outside of a TensorArray of size {len(self._tensors)}; give a "
                                "larger size, or dynamic_size=True")  # fmt: skip
        self._tensors += [None] * (position + 1 - len(self._tensors))

    def _write_into_tensor(self, index: Any, tensor: Tensor) -> TensorArray:
        elements = self.stacked(self.type_for(self.element_type or tensor.type))
        if elements.type.shape[1:] != tensor.type.shape:
            raise ShapeError(f"this TensorArray holds tensors of shape {list(elements.type.shape[1:])}, got "
                             f"{tensor.type}; where positions are only known when the graph runs, all have one "
                             "shape")  # fmt: skip
        where = reshape(cast(lift(index), int32), (1, 1))
        if self.dynamic_size:
            elements = _extended(elements, reshape(where, ()) + 1)
        self._stacked = tensor_scatter_nd_update(elements, where, expand_dims(tensor, 0))
        return self

    def read(self, index: Any, name: str | None = None) -> Any:
        """The tensor at a position; zeros where nothing was written but the element shape is known."""
        if self._is_one_tensor(index):
            return gather(self._all(), cast(lift(index), int32))
        position = _position(index)
        if position >= len(self._tensors):
            raise ArgumentError(f"position {position} is outside of a TensorArray of size {len(self._tensors)}")
        return self._tensor(position)

    def _tensor(self, position: int) -> Any:
        found = self._tensors[position]
        return self._zeros(position) if found is None else found

    def _zeros(self, position: int) -> Any:
        kind = self.element_type
        if kind is None:
            raise ArgumentError(f"nothing was written at position {position} of a TensorArray; write all positions, or "
                                "give element_shape to have zeros there")  # fmt: skip
        return zeros(kind.shape, kind.dtype)

    def stack(self, name: str | None = None) -> Any:
        """All tensors along a new first axis."""
        if self._is_one_tensor(None):
            return self._all()
        if not self._tensors:
            return zeros((0, *(self._element_shape or ())), self.dtype)
        return concat([expand_dims(self._tensor(i), 0) for i in range(len(self._tensors))], 0)

    def concat(self, name: str | None = None) -> Any:
        """All tensors joined along their first axis."""
        if self._is_one_tensor(None):
            elements = self._all()
            return reshape(elements, (-1, *elements.type.shape[2:]))
        return concat([self._tensor(i) for i in range(len(self._tensors))], 0)

    def gather(self, indices: Any, name: str | None = None) -> Any:
        """The tensors at these positions along a new first axis."""
        if self._is_one_tensor(indices):
            return gather(self._all(), lift(indices))
        return concat([expand_dims(self.read(i), 0) for i in indices], 0)

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """Fills the array with the slices of a tensor along its first axis."""
        tensor = lift(value, self.dtype)
        if isinstance(tensor, SymbolicTensor):
            self._stacked = tensor
        else:
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
        if self._stacked is not None:
            return size_operand(self._stacked.type.shape[0], int32)
        return lift(len(self._tensors)) if self._size is None else self._size

    def identity(self) -> TensorArray:
        """A TensorArray with the same tensors."""
        return self.with_content(self.content())

    def grad(self, source: Any, flow: Any = None, name: str | None = None) -> Any:
        raise ArgumentError("TensorArray.grad belongs to TensorFlow 1; use tf.GradientTape")

    def close(self, name: str | None = None) -> None:
        """Forgets all tensors."""
        self._tensors, self._stacked = [], None

    def __len__(self) -> int:
        return len(self._tensors) if self._stacked is None else len(self._stacked)

    # --- as one value, for branches and loops of the graph ---------------------------------------------------------

    def content(self) -> Any:
        """The tensors by position (None where nothing was written), or the one tensor that holds them all."""
        return list(self._tensors) if self._stacked is None else self._stacked

    def with_content(self, content: Any) -> TensorArray:
        """A TensorArray of the same kind that holds this."""
        other = TensorArray(self.dtype, self._size, self.dynamic_size, element_shape=self._element_shape)
        if isinstance(content, list):
            other._tensors = list(content)
        else:
            other._stacked = content
        return other

    def become(self, other: TensorArray) -> None:
        """Takes what another one holds."""
        self._tensors, self._stacked = list(other._tensors), other._stacked

    def items(self) -> list[Any]:
        """What it consists of, to compare by identity."""
        return [*self._tensors, self._stacked]

    @property
    def stacked_type(self) -> TensorType | None:
        """The type of all elements as one tensor; None while it is unknown."""
        kind = self.element_type
        return None if kind is None else self.type_for(kind)

    def type_for(self, element: TensorType) -> TensorType:
        """The type of one tensor that holds all positions, if the elements are of this type."""
        if self._stacked is not None:
            return self._stacked.type
        if self._size is not None:
            return self._rows().type.with_dtype(element.dtype).with_shape((*self._rows().type.shape, *element.shape))
        return element.with_shape((len(self._tensors), *element.shape))

    def stacked(self, kind: TensorType) -> Tensor:
        """All positions as one tensor of this type, zeros where nothing was written."""
        if self._stacked is not None:
            return self._stacked
        element = kind.with_shape(kind.shape[1:])
        if self._size is not None:
            return _repeated_zeros(self._rows(), element)
        if not any(t is not None for t in self._tensors):
            return zeros((len(self._tensors), *element.shape), element.dtype)  # type: ignore[no-any-return]
        rows = [zeros(element.shape, element.dtype) if t is None else t for t in self._tensors]
        return concat([expand_dims(row, 0) for row in rows], 0)  # type: ignore[no-any-return]

    def _rows(self) -> Tensor:
        """The positions 0, 1, 2..., where only a run of the graph tells how many."""
        return arange(self._size)  # type: ignore[no-any-return]

    def _all(self) -> Tensor:
        kind = self.stacked_type
        if kind is None:
            raise ArgumentError("nothing was written to a TensorArray whose size is only known when the graph runs; "
                                "write all positions, or give element_shape to have zeros there")  # fmt: skip
        return self.stacked(kind)


def _extended(elements: Tensor, size: Any) -> Tensor:
    """The elements with zeros after them, up to ``size`` positions."""
    missing = maximum(size - size_operand(elements.type.shape[0], int32), 0)
    more = _repeated_zeros(arange(missing), elements.type.with_shape(elements.type.shape[1:]))
    return concat([elements, more], 0)  # type: ignore[no-any-return]


def _repeated_zeros(rows: Tensor, element: TensorType) -> Tensor:
    """Zeros of an element's type for each of the rows."""
    (length,) = rows.type.shape
    column = reshape(cast(rows * 0, element.dtype), (length, *(1 for _ in element.shape)))
    return broadcast_to(column, (length, *element.shape))  # type: ignore[no-any-return]


def _position(index: Any) -> int:
    position: int = index.__index__() if hasattr(index, "__index__") else int(index)
    if position < 0:
        raise ArgumentError(f"positions of a TensorArray count from 0, got {position}")
    return position
