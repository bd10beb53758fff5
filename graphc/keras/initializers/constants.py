"""Initializers without randomness."""

from __future__ import annotations

from typing import Any

from graphc.keras.initializers.base import Initializer, dtype_or_default
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import lift, shape_of
from graphc_ir.ops.creation import ones, zeros
from graphc_ir.ops.diagonal import eye
from graphc_ir.ops.elementwise import cast, mul
from graphc_ir.ops.movement import broadcast_to

__all__ = ["Constant", "GivenValues", "Identity", "Ones", "Zeros"]


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return zeros(shape, dtype_or_default(dtype))


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return ones(shape, dtype_or_default(dtype))


class Constant(Initializer):
    """A number, or values that broadcast to the shape. Raises ShapeError when they do not."""

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return broadcast_to(cast(lift(self.value), dtype_or_default(dtype)), shape)

    def get_config(self) -> dict[str, Any]:
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        return cls(deserialize_keras_object(config["value"]))


class Identity(Initializer):
    """``gain`` on the diagonal of a matrix, else zeros. Raises ArgumentError for a shape of another rank than 2."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        sizes = tuple(shape)
        if len(sizes) != 2:
            raise ArgumentError(f"Identity: got shape {sizes}, expected that of a matrix")
        return mul(eye(*sizes, dtype=dtype_or_default(dtype)), self.gain)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class GivenValues(Constant):
    """The values of an array or tensor, for exactly its shape: what ``get`` makes of one. Saved as a Constant.

    Raises ShapeError for another shape.
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        have = shape_of(lift(self.value))
        if tuple(have) != tuple(shape):
            raise ShapeError(f"got an initializer of shape {have} for a weight of shape {tuple(shape)}; give values of "
                             "that shape, or keras.initializers.Constant to broadcast them")  # fmt: skip
        return super().__call__(shape, dtype)

    def serialized_class(self) -> dict[str, Any]:
        return {"module": "keras.initializers", "class_name": "Constant", "registered_name": None}
