"""TensorFlow's initializers: callables that give the first value of a Variable.

With ``seed`` an initializer gives the same values at every call, as in TensorFlow 2.
"""

from __future__ import annotations

from typing import Any

from graphc import random
from graphc_ir.dtypes import DType, as_dtype, float32
from graphc_ir.errors import DTypeError
from graphc_ir.ops.constant import constant
from graphc_ir.ops.creation import ones, zeros

__all__ = [
    "Initializer",
    "constant_initializer",
    "ones_initializer",
    "random_normal_initializer",
    "random_uniform_initializer",
    "zeros_initializer",
]


class Initializer:
    """Base: ``initializer(shape, dtype=None)`` gives a tensor, of float32 by default."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape, dtype=None)")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return dict(self.__dict__)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        return cls(**{key: value for key, value in config.items() if key != "dtype"})

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class zeros_initializer(Initializer):
    """Zeros."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return zeros(shape, float32 if dtype is None else dtype)


class ones_initializer(Initializer):
    """Ones."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return ones(shape, float32 if dtype is None else dtype)


class constant_initializer(Initializer):
    """A number everywhere, or given values of the right count. Raises ArgumentError when the count does not fit."""

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return constant(self.value, dtype, shape)


class random_normal_initializer(Initializer):
    """Normal floats. Raises DTypeError for integer dtypes."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        wanted = _float_dtype(dtype, self)
        if self.seed is None:
            return random.normal(shape, self.mean, self.stddev, wanted)
        return random.stateless_normal(shape, (self.seed, 0), self.mean, self.stddev, wanted)


class random_uniform_initializer(Initializer):
    """Floats, or integers for an integer dtype, uniform in [minval, maxval)."""

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: Any = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        wanted = float32 if dtype is None else as_dtype(dtype)
        if self.seed is None:
            return random.uniform(shape, self.minval, self.maxval, wanted)
        return random.stateless_uniform(shape, (self.seed, 0), self.minval, self.maxval, wanted)


def _float_dtype(dtype: Any, initializer: Initializer) -> DType:
    wanted = float32 if dtype is None else as_dtype(dtype)
    if not wanted.is_floating:
        raise DTypeError(f"{initializer!r}: got dtype {wanted.name}, expected a float dtype; for integers use "
                         "random_uniform_initializer")  # fmt: skip
    return wanted
