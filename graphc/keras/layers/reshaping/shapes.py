"""Other shapes for the same elements: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras import ops
from graphc.keras.config import standardize_data_format
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import integer
from graphc_ir.dims import element_count
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import lift, shape_of
from graphc_ir.ops.conv import move_channels_last
from graphc_ir.ops.movement import expand_dims, reshape, tile, transpose

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


class Flatten(Layer):
    """``[batch, ...]`` to ``[batch, elements]``; ``[batch]`` to ``[batch, 1]``.

    With ``data_format="channels_first"`` the channels are moved last before, so that both layouts give the same.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        operand = lift(inputs)
        shape = shape_of(operand)
        if self.data_format == "channels_first" and len(shape) > 2:
            operand = move_channels_last(operand)
        return reshape(operand, (shape[0], element_count(shape[1:])))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """``[batch, ...]`` to ``[batch, *target_shape]``; at most one size may be -1 for "what is left".

    Open sizes are taken to fit, which is checked when the layer runs.
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(target_shape, (list, tuple)):
            raise ArgumentError(f"Reshape: target_shape must be a tuple of sizes, got {target_shape!r}")
        self.target_shape = tuple(integer(size, "Reshape: a size", least=-1) for size in target_shape)
        if self.target_shape.count(-1) > 1:
            raise ArgumentError(f"Reshape: target_shape {self.target_shape} leaves more than one size open (-1)")

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (shape_of(inputs)[0], *self.target_shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(Layer):
    """Axes in another order: ``dims`` lists the axes after the batch axis, counted from 1."""

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(integer(axis, "Permute: an axis") for axis in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(f"Permute: dims must hold each of 1..{len(self.dims)} once, got {self.dims}; the batch "
                                "axis stays in front and is not listed")  # fmt: skip
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """``[batch, features]`` to ``[batch, n, features]``: every vector ``n`` times."""

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = integer(n, "RepeatVector: n", least=1)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return tile(expand_dims(inputs, 1), (1, self.n, 1))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}
