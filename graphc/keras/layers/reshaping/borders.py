"""Borders: zeros around the data, and parts of the data cut away."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.keras.config import standardize_data_format
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import axis_pairs
from graphc_ir.dims import known_ge
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import lift, rank_of, shape_of
from graphc_ir.ops.movement import slice_axis
from graphc_ir.ops.padding import pad

__all__ = ["Cropping1D", "Cropping2D", "Cropping3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"]


class Borders(Layer):
    """Base: amounts (before, after) on each spatial axis of ``[batch, spatial..., channels]`` (channels first with
    ``data_format="channels_first"``): one int for all, one per axis, or a pair per axis."""

    rank: ClassVar[int]
    argument: ClassVar[str]

    def __init__(self, amounts: Any, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.amounts = axis_pairs(amounts, self.rank, f"{type(self).__name__}: {self.argument}")
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def first_axis(self) -> int:
        return 1 if self.data_format == "channels_last" else 2

    def get_config(self) -> dict[str, Any]:
        amounts = self.amounts[0] if self.rank == 1 else self.amounts
        return {**super().get_config(), self.argument: amounts, "data_format": self.data_format}


class ZeroPadding(Borders):
    """Zeros around the data."""

    argument = "padding"

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)

    @property
    def padding(self) -> Any:
        return self.amounts[0] if self.rank == 1 else self.amounts

    def call(self, inputs: Any) -> Any:
        operand, first = lift(inputs), self.first_axis
        behind = rank_of(operand) - first - self.rank
        return pad(operand, [(0, 0)] * first + list(self.amounts) + [(0, 0)] * behind)


class Cropping(Borders):
    """The data without its borders. Raises ShapeError when nothing is left."""

    argument = "cropping"

    @property
    def cropping(self) -> Any:
        return self.amounts[0] if self.rank == 1 else self.amounts

    def call(self, inputs: Any) -> Any:
        operand = lift(inputs)
        for axis, (before, after) in enumerate(self.amounts, start=self.first_axis):
            size = shape_of(operand)[axis]
            if known_ge(size, before + after + 1) is False:
                raise ShapeError(f"{type(self).__name__} {self.name!r}: cropping {before} + {after} elements leaves "
                                 f"nothing of axis {axis} of size {size}; crop less than that")  # fmt: skip
            operand = slice_axis(operand, axis, before, size - after)
        return operand


class ZeroPadding1D(ZeroPadding):
    """Zeros before and after the steps of ``[batch, steps, channels]``."""

    rank = 1


class ZeroPadding2D(ZeroPadding):
    """Zeros around images ``[batch, height, width, channels]``."""

    rank = 2


class ZeroPadding3D(ZeroPadding):
    """Zeros around volumes ``[batch, depth, height, width, channels]``."""

    rank = 3


class Cropping1D(Cropping):
    """Steps cut from the start and the end of ``[batch, steps, channels]``."""

    rank = 1

    def __init__(self, cropping: Any = 1, **kwargs: Any) -> None:
        super().__init__(cropping, "channels_last", **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("data_format")
        return config


class Cropping2D(Cropping):
    """Rows and columns cut from images ``[batch, height, width, channels]``."""

    rank = 2

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(Cropping):
    """Layers cut from the sides of volumes ``[batch, depth, height, width, channels]``."""

    rank = 3

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)
