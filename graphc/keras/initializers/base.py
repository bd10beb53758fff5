"""The base of initializers, and seeds: an initializer with one gives the same values at every call."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from graphc import random, variable_initializers
from graphc.draws import as_key
from graphc.keras.config import standardize_dtype
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc_ir.dtypes import DType, as_dtype
from graphc_ir.errors import ArgumentError
from graphc_ir.random_bits import seed_from

__all__ = ["Initializer", "RandomInitializer", "dtype_or_default"]


class Initializer(variable_initializers.Initializer):
    """Base: ``initializer(shape, dtype=None)`` gives a tensor, of :func:`keras.config.floatx` by default.

    A subclass with arguments of its own returns them from ``get_config``.
    """

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """An initializer from what ``get_config`` returned."""
        return cls(**config)

    def clone(self) -> Initializer:
        """Another initializer with the same arguments."""
        return type(self).from_config(self.get_config())


@runtime_checkable
class KeySource(Protocol):
    """What gives a new key of two integers at each call: a ``keras.random.SeedGenerator``."""

    def next(self) -> Any: ...


class RandomInitializer(Initializer):
    """Base of random initializers.

    ``seed``: an integer; None takes one when the initializer is made (which follows from the global seed if one is
    set); a ``SeedGenerator`` moves on with each call, so that only then calls differ. Raises ArgumentError for others.
    """

    def __init__(self, seed: Any = None) -> None:
        self._given_seed = seed
        self.seed = _resolved_seed(seed)

    def _key(self) -> Any:
        """The key of the next call's values."""
        return as_key(self.seed.next() if isinstance(self.seed, KeySource) else (self.seed, 0))

    def get_config(self) -> dict[str, Any]:
        return {"seed": serialize_keras_object(self._given_seed)}


def _resolved_seed(seed: Any) -> Any:
    if seed is None:
        derived = random.derive_seed()
        return seed_from() if derived is None else derived
    found = deserialize_keras_object(seed) if isinstance(seed, dict) else seed
    if isinstance(found, (int, KeySource)):
        return found
    raise ArgumentError(f"got seed={seed!r}, expected an integer, a keras.random.SeedGenerator or None")


def dtype_or_default(dtype: Any) -> DType:
    """The dtype asked for; None means that of :func:`keras.config.floatx`."""
    return as_dtype(standardize_dtype(dtype))
