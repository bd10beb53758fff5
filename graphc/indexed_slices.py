"""``tf.IndexedSlices``: some rows of a tensor whose other rows are zero."""

from __future__ import annotations

from typing import Any

from graphc.shape import TensorShape
from graphc_ir.dtypes import DType
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import lift
from graphc_ir.ops.gather import scatter_nd
from graphc_ir.ops.movement import expand_dims

__all__ = ["IndexedSlices"]


class IndexedSlices:
    """Row ``indices[i]`` of a tensor of shape ``dense_shape`` is ``values[i]``; rows given twice are added.

    ``values``: ``[n, ...]``, ``indices``: ``[n]`` integers. Stands for the dense tensor in every operation.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self.values = lift(values)
        self.indices = lift(indices)
        self.dense_shape = None if dense_shape is None else lift(dense_shape)

    @property
    def dtype(self) -> DType:
        return self.values.dtype  # type: ignore[no-any-return]

    @property
    def shape(self) -> TensorShape:
        """That of the dense tensor; the first size is unknown without a ``dense_shape``."""
        if self.dense_shape is None:
            return TensorShape([None, *self.values.shape[1:]])
        return TensorShape([int(d) for d in self.dense_shape])

    def dense(self) -> Any:
        """The dense tensor. Raises ArgumentError without a ``dense_shape``."""
        if self.dense_shape is None:
            raise ArgumentError("this IndexedSlices has no dense_shape, so its dense tensor is not known; give it: "
                                "tf.IndexedSlices(values, indices, dense_shape)")  # fmt: skip
        return scatter_nd(expand_dims(self.indices, -1), self.values, self.dense_shape)

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self.values, self.indices, self.dense_shape)

    def __repr__(self) -> str:
        return f"IndexedSlices(indices={self.indices}, values={self.values}, dense_shape={self.dense_shape})"
