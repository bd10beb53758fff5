"""What a call of a traced function looks like: which arguments are tensors, which are Python values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.pytree import flatten, unflatten
from graphc.tensor import Tensor
from graphc.variable import Variable
from graphc_ir.dtypes import of_numpy
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import lift
from graphc_ir.types import TensorSpec, TensorType

_TENSOR_LEAVES = (Tensor, np.ndarray, np.generic)


class Call:
    """A call's arguments, flattened: ``tensors`` hold arrays, the other leaves are Python values."""

    __slots__ = ("leaves", "structure")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        leaves, self.structure = flatten((args, kwargs))
        self.leaves: list[Any] = leaves

    @property
    def tensors(self) -> list[Any]:
        """The tensor leaves as eager tensors."""
        return [lift(leaf) for leaf in self.leaves if isinstance(leaf, _TENSOR_LEAVES)]

    def types(self) -> tuple[TensorType, ...]:
        return tuple(t.type for t in self.tensors)

    def static_key(self) -> tuple[Any, ...]:
        """The structure and all Python values: calls that differ here never share a trace."""
        return (self.structure, *(_static(leaf) for leaf in self.leaves))

    def rebuild(self, replace: Callable[[int], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with tensor leaf ``i`` replaced by ``replace(i)``."""
        count = iter(range(len(self.leaves)))
        leaves = [replace(next(count)) if isinstance(leaf, _TENSOR_LEAVES) else leaf for leaf in self.leaves]
        args, kwargs = unflatten(self.structure, leaves)
        return args, kwargs

    def tensor_names(self, signature: inspect.Signature | None) -> list[str]:
        """A name per tensor leaf: that of its parameter, and where it stands in a nested argument (``batch_x``)."""
        declared = [] if signature is None else signature.parameters.values()
        parameters = [p.name for p in declared if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        paths = zip(self.structure.paths(), self.leaves, strict=True)
        return [_path_name(path, parameters) for path, leaf in paths if isinstance(leaf, _TENSOR_LEAVES)]

    def describe(self) -> str:
        """The call in words, e.g. ``(f32[64, 784], training=True)``."""
        shown = [str(TensorType.of(np.asarray(leaf._array)) if isinstance(leaf, Tensor) else
                     TensorType.of(leaf)) if isinstance(leaf, _TENSOR_LEAVES) else repr(leaf)
                 for leaf in self.leaves]  # fmt: skip
        return f"({', '.join(shown)})"


def _path_name(path: tuple[Any, ...], parameters: Sequence[str]) -> str:
    in_keywords, first, *rest = path
    if not in_keywords:
        first = parameters[first] if first < len(parameters) else f"input_{first}"
    return "_".join(str(part) for part in (first, *rest))


def _static(leaf: Any) -> Any:
    if isinstance(leaf, _TENSOR_LEAVES):
        return _TENSOR
    if isinstance(leaf, (bool, int, float, complex, str, bytes, type(None))):
        # True == 1 == 1.0 in Python, but they trace differently.
        return type(leaf), leaf
    return id(leaf)


_TENSOR = "tensor"


def bind_arguments(
    signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any], name: str
) -> Call:
    """Flattens a call; keyword arguments that could be positional become positional, defaults are filled in.

    Raises ArgumentError when the arguments do not fit the function.
    """
    if signature is None:
        return Call(args, kwargs)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentError(f"{name}{signature} does not take these arguments: {error}") from error
    bound.apply_defaults()
    return Call(bound.args, bound.kwargs)


def signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """The Python signature; None for a callable that has none (some builtins)."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def conform(call: Call, specs: Sequence[Any], name: str) -> Call:
    """The call with its leaves converted to what ``input_signature`` says.

    Raises ArgumentError for a wrong number of arguments, DTypeError and ShapeError for tensors that do not fit.
    """
    args, kwargs = unflatten(call.structure, call.leaves)
    given = (*args, *kwargs.values())
    if len(given) != len(specs):
        raise ArgumentError(f"{name} has an input_signature of {len(specs)} arguments, got {len(given)}")
    leaves, structure = flatten(tuple(specs))
    try:
        values = structure.flatten_up_to(given)
    except ValueError as error:
        raise ArgumentError(f"{name}: the arguments do not have the structure of input_signature: {error}") from error
    converted = [_conform_leaf(v, s, i, name) for i, (v, s) in enumerate(zip(values, leaves, strict=True))]
    return Call(tuple(unflatten(structure, converted)), {})


def _conform_leaf(value: Any, spec: Any, i: int, name: str) -> Any:
    if not isinstance(spec, TensorSpec):
        return value
    tensor = lift(value, spec.dtype)
    label = spec.name or f"argument {i}"
    if tensor.dtype is not spec.dtype:
        raise DTypeError(f"{name}: {label} has dtype {tensor.dtype.name}, but its input_signature says "
                         f"{spec.dtype.name}; cast it: tf.cast(x, tf.{spec.dtype.name})")  # fmt: skip
    if not spec.is_compatible_with(tensor):
        raise ShapeError(f"{name}: {label} has shape {tensor.shape}, but its input_signature says {spec}")
    return tensor


def as_spec(leaf: Any) -> Any:
    """A TensorSpec for anything that describes or is a tensor; other leaves as they are."""
    if isinstance(leaf, TensorSpec):
        return leaf
    if isinstance(leaf, (Tensor, Variable)):
        return TensorSpec(leaf.type.shape, leaf.type.dtype)
    if isinstance(leaf, (np.ndarray, np.generic)):
        return TensorSpec(leaf.shape, of_numpy(leaf.dtype))
    if isinstance(leaf, TensorType):
        return TensorSpec(leaf.shape, leaf.dtype)
    return leaf
