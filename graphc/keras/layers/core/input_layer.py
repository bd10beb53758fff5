"""Input: where a functional model begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
        if input_tensor is not None:
            batch_shape, dtype = tuple(input_tensor.shape), input_tensor.dtype.name
        self.batch_shape = _batch_shape(shape if shape is not None else input_shape, batch_size,
                                        batch_shape if batch_shape is not None else batch_input_shape)  # fmt: skip
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
        return tuple(batch_shape)
    if isinstance(shape, int):
        raise ArgumentError(f"Input: shape must be a tuple, got {shape}; write shape=({shape},)")
    return (batch_size, *shape)


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
