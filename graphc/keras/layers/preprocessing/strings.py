"""Strings as data: arrays of them from whatever holds strings. Strings live outside of graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer
from graphc.tensor import SymbolicTensor, Tensor
from graphc_ir.dtypes import string
from graphc_ir.errors import DTypeError, TracingError
from graphc_ir.ops.base import Array, lift

__all__ = ["StringLayer", "as_strings"]


def as_strings(value: Any, what: str, encoding: str = "utf-8") -> Array:
    """An array of Python strings from a string tensor, an array, nested lists or a single string; bytes are decoded.

    Raises TracingError for a tensor of a traced function, DTypeError for anything but strings.
    """
    if isinstance(value, SymbolicTensor):
        raise TracingError(f"{what} works on strings, which graphs do not hold; apply it to the data before, e.g. with "
                           "Dataset.map, and give the model its results")  # fmt: skip
    array = np.asarray(value.numpy() if isinstance(value, Tensor) else value)
    if array.dtype.kind == "U":
        return array
    leaves = array.reshape(-1).tolist()
    if array.size and not all(isinstance(leaf, (str, bytes)) for leaf in leaves):
        raise DTypeError(f"{what} takes strings, got data of dtype {array.dtype}")
    decoded = [leaf.decode(encoding) if isinstance(leaf, bytes) else leaf for leaf in leaves]
    return np.array(decoded, np.str_).reshape(array.shape)


class StringLayer(Layer):
    """Base of layers on strings: arrays and lists of strings may be passed as they are."""

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(inputs, (KerasTensor, SymbolicTensor)) and _are_strings(inputs):
            inputs = lift(as_strings(inputs, type(self).__name__))
        return super().__call__(inputs, *args, **kwargs)


def _are_strings(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.dtype is string
    return np.asarray(value).dtype.kind in "USO"
