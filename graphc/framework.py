"""Small parts of TensorFlow's top level that organise code: scopes, modules, grouping, printing, host functions."""

from __future__ import annotations

import functools
import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from graphc.location import user_location
from graphc.mode import mode
from graphc.pytree import leaves_of, map_leaves
from graphc.signature import as_spec
from graphc.tensor import SymbolicTensor, Tensor
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError, TracingError
from graphc_ir.ops.base import lift
from graphc_ir.types import TensorSpec

__all__ = [
    "CriticalSection",
    "Module",
    "control_dependencies",
    "executing_eagerly",
    "get_current_name_scope",
    "get_logger",
    "get_static_value",
    "group",
    "identity",
    "identity_n",
    "inside_function",
    "is_symbolic_tensor",
    "is_tensor",
    "name_scope",
    "no_op",
    "numpy_function",
    "print_tensors",
    "py_function",
    "timestamp",
    "tuple_of",
    "type_spec_from_value",
]


class name_scope:
    """Prefixes the names of the ops traced inside the block; they show in the IR and in exported models."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._outer = ""

    @property
    def name(self) -> str:
        return self._name

    def __enter__(self) -> str:
        self._outer = mode.scope
        mode.scope = f"{self._outer}/{self._name}" if self._outer and self._name else self._name
        return mode.scope + "/"

    def __exit__(self, *error: object) -> None:
        mode.scope = self._outer


_NameScope: TypeAlias = name_scope  # in the class below the name is that of a property


class Module:
    """Finds the Variables and sub-modules in its attributes, in nested lists, tuples and dicts too."""

    def __init__(self, name: str | None = None) -> None:
        self._module_name = name or type(self).__name__.lower()

    @property
    def name(self) -> str:
        return getattr(self, "_module_name", type(self).__name__.lower())

    @property
    def name_scope(self) -> _NameScope:
        """A :class:`name_scope` of the module's name."""
        return name_scope(self.name)

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Decorates a method, which then runs inside :attr:`name_scope`."""

        @functools.wraps(method)
        def scoped(self: Module, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return scoped

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(self._flatten(Variable))

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        return tuple(v for v in self.variables if v.trainable)

    @property
    def non_trainable_variables(self) -> tuple[Variable, ...]:
        return tuple(v for v in self.variables if not v.trainable)

    @property
    def submodules(self) -> tuple[Module, ...]:
        return tuple(m for m in self._flatten(Module) if m is not self)

    def _flatten(self, kind: type[Any]) -> Iterator[Any]:
        seen: set[int] = set()
        pending: list[Any] = [self]
        while pending:
            item = pending.pop(0)
            if id(item) in seen:
                continue
            seen.add(id(item))
            if isinstance(item, kind):
                yield item
            if isinstance(item, Module):
                pending = [vars(item)[key] for key in sorted(vars(item))] + pending
            elif isinstance(item, dict):
                pending = list(item.values()) + pending
            elif isinstance(item, (list, tuple)):
                pending = list(item) + pending


@contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """Accepted for TensorFlow code: effects already happen in the order of the program."""
    yield


def group(*inputs: Any, name: str | None = None) -> None:
    """Accepted for TensorFlow code: everything that was called has happened."""


def no_op(name: str | None = None) -> None:
    """Does nothing."""


def tuple_of(tensors: Sequence[Any], control_inputs: Any = None, name: str | None = None) -> list[Any]:
    """The tensors as a list (``tf.tuple``)."""
    return [lift(t) for t in tensors]


def identity_n(input: Sequence[Any], name: str | None = None) -> list[Any]:
    """The tensors as a list."""
    return [lift(x) for x in input]


def get_current_name_scope() -> str:
    """The names of the open :class:`name_scope` blocks, joined by slashes."""
    return mode.scope


def get_logger() -> logging.Logger:
    """The logger of graphc."""
    return logging.getLogger("graphc")


def timestamp(name: str | None = None) -> Any:
    """The seconds since 1970 as a float64 scalar: inside a traced function the time of the trace."""
    return lift(np.float64(time.time()))


def type_spec_from_value(value: Any) -> TensorSpec:
    """The TensorSpec of a tensor, Variable or array. Raises ArgumentError for anything else."""
    spec = as_spec(value)
    if not isinstance(spec, TensorSpec):
        raise ArgumentError(f"type_spec_from_value: got {type(value).__name__}, expected a tensor, Variable or array")
    return spec


class CriticalSection:
    """Runs functions one at a time: between Python threads; inside a traced function, ops keep their order anyway."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name or "critical_section"
        self._lock = threading.RLock()

    def execute(self, fn: Callable[[], Any], exclusive_resource_access: bool = True, name: str | None = None) -> Any:
        """The result of ``fn()``."""
        with self._lock:
            return fn()


def identity(input: Any, name: str | None = None) -> Any:
    """The tensor itself (tensors are immutable); a Variable's current value."""
    return map_leaves(lift, input)


def executing_eagerly() -> bool:
    """False inside a function that is being traced."""
    return mode.tracer is None


def inside_function() -> bool:
    """True inside a function that is being traced."""
    return mode.tracer is not None


def is_tensor(x: Any) -> bool:
    """Whether ``x`` is a tensor or a Variable."""
    return isinstance(x, (Tensor, Variable))


def is_symbolic_tensor(x: Any) -> bool:
    """Whether ``x`` is a tensor without a value, inside a traced function."""
    return isinstance(x, SymbolicTensor)


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value of a tensor that is known now, as a NumPy array; None if it is only known when the graph runs."""
    if isinstance(tensor, SymbolicTensor):
        return mode.tracer.static_value(tensor)
    return lift(tensor).numpy()


def numpy_function(func: Callable[..., Any], inp: Sequence[Any], Tout: Any = None, stateful: bool = True,
                   name: str | None = None) -> Any:  # fmt: skip
    """Calls a Python function on NumPy arrays; no gradient. Raises TracingError while a function is traced."""
    if mode.tracer is not None:
        raise TracingError("numpy_function and py_function run Python code, which a compiled graph cannot; write it "
                           "with tf ops, or call it outside of @tf.function")  # fmt: skip
    result = func(*(lift(x).numpy() for x in inp))
    return map_leaves(lambda r: lift(np.asarray(r)), result)


def py_function(func: Callable[..., Any], inp: Sequence[Any], Tout: Any = None, name: str | None = None) -> Any:
    """Calls a Python function on eager tensors; gradients flow. Raises TracingError while a function is traced."""
    if mode.tracer is not None:
        return numpy_function(func, inp, Tout)
    return map_leaves(lift, func(*map(lift, inp)))


def print_tensors(*inputs: Any, output_stream: Any = None, summarize: int = 3, sep: str = " ", end: str = "\n",
                  name: str | None = None) -> None:  # fmt: skip
    """``tf.print``: prints values.

    While a function is traced, values are not known: tensors of the trace show as their types, once, and a warning
    names the line.
    """
    if any(_has_no_value(x) for x in leaves_of(inputs)):
        warnings.warn(f"{user_location()}: tf.print runs once, while the function is traced, when values are not known"
                      "; return the tensor and print it outside", stacklevel=2)  # fmt: skip
    stream = output_stream if hasattr(output_stream, "write") else sys.stderr
    stream.write(sep.join(_shown(x, summarize) for x in inputs) + end)


def _has_no_value(x: Any) -> bool:
    return isinstance(x, SymbolicTensor) or (isinstance(x, Variable) and mode.tracer is not None)


def _shown(x: Any, summarize: int) -> str:
    if _has_no_value(x):
        return str(x)
    if not isinstance(x, (Tensor, Variable)):
        return str(x)
    threshold = sys.maxsize if summarize < 0 else 2 * summarize
    return np.array2string(np.asarray(lift(x)._array), threshold=threshold, edgeitems=max(summarize, 1), separator=" ")
