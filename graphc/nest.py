"""``tf.nest``: nested lists, tuples and dicts, through optree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.pytree import leaves_of, map_leaves, structure_of, unflatten
from graphc_ir.errors import ArgumentError

_LEAF = structure_of(0)

__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves in order (dicts by sorted keys); None counts as a leaf."""
    return leaves_of(structure, none_is_leaf=True)


def is_nested(structure: Any) -> bool:
    """Whether this is a list, tuple, dict or another container."""
    return bool(structure_of(structure) != _LEAF)


def map_structure(func: Callable[..., Any], *structures: Any, **kwargs: Any) -> Any:
    """Applies ``func`` to corresponding leaves. Raises ArgumentError when the structures differ."""
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    return map_leaves(func, *structures, none_is_leaf=True)


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any], expand_composites: bool = False) -> Any:
    """The leaves put into a structure. Raises ArgumentError when their number differs."""
    packed = structure_of(structure)
    leaves = list(flat_sequence)
    if packed.num_leaves != len(leaves):
        raise ArgumentError(f"the structure {structure!r} has {packed.num_leaves} leaves, got {len(leaves)} values")
    return unflatten(packed, leaves)


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Raises ArgumentError unless both have the same nesting."""
    first, second = (structure_of(n) for n in (nest1, nest2))
    if first != second:
        raise ArgumentError(f"the structures differ: {first} and {second}")
