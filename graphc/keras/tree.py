"""``keras.tree``: nested lists, tuples and dicts. None counts as a leaf unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from graphc import nest, pytree
from graphc_ir.errors import ArgumentError

__all__ = [
    "MAP_TO_NONE", "assert_same_paths", "assert_same_structure", "flatten", "flatten_with_path", "is_nested",
    "lists_to_tuples", "map_shape_structure", "map_structure", "map_structure_up_to", "pack_sequence_as", "traverse",
]  # fmt: skip

Function = Callable[..., Any]


class _MapToNone:
    def __repr__(self) -> str:
        return "MAP_TO_NONE"


MAP_TO_NONE: Final = _MapToNone()
"""What the function of :func:`traverse` returns to put None in place of something."""


def is_nested(structure: Any) -> bool:
    """Whether this is a list, tuple, dict or another container."""
    return nest.is_nested(structure)


def flatten(structure: Any) -> list[Any]:
    """The leaves in order (dicts by sorted keys)."""
    return nest.flatten(structure)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves in order, each behind its path of keys and positions."""
    leaves, found = pytree.flatten(structure)
    return list(zip(found.paths(), leaves, strict=True))


def map_structure(func: Function, *structures: Any, none_is_leaf: bool = True) -> Any:
    """Applies ``func`` to corresponding leaves. Raises ArgumentError when the structures differ."""
    if not structures:
        raise ArgumentError("map_structure: got no structure; pass at least one behind the function")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    return pytree.map_leaves(func, *structures, none_is_leaf=none_is_leaf)


def map_structure_up_to(shallow_structure: Any, func: Function, *structures: Any) -> Any:
    """Applies ``func`` to what the other structures have where ``shallow_structure`` has a leaf.

    Raises ArgumentError when they do not have this structure.
    """
    shallow = pytree.structure_of(shallow_structure)
    try:
        rows = [shallow.flatten_up_to(structure) for structure in structures]
    except ValueError as error:
        raise ArgumentError(f"map_structure_up_to: a structure does not fit {shallow_structure!r}: {error}") from error
    return pytree.unflatten(shallow, [func(*parts) for parts in zip(*rows, strict=True)])


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Raises ArgumentError unless both have the same nesting. ``check_types`` is accepted: types always count."""
    nest.assert_same_structure(a, b)


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises ArgumentError unless the leaves of both have the same paths; the kinds of containers may differ."""
    first, second = ([path for path, _ in flatten_with_path(tree)] for tree in (a, b))
    if sorted(map(repr, first)) != sorted(map(repr, second)):
        raise ArgumentError(f"the paths differ: {first} and {second}")


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """The leaves put into a structure. Raises ArgumentError when their number differs."""
    return nest.pack_sequence_as(structure, flat_sequence)


def traverse(func: Function, structure: Any, top_down: bool = True) -> Any:
    """Replaces parts of a structure: ``func`` of a part gives what stands for it, or None to go on with its parts.

    ``top_down``: a part is asked before what is in it; otherwise behind, with its parts already replaced.
    """
    if top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    inner = _map_children(lambda child: traverse(func, child, top_down), structure)
    if top_down:
        return inner
    found = func(inner)
    return inner if found is None else None if found is MAP_TO_NONE else found


def _map_children(function: Function, structure: Any) -> Any:
    """A container with each of its own items replaced; a leaf as it is."""
    if not is_nested(structure):
        return structure
    own = pytree.one_level(structure)
    return pytree.unflatten(own, [function(child) for child in own.flatten_up_to(structure)])


def lists_to_tuples(structure: Any) -> Any:
    """The structure with tuples in place of lists."""
    return traverse(lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False)


def map_shape_structure(func: Function, structure: Any) -> Any:
    """Applies ``func`` to the shapes, lists and tuples of ints and Nones, in a structure."""

    def of_shape(part: Any) -> Any:
        if not isinstance(part, (list, tuple)) or not all(isinstance(size, (int, type(None))) for size in part):
            return None
        found = func(part)
        return MAP_TO_NONE if found is None else found

    return traverse(of_shape, structure)
