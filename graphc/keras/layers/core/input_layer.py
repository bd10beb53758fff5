"""Input: where a functional model begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras.config import standardize_dtype
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer
from graphc.keras.engine.node import connect
from graphc_ir.errors import ArgumentError

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """Holds the place of one input. ``shape`` is without the batch axis, ``batch_shape`` with it; None leaves a size
    open."""

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        input_shape: Sequence[int | None] | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
        **kwargs: Any,
    ) -> None:
        if sparse or ragged:
            raise ArgumentError("Input: sparse and ragged tensors do not exist in graphc; pass dense ones, with a mask "
                                "or lengths where rows differ")  # fmt: skip
        shape = shape if shape is not None else input_shape
        batch_shape = batch_shape if batch_shape is not None else batch_input_shape
        if input_tensor is None:
            self.batch_shape = _batch_shape(shape, batch_size, batch_shape)
        else:
            _check_fits(input_tensor, shape, batch_size, batch_shape, dtype)
            self.batch_shape, dtype = tuple(input_tensor.shape), input_tensor.dtype.name
        super().__init__(name=name, dtype=dtype)
        self.optional = optional
        self.sparse = False
        self.ragged = False
        self.built = True
        self.supports_masking = True
        described = KerasTensor(self.batch_shape, self.dtype, name=self.name) if input_tensor is None else input_tensor
        connect(self, (), {}, described)

    def call(self) -> None:
        """Inputs compute nothing."""

    @property
    def batch_size(self) -> int | None:
        return self.batch_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def _batch_shape(shape: Any, batch_size: Any, batch_shape: Any) -> tuple[int | None, ...]:
    if (shape is None) is (batch_shape is None):
        raise ArgumentError(f"Input takes shape= (without the batch) or batch_shape= (with it), one of them; got "
                            f"shape={shape}, batch_shape={batch_shape}")  # fmt: skip
    if batch_shape is not None:
        if batch_size is not None:
            raise ArgumentError(f"Input: batch_shape={batch_shape} has the size of the batch already, got "
                                f"batch_size={batch_size} too; leave it out")  # fmt: skip
        return tuple(batch_shape)
    if isinstance(shape, int):
        raise ArgumentError(f"Input: shape must be a tuple, got {shape}; write shape=({shape},)")
    return (batch_size, *shape)


def _check_fits(tensor: KerasTensor, shape: Any, batch_size: Any, batch_shape: Any, dtype: Any) -> None:
    """Raises ArgumentError where what is said of an input is not what its tensor is."""
    own = tuple(tensor.shape)
    claims: dict[str, tuple[Any, Any]] = {
        "shape": (None if shape is None else tuple(shape), own[1:]),
        "batch_shape": (None if batch_shape is None else tuple(batch_shape), own),
        "batch_size": (batch_size, own[:1] and own[0]),
        "dtype": (None if dtype is None else standardize_dtype(dtype), tensor.dtype.name),
    }
    for name, (claimed, actual) in claims.items():
        if claimed is not None and claimed != actual:
            raise ArgumentError(f"Input: got {name}={claimed} for a tensor {tensor} with {name} {actual}; leave it out")


def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
    **kwargs: Any,
) -> Any:
    """A KerasTensor that stands for one input of a model: call layers on it and make a ``Model`` of the result.

    ``shape`` is that of one example. Raises ArgumentError unless exactly one of ``shape`` and ``batch_shape`` is given.
    """
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name, **kwargs)
    return layer.output
