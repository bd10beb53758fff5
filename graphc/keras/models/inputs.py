"""What users pass to a functional model, brought into the order, rank and dtype of its inputs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.node import node_of
from graphc.pytree import leaves_of
from graphc_ir.dtypes import string
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops.base import dtype_of, lift, shape_of
from graphc_ir.ops.elementwise import cast
from graphc_ir.ops.movement import expand_dims, squeeze

__all__ = ["arrange_inputs"]

_MISMATCH: Final = "The structure of `inputs` doesn't match the expected structure"


def arrange_inputs(given: Any, structure: Any, names: Sequence[str], model: str) -> list[Any]:
    """One tensor per input of the model. Raises ArgumentError for missing inputs, ShapeError for shapes that do not
    fit, DTypeError for strings in place of numbers."""
    wanted = leaves_of(structure)
    values = _in_order(given, structure, names, model)
    if len(values) != len(wanted):
        raise ArgumentError(f"model {model!r} expects {len(wanted)} input(s), {list(names)}, but it was given "
                            f"{len(values)}")  # fmt: skip
    return [_fitted(value, one, names[i], model) for i, (value, one) in enumerate(zip(values, wanted, strict=True))]


def _in_order(given: Any, structure: Any, names: Sequence[str], model: str) -> list[Any]:
    if not isinstance(given, dict):
        if isinstance(structure, dict) and isinstance(given, (list, tuple)):
            _check_order(structure, model)
        return leaves_of(given, none_is_leaf=True)
    keys = sorted(structure) if isinstance(structure, dict) else list(names)
    missing = [key for key in keys if key not in given]
    if missing:
        raise ArgumentError(f"model {model!r} needs the inputs {keys}, but the dict it was given has {list(given)}; "
                            f"missing: {', '.join(map(str, missing))}")  # fmt: skip
    if len(given) > len(keys):
        warnings.warn(f"{_MISMATCH} of model {model!r}: it uses {keys}, but was given {list(given)}", stacklevel=5)
    return [leaf for key in keys for leaf in leaves_of(given[key], none_is_leaf=True)]


def _check_order(structure: dict[str, Any], model: str) -> None:
    """A list for inputs that have names goes by the order of the names, if that is the order they were given in."""
    problem = f"{_MISMATCH} of model {model!r}: it takes a dict with the keys {list(structure)}, but was given a list"
    if list(structure) != sorted(structure):
        raise ArgumentError(f"{problem}, whose order says nothing; pass a dict")
    warnings.warn(f"{problem}, which is taken in that order", stacklevel=6)


def _fitted(value: Any, wanted: KerasTensor, name: str, model: str) -> Any:
    """The value with the rank (a last axis of size 1 may be missing or too many) and dtype of its input."""
    if value is None:
        _check_optional(wanted, name, model)
        return None
    tensor = lift(value)
    mask = getattr(tensor, "_keras_mask", None)
    rank, shape = len(wanted.type.shape), shape_of(tensor)
    if len(shape) == rank - 1 and wanted.shape[-1] == 1:
        tensor = expand_dims(tensor, -1)
    elif len(shape) == rank + 1 and shape[-1] == 1:
        tensor = squeeze(tensor, -1)
    _check_shape(shape_of(tensor), wanted, name, model)
    if dtype_of(tensor) is not wanted.dtype and not isinstance(tensor, KerasTensor):
        _check_strings(tensor, wanted, name, model)
        tensor = cast(tensor, wanted.dtype)
    if mask is not None and getattr(tensor, "_keras_mask", None) is None:
        tensor._keras_mask = mask
    return tensor


def _check_optional(wanted: KerasTensor, name: str, model: str) -> None:
    if not node_of(wanted).operation.optional:
        raise ArgumentError(f"input {name!r} of model {model!r} is None, but it is not optional; make it with "
                            "keras.Input(..., optional=True) if it may be left out")  # fmt: skip


def _check_strings(tensor: Any, wanted: KerasTensor, name: str, model: str) -> None:
    """Casts would read numbers from strings, which nobody means here."""
    if string in (dtype_of(tensor), wanted.dtype):
        raise DTypeError(f"input {name!r} of model {model!r} takes {wanted.dtype.name}, but was given "
                         f"{dtype_of(tensor).name}; convert columns of numbers with .astype('float32'), encode text "
                         "with StringLookup or TextVectorization")  # fmt: skip


def _check_shape(shape: Any, wanted: KerasTensor, name: str, model: str) -> None:
    expected = tuple(wanted.shape)
    # Any batch size will do: the one of the Input is that of the model's own graph.
    sizes = zip(shape[1:], expected[1:], strict=False)
    fits = len(shape) == len(expected) and all(e is None or not isinstance(s, int) or s == e for s, e in sizes)
    if not fits:
        raise ShapeError(f"input {name!r} of model {model!r}: expected shape={expected}, found "
                         f"shape={tuple(d if isinstance(d, int) else None for d in shape)}")  # fmt: skip
