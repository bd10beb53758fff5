"""States of recurrent cells: a tensor, or a list of tensors, lists and so on."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from graphc.pytree import flatten, leaves_of, unflatten
from graphc_ir.dims import Dim
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import dtype_of
from graphc_ir.ops.creation import zeros
from graphc_ir.ops.elementwise import cast

__all__ = ["as_list", "first_states", "like_states"]


def as_list(states: Any) -> list[Any]:
    """The states of a cell as a list; a bare tensor is one."""
    return list(states) if isinstance(states, (list, tuple)) else [states]


def first_states(cell: Any, batch: Dim | None, dtype: str) -> list[Any]:
    """The states that a cell starts from: what its ``get_initial_state`` gives, else zeros of its ``state_size``."""
    make = getattr(cell, "get_initial_state", None)
    if make is None:
        return [_zero_state(size, batch, dtype) for size in as_list(cell.state_size)]
    given = {"batch_size": batch, "dtype": dtype}
    accepted = inspect.signature(make).parameters
    return as_list(make(**{key: value for key, value in given.items() if key in accepted}))


def _zero_state(size: Any, batch: Any, dtype: str) -> Any:
    """``size``: a number of units, or the shape of one example's state."""
    return zeros((batch, *(size if isinstance(size, Sequence) else (size,))), dtype)


def like_states(found: Any, wanted: Any, what: str) -> Any:
    """The states that a cell returned, in the structure and with the dtypes of those that it got.

    Raises ArgumentError for another number of them.
    """
    leaves, structure = flatten(wanted)
    given = leaves_of(found, none_is_leaf=True)
    if len(given) != len(leaves):
        raise ArgumentError(f"{what} got {len(leaves)} states and returned {len(given)}; a cell returns its output and "
                            "as many states as it got")  # fmt: skip
    return unflatten(structure, [cast(new, dtype_of(old)) for new, old in zip(given, leaves, strict=True)])
