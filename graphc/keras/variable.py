"""Weights: Variables with an initializer, a path, a regularizer, and reads in the compute dtype of their layer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc.keras.config import standardize_dtype
from graphc.keras.distribution import distribution
from graphc.keras.naming import auto_name
from graphc.keras.serialization import resolve
from graphc.keras.stateless_scope import note_assignment
from graphc.mode import init_scope, mode
from graphc.tensor import Tensor
from graphc.variable import Variable as CoreVariable
from graphc_ir.dtypes import DType, as_dtype
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import lift
from graphc_ir.ops.elementwise import cast

__all__ = ["Variable", "autocast_dtype", "autocast_to"]


class _Autocast(threading.local):
    dtype: DType | None = None


_autocast = _Autocast()


@contextmanager
def autocast_to(dtype: str | None) -> Iterator[None]:
    """Inside the block, float weights are read in this dtype; None switches that off."""
    before, _autocast.dtype = _autocast.dtype, None if dtype is None else as_dtype(dtype)
    try:
        yield
    finally:
        _autocast.dtype = before


def autocast_dtype() -> str | None:
    """The dtype that :func:`autocast_to` set for the running block."""
    return None if _autocast.dtype is None else _autocast.dtype.name


class Variable(CoreVariable):
    """A weight. ``initializer`` is data, or for the given ``shape`` a function of ``(shape, dtype)`` or the name of one
    in ``keras.initializers``.

    ``path`` is its name with those of the layers around it (``"encoder/dense/kernel"``).
    Raises ArgumentError for a function without a shape.
    """

    def __init__(
        self,
        initializer: Any = None,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = None,
        synchronization: str | None = None,
        name: str | None = None,
        regularizer: Callable[[Any], Any] | None = None,
        constraint: Callable[[Any], Any] | None = None,
        initial_value: Any = None,
    ) -> None:
        self.initializer = initializer if initial_value is None else initial_value
        self._leaf_name = name or auto_name("variable")
        self._path = f"{mode.scope}/{self._leaf_name}" if mode.scope else self._leaf_name
        value = _initial_value(self.initializer, shape, dtype)
        super().__init__(value, trainable=trainable, name=self._leaf_name, constraint=constraint)
        self.autocast = autocast
        self.aggregation = aggregation
        self.synchronization = synchronization
        self.regularizer = regularizer
        self.overwrite_with_gradient = False
        self._layout = self._checked_layout()

    def _checked_layout(self) -> Any:
        """How the distribution in effect would split the weight, found out early: on one device nothing is split."""
        current = distribution()
        if current is None:
            return None
        layout = current.get_variable_layout(self)
        layout.check_fits(self.shape, self.path)
        return layout

    @property
    def name(self) -> str:
        return self._leaf_name

    @property
    def path(self) -> str:
        return self._path

    @property
    def dtype(self) -> DType:
        """The dtype that reads have: inside a layer with a mixed policy, that of its computation."""
        own, wanted = self._type.dtype, _autocast.dtype
        return own if wanted is None or not self.autocast or not own.is_floating else wanted

    def __repr__(self) -> str:
        own = f"path={self.path}, shape={tuple(self.shape)}, dtype={self._type.dtype.name}"
        return f"<Variable {own}>" if mode.tracer is not None else f"<Variable {own}, value={self._cell.read()}>"

    def read_value(self) -> Tensor:
        tensor = super().read_value()
        wanted = _autocast.dtype
        if wanted is None or not self.autocast or not tensor.dtype.is_floating or tensor.dtype is wanted:
            return tensor
        lowered: Tensor = cast(tensor, wanted)
        return lowered

    @property
    def value(self) -> Any:
        """The current value: a property as in Keras 3, where ``tf.Variable`` has a method."""
        return self.read_value()

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Sets a new value of the same shape, cast to the Variable's dtype. Returns the Variable."""
        note_assignment(self)
        if isinstance(value, (Tensor, CoreVariable)):
            return super().assign(cast(value, self._type.dtype))
        return super().assign(np.asarray(value).astype(self._type.dtype.np))

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds ``delta``, cast to the Variable's dtype. Returns the Variable."""
        return super().assign_add(self._own_dtype(delta))

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts ``delta``, cast to the Variable's dtype. Returns the Variable."""
        return super().assign_sub(self._own_dtype(delta))

    def _own_dtype(self, value: Any) -> Any:
        if isinstance(value, (int, float)):
            return value
        return cast(lift(value, self._type.dtype), self._type.dtype)


def _initial_value(initializer: Any, shape: Any, dtype: Any) -> Any:
    if initializer is None:
        raise ArgumentError("a Variable needs an initializer: data, or a function of (shape, dtype)")
    with init_scope():
        if isinstance(initializer, str):
            initializer = resolve(initializer, "keras.initializers")
        if callable(initializer):
            if shape is None:
                raise ArgumentError(f"the initializer {initializer!r} needs a shape: Variable(initializer, shape=...)")
            wanted = standardize_dtype(dtype)
            return cast(lift(initializer(tuple(shape), dtype=wanted)), wanted)
        if isinstance(initializer, CoreVariable):
            initializer = initializer.read_value()
        if isinstance(initializer, Tensor):
            return initializer if dtype is None else cast(initializer, dtype)
        return np.asarray(initializer, _data_dtype(initializer, dtype))


def _data_dtype(data: Any, dtype: Any) -> Any:
    if dtype is not None:
        return as_dtype(standardize_dtype(dtype)).np
    natural = np.asarray(data).dtype
    if isinstance(data, (np.ndarray, np.generic)):
        return natural
    return {"f": as_dtype(standardize_dtype(None)).np, "i": np.dtype("int32")}.get(natural.kind, natural)
